import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntryOf, RalphCycle } from '../../src/model/entry.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { TreeReport } from '../../src/model/report.ts';
import {
  type Attempt,
  attemptOf,
  type Fate,
  isThrownAway,
  type Present,
  presentOf,
  shareOf,
  triedBefore,
} from '../../src/policy/tried.ts';
import { CYCLE } from '../model/examples.ts';

const plan = (title: string, ...files: string[]): Plan => ({
  ...{ title, kind: 'fix', files },
  why: 'list.test.ts > sorts fails: the names come in the order of their entry',
  expects: 'list.test.ts > sorts passes',
});

const attempt = (cycle: string, more: Partial<Attempt> = {}): Attempt => ({
  ...{ cycle, session: 'beta', at: `2026-03-14T09:${cycle.slice(1).padStart(2, '0')}:00.000Z` },
  ...{ outcome: 'discarded', reason: 'breaks 1 test: adds', judged: true },
  title: 'Sort the list by name',
  why: 'list.test.ts > sorts fails: the names come in the order of their entry',
  expects: 'list.test.ts > sorts passes',
  files: ['src/list.ts'],
  broken: ['tests: list.test.ts > adds'],
  ...more,
});

const again = plan('Sort the list by name', 'src/list.ts');
const PRESENT: Present = {
  passing: new Set(['tests: list.test.ts > adds', 'tests: list.test.ts > counts']),
  wrong: new Set(['tests: list.test.ts > sorts', 'types: src/x.ts: TS2304: Cannot find name']),
};
const rejected: Fate = { state: 'rejected', reason: 'it hides the fault', conflicted: false };

describe('triedBefore', () => {
  it('names the cycle, who tried, when, why it was thrown away and where its patch lies', () => {
    expect(triedBefore(again, [attempt('c1', { patch: 'logs/patches/c1.patch' })], PRESENT)).toEqual({
      cycle: 'c1',
      reason:
        'beta tried “Sort the list by name” on 2026-03-14 09:01 and it was discarded: breaks 1 test: adds ' +
        '(cycle c1, patch logs/patches/c1.patch); nothing that it touches has changed since',
    });
    expect(triedBefore(again, [attempt('c1', { outcome: 'pushed', fate: rejected })], PRESENT)?.reason).toBe(
      'beta tried “Sort the list by name” on 2026-03-14 09:01 and it was rejected: it hides the fault (cycle c1); nothing that it touches has changed since',
    );
  });

  it.each<[title: string]>([
    ['Sort the list by name'],
    ['sort list by name!'],
    ['By name, sort the list'],
    ['Sorting of lists by their names'],
    ['Order the lists by name'],
    ['Sorted the array by name'],
    ['Sort the list by name in the sidebar'],
    ['Sort  the\tlist\u200b by\u0000 name'],
    ['Fix: sort the list by name'],
    ['List entries sorted by name'],
  ])('takes %j on the same file for the same attempt', (title) => {
    expect(triedBefore(plan(title, 'src/list.ts'), [attempt('c1')], PRESENT)?.cycle).toBe('c1');
  });

  it.each<[title: string]>([
    ['Cache the length'],
    ['Sort the list by date'],
    ['Do not sort the list by name'],
    ['Compare names without regard to case'],
    ['Return the entries in the order of a collator'],
    ['Rename the list'],
    ['constructor'],
    ['!!!'],
    ['.*'],
  ])('takes %j on the same file for another', (title) => {
    expect(triedBefore(plan(title, 'src/list.ts'), [attempt('c1')], PRESENT)).toBeUndefined();
  });

  it.each<[title: string, contrary: string]>([
    ['Add a cache for parsed configuration files', 'Remove the cache for parsed configuration files'],
    ['Enable strict mode in the parser options', 'Disable strict mode in the parser options'],
    ['Inline the reader of the journal tail', 'Extract the reader of the journal tail'],
  ])('keeps %j and its contrary apart', (title, contrary) => {
    const past = [attempt('c1', { title, why: 'a', expects: 'b' })];
    expect(triedBefore(plan(title, 'src/list.ts'), past, PRESENT)?.cycle).toBe('c1');
    expect(triedBefore(plan(contrary, 'src/list.ts'), past, PRESENT)).toBeUndefined();
  });

  it.each<[what: string, plan: Plan, past: Attempt[], cycle: string | undefined]>([
    ['nothing was tried', again, [], undefined],
    ['the spelling of the file differs', plan('Sort the list by name', './src//list.ts'), [attempt('c1')], 'c1'],
    ['it names the directory of the file', plan('Sort the list by name', 'src/'), [attempt('c1')], 'c1'],
    ['it is the same title on another file', plan('Sort the list by name', 'src/x.ts'), [attempt('c1')], undefined],
    ['the other file only begins alike', plan('Sort the list by name', 'src/list.ts.md'), [attempt('c1')], undefined],
    ['it names no file at all', plan('Sort the list by name'), [attempt('c1')], 'c1'],
    ['it was kept', again, [attempt('c1', { outcome: 'pushed' })], undefined],
    ['it was pushed and rejected', again, [attempt('c1', { outcome: 'pushed', fate: rejected })], 'c1'],
    [
      'it was pushed and dropped since it broke another branch',
      again,
      [attempt('c1', { outcome: 'pushed', fate: { ...rejected, state: 'dropped' } })],
      'c1',
    ],
    [
      'it was pushed and lost to a conflict',
      again,
      [attempt('c1', { outcome: 'pushed', fate: { ...rejected, state: 'dropped', conflicted: true } })],
      undefined,
    ],
    ['it was discarded for a conflict and never judged', again, [attempt('c1', { judged: false })], undefined],
    ['it ended without a judgement', again, [attempt('c1', { outcome: 'unevaluated' })], undefined],
    ['the service failed', again, [attempt('c1', { outcome: 'failed' })], undefined],
    ['it was stopped', again, [attempt('c1', { outcome: 'interrupted' })], undefined],
    [
      'something on these files was kept since',
      again,
      [attempt('c1'), attempt('c2', { outcome: 'pushed', title: 'Another matter' })],
      undefined,
    ],
    [
      'something on its other files was kept since',
      again,
      [
        attempt('c1', { files: ['src/list.ts', 'src/y.ts'] }),
        attempt('c2', { outcome: 'pushed', files: ['src/y.ts'] }),
      ],
      undefined,
    ],
    ['something on these files was kept before', again, [attempt('c1', { outcome: 'pushed' }), attempt('c2')], 'c2'],
    [
      'something on these files was pushed since, and rejected',
      again,
      [attempt('c1'), attempt('c2', { outcome: 'pushed', title: 'Another matter', fate: rejected })],
      'c1',
    ],
    [
      'only other files changed since',
      again,
      [attempt('c1'), attempt('c2', { outcome: 'pushed', files: ['src/x.ts'] })],
      'c1',
    ],
    ['it was tried twice', again, [attempt('c1'), attempt('c2')], 'c2'],
    ['the newest of two comes first in the list', again, [attempt('c2'), attempt('c1')], 'c2'],
    ['what it broke is wrong on main now', again, [attempt('c1', { broken: [...PRESENT.wrong] })], undefined],
    [
      'the test it broke is no more',
      again,
      [attempt('c1', { broken: ['tests: list.test.ts > was removed'] })],
      undefined,
    ],
    [
      'one of the tests it broke still passes',
      again,
      [attempt('c1', { broken: ['tests: list.test.ts > was removed', 'tests: list.test.ts > adds'] })],
      'c1',
    ],
    [
      'the error it added is not on main',
      again,
      [attempt('c1', { broken: ['types: src/list.ts: TS2322: Type is not assignable'] })],
      'c1',
    ],
    ['it was refused for what it touched, and broke nothing', again, [attempt('c1', { broken: [] })], 'c1'],
  ])('when %s', (_, wanted, past, cycle) => {
    expect(triedBefore(wanted, past, PRESENT)?.cycle).toBe(cycle);
  });

  it('takes a title in other words for the same when the reasons are, and not when they are not', () => {
    const one = attempt('c1', {
      ...{ title: 'Return an empty list when nothing matches', files: ['src/search.ts'] },
      why: 'search.test.ts > finds nothing fails: the function returns undefined',
      expects: 'search.test.ts > finds nothing passes',
    });
    const other: Plan = {
      ...{ title: 'Return an empty array if nothing is found', kind: 'fix', files: ['src/search.ts'] },
      why: 'search.test.ts > finds nothing fails since the function returns undefined',
      expects: 'search.test.ts > finds nothing passes',
    };
    expect(triedBefore(other, [one], PRESENT)?.cycle).toBe('c1');
    const elsewhere = { ...other, why: 'page.test.ts > shows a hint fails', expects: 'the hint is shown' };
    expect(triedBefore(elsewhere, [one], PRESENT)).toBeUndefined();
  });

  it('comes to the same whatever the order of the attempts, and never throws on titles of strangers', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', '(a+)+$', '\u202e', '💥'));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), text, (titles, title) => {
        const past = titles.map((each, n) => attempt(`c${n}`, { title: each }));
        const wanted = plan(title, 'src/list.ts');
        const found = triedBefore(wanted, past, PRESENT);
        expect(triedBefore(wanted, past.toReversed(), PRESENT)).toEqual(found);
        expect(triedBefore(plan(titles[0] ?? '', 'src/list.ts'), past, PRESENT) === undefined).toBe(past.length === 0);
      }),
    );
  });
});

describe('attemptOf', () => {
  const entry = (data: Partial<RalphCycle>): EntryOf<'ralph_cycle'> => ({
    ...{ id: 'i', ts: '2026-03-14T09:30:00.000Z', type: 'ralph_cycle', project: 'api', session: 'beta', cycle: 'c1' },
    data: { ...CYCLE, ...data },
  });

  it('takes the files that were planned and those that were touched, and the patch of either end', () => {
    const found = attemptOf(entry({ outcome: 'discarded', files: ['src/other.ts'] }), { ...rejected, patch: 'p' });
    expect(found).toMatchObject({ cycle: 'c1', files: ['src/other.ts', 'src/search.ts'], patch: 'p', judged: true });
  });

  it('makes nothing of a cycle without a plan, or whose plan was to do nothing', () => {
    const { plan: made, ...unplanned } = CYCLE;
    expect(attemptOf({ ...entry({}), data: unplanned })).toBeUndefined();
    expect(attemptOf(entry({ plan: { ...made!, nothing: true } }))).toBeUndefined();
  });

  it('knows a conflict, which was never judged, from what was', () => {
    const { verdict: _, ...unjudged } = CYCLE;
    const conflict = { ...entry({}), data: { ...unjudged, outcome: 'discarded' as const } };
    expect(isThrownAway(attemptOf(conflict)!)).toBe(false);
    const finding = { kind: 'secret', action: 'refuse', file: 'a', evidence: 'b' } as const;
    expect(isThrownAway(attemptOf({ ...conflict, data: { ...conflict.data, findings: [finding] } })!)).toBe(true);
    expect(isThrownAway(attemptOf(entry({ outcome: 'discarded', verdict: 'worse' }))!)).toBe(true);
  });
});

describe('presentOf', () => {
  it('tells what passes from what is wrong, by check and identity', () => {
    const test = (id: string, status: 'passed' | 'failed' | 'skipped') => ({ id, file: 'a', name: id, status });
    const evaluated = { state: 'evaluated', green: false, exitCode: 1, durationMs: 1 } as const;
    const problem = { id: 'src/a.ts: TS1: x', file: 'src/a.ts', code: 'TS1', message: 'x' };
    const baseline: TreeReport = {
      tree: 't',
      checks: [
        { ...evaluated, check: 'types', problems: [problem], tests: [] },
        {
          ...{ ...evaluated, check: 'tests', problems: [] },
          tests: [test('good', 'passed'), test('bad', 'failed'), test('asleep', 'skipped')],
        },
        { state: 'unevaluated', check: 'lint', reason: 'timeout', message: 'm', durationMs: 1 },
      ],
    };
    expect(presentOf(baseline)).toEqual({
      passing: new Set(['tests: good']),
      wrong: new Set(['types: src/a.ts: TS1: x', 'tests: bad']),
    });
  });
});

describe('shareOf', () => {
  it('lies between 0 and 1, is the same both ways, and 1 with itself', () => {
    const words = fc.array(fc.string({ maxLength: 2 })).map((list) => new Set(list));
    fc.assert(
      fc.property(words, words, (a, b) => {
        const share = shareOf(a, b);
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
        expect(shareOf(b, a)).toBe(share);
        expect(shareOf(a, a)).toBe(1);
      }),
    );
  });
});
