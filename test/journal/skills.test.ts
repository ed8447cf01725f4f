import { describe, expect, it } from 'vitest';
import { foldEntry, illegalEntry } from '../../src/journal/fold.ts';
import type { Entry, EntryData, EntryType } from '../../src/model/entry.ts';
import { emptyState } from '../../src/model/state.ts';
import { DATA } from '../model/examples.ts';

/** What the journal knows of skills: who had them, what came of it, and what was taken back. */

const story = () => {
  const state = emptyState();
  let count = 0;
  const tell = <T extends EntryType>(type: T, data: EntryData<T>, cycle?: string): string => {
    count += 1;
    const where = { project: 'api', session: 'alpha', ...(cycle ? { cycle } : {}) };
    const ts = new Date(Date.parse('2026-03-14T09:00:00.000Z') + count * 1000).toISOString();
    const entry = { id: `E${String(count).padStart(8, '0')}`, ts, type, ...where, data } as unknown as Entry;
    expect(illegalEntry(state, entry)).toBeUndefined();
    foldEntry(state, entry);
    return entry.id;
  };
  const write = (skill: string, more: Partial<EntryData<'skill_written'>> = {}) =>
    tell('skill_written', {
      ...DATA.skill_written,
      skill,
      by: 'doctor',
      hash: `hash of ${skill}`,
      evidence: [],
      ...more,
    });
  /** Name of the branch, for a cycle that pushes one. */
  const cycle = (
    outcome: EntryData<'ralph_cycle'>['outcome'],
    {
      skills = [],
      withheld = [],
      before,
    }: { skills?: string[]; withheld?: string[]; before?: (branch: string) => void },
  ): string => {
    const id = `c${count}`;
    const branch = `brl/alpha/${id}`;
    tell('cycle_started', DATA.cycle_started, id);
    if (outcome === 'pushed') tell('branch_pushed', { branch, commit: 'a', base: 'b', tree: 't' }, id);
    before?.(branch);
    tell(
      'ralph_cycle',
      {
        ...DATA.ralph_cycle,
        outcome,
        skills,
        withheld,
        ...(outcome === 'pushed' ? { branch } : { branch: undefined }),
      },
      id,
    );
    return branch;
  };
  const review = (branch: string, decision: 'approve' | 'reject', by: 'reviewer' | 'person' = 'person') =>
    tell('cto_review', { branch, commit: 'a', decision, by, name: 'mia', reasons: ['so'], comments: [] });
  const drop = (branch: string, why: 'red' | 'conflict') =>
    tell('branch_dropped', { ...DATA.branch_dropped, branch, commit: 'a', why });
  return { state, tell, write, cycle, review, drop };
};

describe('the figures of a skill', () => {
  it.each<[outcome: EntryData<'ralph_cycle'>['outcome'], kept: number, ended: number]>([
    ['pushed', 1, 1],
    ['discarded', 0, 1],
    ['empty', 0, 1],
    ['unevaluated', 0, 0],
    ['failed', 0, 0],
    ['interrupted', 0, 0],
  ])('count a cycle that is %s', (outcome, kept, ended) => {
    const { state, write, cycle } = story();
    write('with');
    write('without');
    write('neither');
    cycle(outcome, { skills: ['with', 'unknown', '__proto__'], withheld: ['without'] });
    expect(state.skills.with).toMatchObject({ with: { kept, ended }, without: { kept: 0, ended: 0 } });
    expect(state.skills.without).toMatchObject({ with: { kept: 0, ended: 0 }, without: { kept, ended } });
    expect(state.skills.neither).toMatchObject({ with: { kept: 0, ended: 0 }, without: { kept: 0, ended: 0 } });
    expect(state.skills.with?.lastUsedAt).toBeDefined();
    expect(state.skills.without?.lastUsedAt).toBeUndefined();
  });

  const figures = (deed: (tale: ReturnType<typeof story>, branch: string) => void) => {
    const tale = story();
    tale.write('with');
    tale.write('without');
    const branch = tale.cycle('pushed', { skills: ['with'], withheld: ['without'] });
    tale.cycle('discarded', { skills: ['with'] });
    deed(tale, branch);
    const { with: used, without } = tale.state.skills;
    return [used?.with, without?.without];
  };
  const KEPT = [
    { kept: 1, ended: 2 },
    { kept: 1, ended: 1 },
  ];
  const TAKEN_BACK = [
    { kept: 0, ended: 2 },
    { kept: 0, ended: 1 },
  ];
  const land = ({ tell, review }: ReturnType<typeof story>, branch: string, to: string) => {
    const landing = {
      branch,
      commit: 'a',
      merged: to,
      session: 'alpha',
      cycle: 'c',
      review: review(branch, 'approve'),
    };
    tell('merged', { ...DATA.merged, from: 'b', to, landings: [landing] });
  };

  it.each<[what: string, deed: (tale: ReturnType<typeof story>, branch: string) => void, kept: boolean]>([
    ['waits', () => {}, true],
    ['is approved', ({ review }, branch) => void review(branch, 'approve'), true],
    ['is rejected', ({ review }, branch) => void review(branch, 'reject', 'reviewer'), false],
    ['is rejected twice', ({ review }, branch) => [review(branch, 'reject'), review(branch, 'reject')], false],
    [
      'is rejected, and then approved by a person',
      ({ review }, branch) => [review(branch, 'reject'), review(branch, 'approve')],
      true,
    ],
    [
      'is dropped, since it is red on main',
      ({ review, drop }, branch) => [review(branch, 'approve'), drop(branch, 'red')],
      false,
    ],
    [
      'is dropped in a conflict with whoever was faster',
      ({ review, drop }, branch) => [review(branch, 'approve'), drop(branch, 'conflict')],
      true,
    ],
    ['is deleted by somebody', ({ tell }, branch) => void tell('branch_moved', { branch, from: 'a' }), true],
    ['lands', (tale, branch) => land(tale, branch, 'm1'), true],
    [
      'lands and is reverted',
      (tale, branch) => {
        land(tale, branch, 'm1');
        const revert = {
          ...DATA.revert_proposed,
          branch: 'revert/1',
          commit: 'a',
          from: 'b',
          to: 'm1',
          branches: [branch],
        };
        tale.tell('revert_proposed', revert);
        land(tale, 'revert/1', 'm2');
      },
      false,
    ],
  ])('hold when the branch %s', (_, deed, kept) => {
    expect(figures(deed)).toEqual(kept ? KEPT : TAKEN_BACK);
  });

  it('are right when the reviewer was faster than the end of the cycle', () => {
    const { state, write, cycle, review } = story();
    write('with');
    const branch = cycle('pushed', { skills: ['with'], before: (name) => void review(name, 'reject') });
    expect(state.skills.with?.with).toEqual({ kept: 0, ended: 1 });
    review(branch, 'approve');
    expect(state.skills.with?.with).toEqual({ kept: 1, ended: 1 });
  });

  it('begin anew with a person’s edit and with a return, and old branches say nothing about them any more', () => {
    const { state, tell, write, cycle, review } = story();
    write('edited');
    write('returned');
    write('gained');
    const branch = cycle('pushed', { skills: ['edited', 'returned', 'gained'] });
    write('edited', { by: 'person', hash: 'another' });
    write('gained', { hash: 'with more evidence', evidence: ['c9'] });
    tell('skill_retired', { ...DATA.skill_retired, skill: 'returned' });
    tell('skill_restored', { ...DATA.skill_restored, skill: 'returned' });
    cycle('pushed', { skills: ['edited', 'returned', 'gained'] });
    review(branch, 'reject');
    expect(state.skills.edited?.with).toEqual({ kept: 1, ended: 1 });
    expect(state.skills.returned?.with).toEqual({ kept: 1, ended: 1 });
    expect(state.skills.gained).toMatchObject({ with: { kept: 1, ended: 2 }, evidence: ['c9'] });
  });

  it('begin anew when a retired one is written again', () => {
    const { state, tell, write, cycle } = story();
    write('again');
    cycle('discarded', { skills: ['again'] });
    tell('skill_retired', { ...DATA.skill_retired, skill: 'again' });
    write('again', { hash: 'new', evidence: ['c5'] });
    expect(state.skills.again).toMatchObject({ with: { kept: 0, ended: 0 }, evidence: ['c5'] });
    expect(state.skills.again?.retired).toBeUndefined();
  });
});
