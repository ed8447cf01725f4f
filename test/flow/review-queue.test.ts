import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReviewQueueFile, reviewQueueOf, writeReviewQueue } from '../../src/flow/review-queue.ts';
import type { BranchStatus, QueuedBranch } from '../../src/model/state.ts';
import { at, stateOf } from '../policy/situations.ts';
import { openHomeJournal } from './home-journal.ts';

const word = { review: 'r', by: 'reviewer', name: 'reviewer', reason: 'so', at: at(-1) } as const;
const STATUS: { [S in BranchStatus['state']]: BranchStatus & { state: S } } = {
  pending: { state: 'pending', note: '' },
  'needs-human': { state: 'needs-human', ...word },
  approved: { state: 'approved', ...word },
  rejected: { state: 'rejected', ...word },
  landed: { state: 'landed', main: 'm', merged: 'm', review: 'r' },
  dropped: { state: 'dropped', why: 'red', reason: 'red on the tip' },
  gone: { state: 'gone', reason: 'deleted by somebody' },
};

const queued = (branch: string, state: BranchStatus['state'], more: Partial<QueuedBranch> = {}): QueuedBranch => ({
  ...{ branch, commit: 'c', base: 'b', tree: 't', project: 'api', session: 'alpha', cycle: 'c', title: 'title' },
  ...{ kind: 'change', at: at(-1), changedAt: at(-1), status: STATUS[state] },
  ...more,
});

const pictureOf = (branches: readonly QueuedBranch[]): ReviewQueueFile =>
  reviewQueueOf(
    stateOf((state) => {
      for (const branch of branches) state.queue[branch.branch] = branch;
    }),
  );
const namesIn = (picture: ReviewQueueFile) =>
  Object.fromEntries(Object.entries(picture).map(([list, of]) => [list, of.map(({ branch }: QueuedBranch) => branch)]));

describe('the picture of the review queue', () => {
  it.each<[state: BranchStatus['state'], list: keyof ReviewQueueFile]>([
    ['pending', 'pending'],
    ['needs-human', 'pending'],
    ['approved', 'approved'],
    ['rejected', 'rejected'],
    ['landed', 'landed'],
    ['dropped', 'dropped'],
    ['gone', 'dropped'],
  ])('shows a branch that is %s under “%s” and nowhere else, whole', (state, list) => {
    const branch = queued('x', state);
    const empty = { pending: [], approved: [], rejected: [], landed: [], dropped: [] };
    expect(pictureOf([branch])).toEqual({ ...empty, [list]: [branch] });
  });

  it('has what is open in the order of the pushes, and what is over with the newest end first', () => {
    const branches = (['pending', 'needs-human', 'approved', 'rejected', 'landed', 'dropped', 'gone'] as const).flatMap(
      (state) => [
        queued(`${state}-late`, state, { at: at(-5), changedAt: at(-1) }),
        queued(`${state}-early`, state, { at: at(-10), changedAt: at(-4) }),
      ],
    );
    const inOrder = {
      pending: ['needs-human-early', 'pending-early', 'needs-human-late', 'pending-late'],
      approved: ['approved-early', 'approved-late'],
      rejected: ['rejected-late', 'rejected-early'],
      landed: ['landed-late', 'landed-early'],
      dropped: ['dropped-late', 'gone-late', 'dropped-early', 'gone-early'],
    };
    expect(namesIn(pictureOf(branches))).toEqual(inOrder);
  });

  it('shows everything that is open and of each end the newest hundred', () => {
    const branches = Array.from({ length: 150 }, (_, n) =>
      (['pending', 'approved', 'rejected', 'landed', 'dropped'] as const).map((state) =>
        queued(`${state}-${n}`, state, { changedAt: at(-n) }),
      ),
    ).flat();
    const picture = pictureOf(branches);
    const lengths = Object.entries(picture).map(([list, of]) => [list, of.length]);
    expect(Object.fromEntries(lengths)).toEqual({
      ...{ pending: 150, approved: 150 },
      ...{ rejected: 100, landed: 100, dropped: 100 },
    });
    expect(picture.landed.at(-1)?.branch).toBe('landed-99');
  });
});

describe('logs/review-queue.json', () => {
  let dir: string;
  const closing: (() => void)[] = [];
  beforeEach(() => {
    dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-review-queue-'));
  });
  afterEach(() => {
    for (const close of closing.splice(0)) close();
    fs.rmSync(dir, { recursive: true, force: true });
  });

  const open = () => {
    const { journal } = openHomeJournal(dir);
    closing.push(() => journal.close());
    const file = join(dir, 'logs', 'review-queue.json');
    const push = (branch: string, title: string) => {
      const where = { project: 'api', session: 'alpha', cycle: '01KKN3V8ZC0000000000000000' };
      journal.append<'plan_made'>({
        ...{ type: 'plan_made', ...where },
        data: { plan: { title, why: 'so', kind: 'fix', files: [], expects: 'so' }, attempt: 1 },
      });
      journal.append<'branch_pushed'>({
        ...{ type: 'branch_pushed', ...where },
        data: { branch, commit: 'c'.repeat(40), base: 'b'.repeat(40), tree: 't'.repeat(40) },
      });
    };
    const decide = (branch: string, decision: 'approve' | 'reject' | 'needs-human') =>
      journal.append<'cto_review'>({
        type: 'cto_review',
        project: 'api',
        data: {
          ...{ branch, commit: 'c'.repeat(40), decision, by: 'reviewer', name: 'reviewer' },
          ...{ reasons: ['so'], comments: [] },
        },
      });
    const write = () => writeReviewQueue(journal, file);
    const picture = () => JSON.parse(fs.readFileSync(file, 'utf8')) as ReviewQueueFile;
    return { journal, file, push, decide, write, picture };
  };

  it('follows the journal, and has all five lists for scripts also when nothing is in them', () => {
    const { push, decide, write, picture } = open();
    write();
    expect(picture()).toEqual({ pending: [], approved: [], rejected: [], landed: [], dropped: [] });
    for (const name of ['a', 'b', 'c', 'd']) push(`brl/alpha/${name}`, `Mend ${name}`);
    decide('brl/alpha/b', 'approve');
    decide('brl/alpha/c', 'reject');
    decide('brl/alpha/d', 'needs-human');
    write();
    expect(namesIn(picture())).toEqual({
      pending: ['brl/alpha/a', 'brl/alpha/d'],
      approved: ['brl/alpha/b'],
      rejected: ['brl/alpha/c'],
      landed: [],
      dropped: [],
    });
    expect(picture().pending.map(({ status }) => status.state)).toEqual(['pending', 'needs-human']);
  });

  it('is valid JSON on lines of its own, whatever a title holds', () => {
    const { journal, file, push, write, picture } = open();
    push('brl/alpha/a', 'Quote "this"\\ and \u2028 that \u0000 \ud800 </script> 🫠');
    write();
    expect(picture()).toEqual(JSON.parse(JSON.stringify(reviewQueueOf(journal.state()))));
    expect(fs.readFileSync(file, 'utf8')).toMatch(/^\{\n[\s\S]*\n\}\n$/);
  });

  it('is replaced as a whole: who reads the old one has it to its end, and nothing half written stays', () => {
    const { file, push, write, picture } = open();
    write();
    const before = fs.readFileSync(file, 'utf8');
    const reading = fs.openSync(file, 'r');
    push('brl/alpha/a', 'Mend a');
    write();
    expect(fs.readFileSync(reading, 'utf8')).toBe(before);
    fs.closeSync(reading);
    expect(picture().pending).toHaveLength(1);
    expect(fs.readdirSync(dirname(file)).filter((name) => name.startsWith('review-queue'))).toEqual([
      'review-queue.json',
    ]);
  });

  it('is left alone while it says the same, and mended when it is damaged or was edited', () => {
    const { file, push, write, picture } = open();
    push('brl/alpha/a', 'Mend a');
    write();
    const { ino } = fs.statSync(file);
    write();
    expect(fs.statSync(file).ino).toBe(ino);
    for (const content of ['', '{"pending": [', '\0\0', '{"pending":[]}']) {
      fs.writeFileSync(file, content);
      write();
      expect(picture().pending).toHaveLength(1);
    }
  });

  it('that cannot be written fails nothing: the journal has the branches', () => {
    const { journal, file, push, write } = open();
    fs.mkdirSync(file, { recursive: true });
    push('brl/alpha/a', 'Mend a');
    write();
    expect(journal.state().queue['brl/alpha/a']?.status.state).toBe('pending');
  });
});
