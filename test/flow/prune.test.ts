import { execFileSync } from 'node:child_process';
import { readdirSync, utimesSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Factory } from '../../src/desk/doors.ts';
import { pruneMirror } from '../../src/flow/prune.ts';
import type { Workshop } from '../../src/flow/workshop.ts';
import type { Mirror } from '../../src/ports/git/mirror.ts';
import { createWorkbench, SMALL, type Workbench } from '../factory/workbench.ts';

/** A real home with a real mirror in which everything is made forty days old. */
const DAY = 86_400_000;
let bench: Workbench;
let factory: Factory;
let mirror: Mirror;
beforeEach(async () => {
  bench = await createWorkbench({ sessions: ['alpha'] });
  factory = await bench.open();
  mirror = must(await factory.shop.mirrorOf(factory.config().projects[0]!));
  must(await mirror.fetch());
});
afterEach(() => bench.close());

const must = <T>(result: { ok: true; value: T } | { ok: false; error: { message: string } }): T => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

const git = (...args: string[]): string =>
  execFileSync('git', ['--git-dir', mirror.dir, ...args], { encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }).trim();
const has = (object: string): boolean => {
  try {
    git('cat-file', '-e', object);
    return true;
  } catch {
    return false;
  }
};

/** Nothing is remembered by reflogs, and every object is as old as that. */
const age = (): void => {
  git('reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all');
  const old = new Date(Date.now() - 40 * DAY);
  for (const file of readdirSync(join(mirror.dir, 'objects'), { recursive: true, withFileTypes: true }))
    if (file.isFile()) utimesSync(join(file.parentPath, file.name), old, old);
};

/** A commit of one file, with nothing that refers to it. */
const orphan = async (word: string): Promise<{ commit: string; tree: string }> => {
  const file = join(bench.dir, 'word');
  await writeFile(file, `${word}\n`);
  const blob = git('hash-object', '-w', file);
  const tree = execFileSync('git', ['--git-dir', mirror.dir, 'mktree'], {
    input: `100644 blob ${blob}\t${word}.txt\n`,
    encoding: 'utf8',
  }).trim();
  const author = { name: 'a', email: 'a@winnow.invalid' };
  const input = { tree, parents: [], message: word, author, at: 1.7e12 };
  return { commit: must(await mirror.commitTree(input)), tree };
};

const prune = async (shop: Workshop = factory.shop) => must(await pruneMirror(shop, shop.config().projects[0]!));
const inDays = (days: number): Workshop => ({
  ...factory.shop,
  clock: { ...factory.shop.clock, now: () => factory.shop.clock.now() + days * DAY },
});

describe('the pruning of a mirror', () => {
  it('takes what nothing refers to, and leaves what is kept, followed, or spoken of in the journal', async () => {
    const [nobodys, kept, base, open, good] = await Promise.all(
      ['nobodys', 'kept', 'base', 'open', 'good'].map((word) => orphan(word)),
    ).then((all) => all.map(({ commit }) => commit) as [string, string, string, string, string]);
    must(await mirror.keep('brl/alpha/kept', kept));
    factory.journal.append<'branch_pushed'>({
      type: 'branch_pushed',
      ...{ project: 'small', session: 'alpha', cycle: 'cycle-1' },
      data: { branch: 'brl/alpha/open', commit: open, base, tree: 't' },
    });
    factory.journal.append<'main_judged'>({ type: 'main_judged', project: 'small', data: { commit: good, tree: 't' } });
    age();
    await prune();
    const there = { nobodys, kept, base, open, good, main: 'refs/remotes/origin/main' };
    expect(Object.entries(there).flatMap(([name, commit]) => (has(commit) ? [name] : []))).toEqual([
      ...['kept', 'base', 'open', 'good', 'main'],
    ]);
    git('fsck', '--strict', '--connectivity-only');
  });

  it('lets go of what the journal no longer speaks of', async () => {
    const [open, base] = [await orphan('open'), await orphan('base')];
    const branch = 'brl/alpha/open';
    factory.journal.append<'branch_pushed'>({
      type: 'branch_pushed',
      ...{ project: 'small', session: 'alpha', cycle: 'cycle-1' },
      data: { branch, commit: open.commit, base: base.commit, tree: 't' },
    });
    age();
    await prune();
    expect([has(open.commit), has(base.commit)]).toEqual([true, true]);
    const data = { branch, from: open.commit };
    factory.journal.append<'branch_moved'>({ type: 'branch_moved', project: 'small', data });
    // The age of what has become unreferred lies in packs by now.
    age();
    await prune(inDays(8));
    expect([has(open.commit), has(base.commit)]).toEqual([false, false]);
  });

  it('is done once a week', async () => {
    await prune();
    const { commit } = await orphan('later');
    age();
    await prune(inDays(6));
    expect(has(commit)).toBe(true);
    await writeFile(join(mirror.dir, 'winnow-pruned'), 'what is this?');
    await prune(inDays(6));
    expect(has(commit)).toBe(false);
  });

  it('harms no checkout: what stood in it may be gone, and the next tree is checked out there all the same', async () => {
    const { tree } = await orphan('before');
    const dir = join(bench.home, '.winnow/checkouts/small/1');
    const { workspaces } = factory.shop;
    must(await workspaces.checkout({ mirror, tree, dir, exclude: [] }));
    age();
    await prune();
    expect(has(tree)).toBe(false);
    const main = must(await mirror.treeOf('refs/remotes/origin/main'));
    must(await workspaces.checkout({ mirror, tree: main, dir, exclude: [] }));
    expect(readdirSync(dir).sort()).toEqual(Object.keys(SMALL).sort());
    expect(await readFile(join(dir, 'sum.js'), 'utf8')).toBe(SMALL['sum.js']);
  });

  it('leaves a workspace what it was made from, and what its agent found there', async () => {
    const { tip } = must(await mirror.fetch());
    const left = await orphan('found');
    const branch = 'brl/alpha/20260101-000000';
    const { workspaces } = factory.shop;
    const workspace = must(await workspaces.prepare({ mirror, name: 'alpha', base: tip, branch, exclude: [] }));
    await writeFile(join(workspace.dir, 'found.txt'), 'found\n');
    const own = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@x', ...args], {
        cwd: workspace.dir,
        stdio: 'pipe',
      });
    age();
    own('add', '--all');
    own('commit', '--quiet', '--message', 'found');
    await prune();
    own('fsck', '--strict');
    const author = { name: 'a', email: 'a@winnow.invalid' };
    const caught = await workspaces.capture({ mirror, workspace, author, message: 'm', at: Date.now() });
    expect(git('show', `${must(caught).commit}:found.txt`)).toBe('found');
    expect(has(left.commit)).toBe(false);
    await rm(workspace.dir, { recursive: true });
  });
});
