import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Factory } from '../../src/desk/doors.ts';
import { revert } from '../../src/desk/landing.ts';
import type { TrainTick } from '../../src/flow/train.ts';
import { runTrain } from '../../src/roles/train.ts';
import { firstOf, THOROUGH } from '../thoroughness.ts';
import { createWorkbench, remoteHook, SMALL, type Workbench, type WorkbenchOptions } from './workbench.ts';

/** The train on a real repository with real checks; the branches are pushed and approved by hand. */

let bench: Workbench;
let factory: Factory;
let minute = 0;

const begin = async (options: WorkbenchOptions = {}): Promise<void> => {
  bench = await createWorkbench({ sessions: ['alpha'], files: { ...SMALL, 'sum.js': GOOD }, ...options });
  factory = await bench.open();
};

afterEach(() => bench.close());

const GOOD = 'export const sum = (a, b) => a + b;\nexport const twice = (a) => a * 2;\n';
const never = new AbortController().signal;

const train = async (): Promise<TrainTick> => {
  const ran = await runTrain(factory.shop, factory.config().projects[0]!, never);
  if (!ran.ok) throw new Error(ran.error.message);
  return ran.value;
};

/** A branch on main's tip of now, pushed and in the queue. */
const push = async (name: string, files: Record<string, string>, from = 'origin/main'): Promise<string> => {
  const branch = `brl/alpha/${name}`;
  await bench.git('fetch', '--quiet', 'origin');
  await bench.git('checkout', '--quiet', '--detach', from);
  for (const [path, text] of Object.entries(files)) writeFileSync(join(bench.dir, 'work', path), text);
  await bench.git('add', '--all');
  await bench.git('commit', '--quiet', '--message', `Change ${name}`);
  await bench.git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
  const [base, commit, tree] = (await bench.git('rev-parse', 'HEAD~1', 'HEAD', 'HEAD^{tree}')).split('\n');
  minute += 1;
  factory.journal.append<'branch_pushed'>({
    type: 'branch_pushed',
    ...{ project: 'small', session: 'alpha', cycle: `c${minute}` },
    data: { branch, commit: commit!, base: base!, tree: tree! },
  });
  return branch;
};

const approve = (branch: string): void => {
  const { commit } = factory.journal.state().queue[branch]!;
  const words = { by: 'person' as const, name: 'mia', reasons: ['good'], comments: [] };
  factory.journal.append<'cto_review'>({
    type: 'cto_review',
    project: 'small',
    data: { branch, commit, decision: 'approve', ...words },
  });
};

const statusOf = (branch: string) => factory.journal.state().queue[branch]?.status;
const mainFile = async (path: string): Promise<string> => {
  await bench.git('fetch', '--quiet', 'origin');
  return bench.git('show', `origin/main:${path}`);
};

describe('the train', () => {
  it('lands what is approved together, tested as one tree, with trailers, and deletes the branches', async () => {
    await begin();
    const a = await push('a', { 'a.js': 'export const a = 1;\n' });
    const b = await push('b', { 'b.js': 'export const b = 2;\n' });
    const c = await push('c', { 'c.js': 'export const c = 3;\n' });
    approve(a);
    approve(b);
    expect(await train()).toEqual({ landed: [a, b], dropped: [] });
    expect(await mainFile('a.js')).toContain('a = 1');
    const message = await bench.git('log', '-1', '--format=%B', 'origin/main');
    expect(message).toContain(`Winnow-Branch: ${b}\nWinnow-Session: alpha\nWinnow-Cycle: c`);
    expect(message).toMatch(/^Winnow-Review: \S+$/m);
    expect((await bench.branches()).map((line) => line.split(' ')[0])).toEqual([c]);
    expect(factory.journal.state().queue[a]).toMatchObject({ deleted: true, patch: expect.stringMatching(/\.patch$/) });
    // One look at the tree of both; nothing is executed again by a second tick.
    expect(bench.ofType('train_tested')).toHaveLength(1);
    const ran = bench.ofType('check_ran').length;
    expect(await train()).toEqual({ landed: [], dropped: [] });
    expect(bench.ofType('check_ran')).toHaveLength(ran);
    expect(statusOf(c)).toMatchObject({ state: 'pending' });
  });

  it('drops the one of two that are each green and together red, with what it broke', async () => {
    await begin();
    const uses = await push('uses', {
      'quad.js': `import { twice } from './sum.js';\nexport const quad = (a) => twice(twice(a));\n`,
      'quad.test.js': `import assert from 'node:assert/strict';\nimport test from 'node:test';\nimport { quad } from './quad.js';\ntest('quadruples', () => assert.equal(quad(2), 8));\n`,
    });
    const renames = await push('renames', {
      'sum.js': GOOD.replace('twice', 'double'),
      'sum.test.js': SMALL['sum.test.js']!.replaceAll('twice', 'double'),
    });
    approve(uses);
    approve(renames);
    expect(await train()).toEqual({ landed: [uses], dropped: [renames] });
    const [dropped] = bench.ofType('branch_dropped');
    expect(dropped?.data).toMatchObject({ branch: renames, why: 'red', below: [uses] });
    expect(dropped?.data.broken.join('\n')).toContain('quad');
    expect(dropped?.data.patch).toMatch(/^logs\/patches\/.*\.patch$/);
    expect(await mainFile('sum.js')).toContain('twice');
    expect(await bench.branches()).toEqual([]);
  });

  it.runIf(THOROUGH)(
    'halves a red stack at once, and looks twice only at the one branch that is dropped for it',
    async () => {
      await begin();
      const good = await push('good', { 'notes.txt': 'fine\n' });
      const bad = await push('bad', { 'sum.js': GOOD.replace('a * 2', 'a * 3') });
      approve(good);
      approve(bad);
      expect(await train()).toEqual({ landed: [good], dropped: [bad] });
      const tested = bench
        .ofType('train_tested')
        .map(({ data }) => [data.branches.length, data.state, data.checks.ran]);
      expect(tested).toEqual([
        [2, 'red', 1],
        [1, 'green', 1],
        // The tree is that of the stack, known to be red; what ran is the second look.
        [1, 'red', 1],
      ]);
      expect(bench.ofType('branch_dropped')[0]?.data.broken).toEqual([expect.stringContaining('doubles')]);
    },
  );

  it('sends a conflict back to its session once', async () => {
    await begin();
    const first = await push('first', { 'sum.js': GOOD.replace('a * 2', '2 * a') });
    const second = await push('second', { 'sum.js': GOOD.replace('a * 2', 'a + a') });
    approve(first);
    approve(second);
    expect(await train()).toEqual({ landed: [first], dropped: [second] });
    expect(statusOf(second)).toMatchObject({ state: 'dropped', why: 'conflict' });
    const tasks = Object.values(factory.journal.state().tasks);
    expect(tasks).toMatchObject([{ origin: 'conflict', session: 'alpha', priority: 'high', state: 'queued' }]);
    expect(tasks[0]?.text).toContain('sum.js');
    expect(bench.ofType('branch_dropped')[0]?.data).toMatchObject({ files: ['sum.js'], task: tasks[0]?.id });
  });

  it('does not land a commit that was pushed after the approval, nor a branch that is gone', async () => {
    await begin();
    const moved = await push('moved', { 'a.js': 'export const a = 1;\n' });
    const gone = await push('gone', { 'b.js': 'export const b = 1;\n' });
    approve(moved);
    approve(gone);
    await bench.git('checkout', '--quiet', '--detach', 'origin/main');
    await bench.git('commit', '--quiet', '--allow-empty', '--message', 'Sneak in');
    await bench.git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${moved}`, `:refs/heads/${gone}`);
    expect(await train()).toEqual({ landed: [], dropped: [] });
    expect(statusOf(moved)).toMatchObject({ state: 'pending', note: expect.stringContaining('lapsed') });
    expect(statusOf(gone)).toMatchObject({ state: 'gone' });
  });

  it('says once what a remote that refuses main says, keeps the branch, and lands it when it may', async () => {
    await begin();
    const branch = await push('a', { 'a.js': 'export const a = 1;\n' });
    approve(branch);
    await remoteHook(bench, 'update', '[ "$1" != refs/heads/main ] || { echo "main is frozen"; exit 1; }');
    for (const _ of [1, 2]) {
      const { waits } = await train();
      expect(waits?.reason).toContain('main is frozen');
    }
    expect(bench.ofType('train_blocked')).toHaveLength(1);
    expect(statusOf(branch)).toMatchObject({ state: 'approved' });
    await remoteHook(bench, 'update', 'exit 0');
    expect(await train()).toEqual({ landed: [branch], dropped: [] });
    expect(factory.journal.state().projects.small).not.toHaveProperty('blocked');
    expect(factory.journal.state().intents).toEqual({});
  });

  it('lands only what mends a main that somebody else made red, and opens when it is green', async () => {
    await begin();
    expect(await train()).toEqual({ landed: [], dropped: [] });
    await bench.commit({ 'sum.js': GOOD.replace('a + b', 'a - b') }, 'Subtract by mistake');
    const other = await push('other', { 'a.js': 'export const a = 1;\n' });
    const mends = await push('mends', { 'sum.js': GOOD });
    approve(other);
    const { waits } = await train();
    const { red } = factory.journal.state().projects.small!;
    expect(red?.suspects).toMatchObject([{ subject: 'Subtract by mistake' }]);
    expect(red?.broken.join()).toContain('adds');
    const [task] = Object.values(factory.journal.state().tasks);
    expect(task).toMatchObject({ origin: 'main-red', priority: 'urgent', id: red?.task });
    expect(waits === undefined || waits.reason.includes('red')).toBe(true);
    expect(statusOf(other)).toMatchObject({ state: 'approved' });
    approve(mends);
    expect((await train()).landed).toEqual([mends, other]);
    expect(bench.ofType('main_red')).toHaveLength(1);
    expect(bench.ofType('main_green')).toHaveLength(1);
    expect(await mainFile('a.js')).toContain('a = 1');
  });

  it('takes back a landing whose verification fails, once, and asks to do it again', async () => {
    await begin({ project: { merge: { verify: '! grep -q BROKEN deployed.txt', verifyTimeout: '30s' } } });
    const good = await push('good', { 'deployed.txt': 'fine\n' });
    approve(good);
    expect(await train()).toMatchObject({ landed: [good] });
    const bad = await push('bad', { 'deployed.txt': 'BROKEN\n' });
    approve(bad);
    const { landed } = await train();
    expect(landed).toEqual([bad, expect.stringMatching(/^brl\/winnow\/revert-/)]);
    expect(await mainFile('deployed.txt')).toBe('fine');
    expect(bench.ofType('landing_verified').map(({ data }) => data.ok)).toEqual([true, false, true]);
    const tasks = Object.values(factory.journal.state().tasks);
    expect(tasks).toMatchObject([{ origin: 'revert', session: 'alpha' }]);
    expect(await train()).toEqual({ landed: [], dropped: [] });
  });

  it('takes back a branch by its name when a person says so, in every style', async () => {
    for (const style of firstOf(1, ['rebase', 'squash', 'merge'])) {
      await begin({ project: { merge: { style } } });
      const a = await push('a', { 'a.js': 'export const a = 1;\n' });
      const b = await push('b', { 'b.js': 'export const b = 2;\n' });
      approve(a);
      approve(b);
      expect((await train()).landed).toEqual([a, b]);
      const options = { reason: 'not wanted', by: 'mia', signal: never };
      expect(await revert(factory, 'nonsense', options)).toMatchObject({ ok: false, error: { kind: 'not-found' } });
      const reverted = await revert(factory, 'a', options);
      if (!reverted.ok) throw new Error(reverted.error.message);
      expect((await train()).landed).toEqual([reverted.value.branch]);
      await bench.git('fetch', '--quiet', 'origin');
      expect((await bench.git('ls-tree', '--name-only', 'origin/main')).split('\n')).toEqual([
        'README.md',
        'b.js',
        'package.json',
        'sum.js',
        'sum.test.js',
      ]);
      if (style !== 'merge' && THOROUGH) await bench.close();
    }
  });
});
