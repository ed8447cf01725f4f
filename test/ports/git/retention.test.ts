import { readdir, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Mirror } from '../../../src/ports/git/mirror.ts';
import { openMirror } from '../../../src/ports/git/open-mirror.ts';
import { createWorkspaces } from '../../../src/ports/git/workspaces.ts';
import { commitAll, createWorld, must, sh, type World, write } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld({ 'a.ts': 'a\n' });
});
afterEach(() => world.dispose());

const DAY_MS = 24 * 60 * 60_000;
const AUTHOR = { name: 'alpha', email: 'alpha@winnow.invalid' };

/** The same mirror at another time: what is on the disk keeps its age, and now is later. */
const inDays = async (days: number): Promise<Mirror> => {
  const clock = { ...systemClock, now: () => systemClock.now() + days * DAY_MS };
  const { git, home, repo } = world;
  return must(await openMirror({ git, clock, home, project: 'project', repo, branch: 'main' }));
};

/** A commit with a tree and a file that nothing else has. */
const makeCommit = async (mirror: Mirror, word: string): Promise<string> => {
  await write(world.root, { word });
  const blob = await sh(mirror.dir, 'hash-object', '-w', path.join(world.root, 'word'));
  await write(world.root, { list: `100644 blob ${blob}\tword\n` });
  const tree = await sh(world.root, '-c', `alias.t=!GIT_DIR="${mirror.dir}" git mktree < list`, 't');
  return must(await mirror.commitTree({ tree, parents: [], message: word, author: AUTHOR, at: 1.7e12 }));
};

const has = (mirror: Mirror, commit: string) =>
  sh(mirror.dir, 'cat-file', '-p', `${commit}:word`).then(
    () => true,
    () => false,
  );

it.each([
  ['long ago', '@1 +0000'],
  ['in a far future', '@4102444800 +0000'],
])('dates what is kept by when Winnow named it, not by a commit that says it was made %s', async (_, date) => {
  const mirror = await world.mirror();
  const { tip } = must(await mirror.fetch());
  expect(must(await mirror.kept())).toEqual([]);
  const beforeMs = Date.now() - 5_000;
  const dates = `GIT_AUTHOR_DATE="${date}" GIT_COMMITTER_DATE="${date}"`;
  const commit = await sh(mirror.dir, '-c', `alias.c=!${dates} git commit-tree -m x ${tip}^{tree}`, 'c');
  must(await mirror.keep('brl/alpha/2', commit));
  const [only, ...others] = must(await mirror.kept());
  expect(others).toEqual([]);
  expect(only).toMatchObject({ name: 'brl/alpha/2', commit });
  expect(only!.atMs).toBeGreaterThan(beforeMs);
  expect(only!.atMs).toBeLessThan(Date.now() + 5_000);
  // Packed, it is as old as the pack.
  await sh(mirror.dir, 'pack-refs', '--all', '--prune');
  must(await mirror.keep('brl/alpha/1', tip));
  const both = must(await mirror.kept());
  expect(both.map(({ name }) => name)).toEqual(['brl/alpha/2', 'brl/alpha/1']);
  for (const { atMs } of both) expect(atMs).toBeGreaterThanOrEqual(only!.atMs);
});

it('forgets what nothing has referred to for two weeks, packed or not, and nothing else', async () => {
  const mirror = await world.mirror();
  const { tip } = must(await mirror.fetch());
  const [kept, loose, packed] = [
    await makeCommit(mirror, 'kept'),
    await makeCommit(mirror, 'loose'),
    await makeCommit(mirror, 'packed'),
  ];
  must(await mirror.keep('brl/kept', kept));
  must(await mirror.keep('brl/packed', packed));
  await sh(mirror.dir, 'repack', '-q', '-a', '-d');
  await mirror.unkeep('brl/packed');
  must(await (await inDays(13)).prune());
  for (const commit of [kept, loose, packed]) expect(await has(mirror, commit)).toBe(true);
  must(await (await inDays(15)).prune());
  expect([await has(mirror, kept), await has(mirror, loose), await has(mirror, packed)]).toEqual([true, false, false]);
  await sh(mirror.dir, 'fsck', '--strict');
  expect(must(await (await inDays(15)).prune())).toEqual({ freedBytes: 0 });
  expect(must(await mirror.fetch()).tip).toBe(tip);
});

it('counts the two weeks from when an object was last made, though tidying moves it about', async () => {
  const mirror = await world.mirror();
  must(await mirror.fetch());
  const commit = await makeCommit(mirror, 'again');
  must(await mirror.prune());
  for (const name of await readdir(path.join(mirror.dir, 'objects/pack'))) {
    await utimes(path.join(mirror.dir, 'objects/pack', name), 0, 0);
  }
  must(await (await inDays(5)).tidy());
  expect(await makeCommit(mirror, 'again')).toBe(commit);
  must(await (await inDays(13)).prune());
  expect(await has(mirror, commit)).toBe(true);
  must(await (await inDays(15)).prune());
  expect(await has(mirror, commit)).toBe(false);
});

it('keeps all that a workspace was made from or has borrowed since, however long it stands', async () => {
  const mirror = await world.mirror();
  const workspaces = createWorkspaces({ git: world.git, home: world.home });
  const { tip } = must(await mirror.fetch());
  await write(world.repo, { 'a.ts': 'gone from the remote\n' });
  await commitAll(world.repo, 'rewritten soon');
  const base = must(await mirror.fetch()).tip;
  const input = { mirror, name: 'alpha', base, branch: 'brl/alpha/1', exclude: [] };
  const workspace = must(await workspaces.prepare(input));
  // An earlier attempt left this in the mirror; the agent's git finds it there and writes no copy.
  const orphan = await makeCommit(mirror, 'the same mend\n');
  await write(workspace.dir, { 'mend.ts': 'the same mend\n' });
  await commitAll(workspace.dir, 'mend');

  await sh(world.repo, 'reset', '-q', '--hard', tip);
  must(await mirror.fetch());
  const later = await inDays(40);
  await sh(mirror.dir, 'reflog', 'expire', '--expire=now', '--expire-unreachable=now', '--all');
  must(await later.prune());
  await sh(workspace.dir, 'fsck', '--strict');
  const captured = must(await workspaces.capture({ mirror, workspace, author: AUTHOR, message: 'm', at: 1.7e12 }));
  expect(await sh(mirror.dir, 'show', `${captured.commit}:mend.ts`)).toBe('the same mend');

  await mirror.unkeep('brl/alpha/1');
  await workspaces.remove('alpha');
  must(await later.prune());
  expect(await has(mirror, orphan)).toBe(false);
  expect(await mirror.resolve(base)).toBeUndefined();
  expect(await sh(mirror.dir, 'for-each-ref', '--format=%(refname)', 'refs/borrowed')).toBe('');
});

it('keeps where the branch stood before its remote rewrote it, old as that may be', async () => {
  const mirror = await world.mirror();
  const { tip } = must(await mirror.fetch());
  const former = await commitAll(world.repo, 'former');
  must(await mirror.fetch());
  await sh(mirror.dir, 'repack', '-q', '-a', '-d');
  for (const name of await readdir(path.join(mirror.dir, 'objects/pack'))) {
    await utimes(path.join(mirror.dir, 'objects/pack', name), 0, 0);
  }
  await sh(world.repo, 'reset', '-q', '--hard', tip);
  must(await mirror.fetch());
  must(await mirror.prune());
  expect(await mirror.resolve(former)).toBe(former);
  must(await (await inDays(15)).prune());
  expect(await mirror.resolve(former)).toBeUndefined();
});

it('does nothing wrong where there is no workspace, or one whose note is damaged', async () => {
  const mirror = await world.mirror();
  must(await mirror.fetch());
  const dir = path.join(world.home, '.winnow', 'workspaces');
  await rm(dir, { recursive: true, force: true });
  must(await mirror.prune());
  await write(dir, { 'alpha.exclude': '{', 'alpha/x': 'x', 'beta.exclude': '{"base":"--all"}', 'beta/x': 'x' });
  must(await mirror.prune());
  expect(await sh(mirror.dir, 'for-each-ref', '--format=%(refname)', 'refs/borrowed')).toBe('');
});
