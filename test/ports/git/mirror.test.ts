import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createGit } from '../../../src/ports/git/git.ts';
import { openMirror } from '../../../src/ports/git/open-mirror.ts';
import { howMany } from '../../thoroughness.ts';
import { commitAll, createWorld, must, PERSON, sh, type World, write } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.dispose());

const open = (repo: string, branch = 'main', project = 'project') =>
  openMirror({ git: world.git, clock: systemClock, home: world.home, project, repo, branch });

const kindOf = async (repo: string, branch = 'main') => {
  const opened = await open(repo, branch);
  return opened.ok ? undefined : opened.error;
};

describe('opening a mirror', () => {
  it('fetches the tip of the branch and leaves a dirty checkout as it is', async () => {
    await write(world.repo, { 'src/a.ts': 'dirty\n', 'untracked.ts': 'x\n' });
    const before = await sh(world.repo, 'status', '--porcelain');
    const mirror = await world.mirror();
    expect(must(await mirror.fetch()).tip).toBe(await sh(world.repo, 'rev-parse', 'main'));
    expect(await sh(world.repo, 'status', '--porcelain')).toBe(before);
    expect(await sh(world.repo, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  });

  it('follows the branch, also when its history was rewritten', async () => {
    const mirror = await world.mirror();
    must(await mirror.fetch());
    const second = await commitAll(world.repo, 'second');
    expect(must(await mirror.fetch()).tip).toBe(second);
    await sh(world.repo, 'commit', '-q', '--amend', '--allow-empty', '-m', 'rewritten');
    expect(must(await mirror.fetch()).tip).toBe(await sh(world.repo, 'rev-parse', 'main'));
  });

  it('takes a path relative to the home, a bare repository, a worktree and a file URL', async () => {
    await sh(world.root, 'clone', '-q', '--bare', world.repo, 'bare.git');
    await sh(world.repo, 'worktree', 'add', '-q', path.join(world.root, 'tree'), '-b', 'side');
    for (const repo of ['../repo', '../bare.git', '../tree', `file://${world.repo}`]) {
      const mirror = must(await open(repo, 'main', repo.replace(/\W+/g, '')));
      expect(must(await mirror.fetch()).tip).toBe(await sh(world.repo, 'rev-parse', 'main'));
    }
  });

  it('takes "." when the home is itself the repository', async () => {
    await sh(world.home, 'init', '-q', '-b', 'main');
    const tip = await commitAll(world.home, 'home');
    expect(must(await must(await open('.')).fetch()).tip).toBe(tip);
  });

  it('says that a path does not exist, or is no repository, or is empty', async () => {
    await mkdir(path.join(world.root, 'plain'));
    await sh(world.root, 'init', '-q', 'empty');
    await sh(world.root, 'init', '-q', '--bare', 'empty.git');
    expect(await kindOf('../nowhere')).toMatchObject({
      kind: 'repo-missing',
      message: expect.stringContaining('nowhere'),
    });
    expect(await kindOf('../plain')).toMatchObject({
      kind: 'repo-missing',
      message: expect.stringContaining('not a git'),
    });
    expect(await kindOf('../repo/src')).toMatchObject({ kind: 'repo-missing' });
    expect(await kindOf('../empty')).toMatchObject({ kind: 'repo-empty' });
    expect(await kindOf('../empty.git')).toMatchObject({ kind: 'repo-empty' });
    expect(await readdir(path.join(world.home, '.winnow', 'mirrors'))).toEqual([]);
  });

  it('says which branches there are and which is the default when the branch is missing', async () => {
    await sh(world.repo, 'branch', 'release');
    const failure = await kindOf('../repo', 'trunk');
    expect(failure?.kind).toBe('branch-missing');
    expect(failure?.message).toContain('has no branch trunk; it has main, release; its default branch is main');
  });

  it('tells a branch that vanished later, and a repository that did', async () => {
    const mirror = await world.mirror();
    must(await mirror.fetch());
    await sh(world.repo, 'branch', '-m', 'main', 'trunk');
    expect(await mirror.fetch()).toMatchObject({ ok: false, error: { kind: 'branch-missing' } });
    await rename(world.repo, `${world.repo}.away`);
    expect(await mirror.fetch()).toMatchObject({ ok: false, error: { kind: 'repo-missing' } });
  });

  it('tells an unreachable host from a missing repository and shows no password', async () => {
    const server = http.createServer((request, response) => {
      response.statusCode = request.url?.includes('private') ? 401 : 404;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const missing = await kindOf(`http://ada:hunter2@127.0.0.1:${port}/x.git`);
      expect(missing?.kind).toBe('repo-missing');
      const locked = await kindOf(`http://127.0.0.1:${port}/private.git`);
      expect(locked?.kind).toBe('repo-unreachable');
      expect(JSON.stringify([missing, locked])).not.toContain('hunter2');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    const dead = await kindOf(`http://ada:hunter2@127.0.0.1:${port}/x.git`);
    expect(dead?.kind).toBe('repo-unreachable');
    expect(JSON.stringify(dead)).not.toContain('hunter2');
  });

  it('runs no command that a URL names', async () => {
    const proof = path.join(world.root, 'proof');
    expect(await kindOf(`ext::sh -c touch% ${proof}`)).toMatchObject({ kind: 'repo-unreachable' });
    expect(await kindOf(`--upload-pack=touch ${proof}`)).toMatchObject({ kind: 'repo-missing' });
    await expect(stat(proof)).rejects.toThrow();
  });

  it('follows a repository that moved in the configuration and keeps what it has', async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    must(await mirror.keep('brl/alpha/1', tip));
    await sh(world.root, 'clone', '-q', world.repo, 'moved "x"');
    const newer = await commitAll(path.join(world.root, 'moved "x"'), 'newer');
    await rm(world.repo, { recursive: true });
    const again = must(await open('../moved "x"'));
    expect(must(await again.fetch()).tip).toBe(newer);
    expect(await sh(again.dir, 'rev-parse', 'refs/winnow/brl/alpha/1')).toBe(tip);
  });

  it('follows another branch whose name needs the place of the former', async () => {
    await sh(world.repo, 'branch', '-m', 'main', 'a');
    must(await (await world.mirror(world.repo, 'a')).fetch());
    await sh(world.repo, 'branch', '-m', 'a', 'a/b');
    const mirror = await world.mirror(world.repo, 'a/b');
    expect(must(await mirror.fetch()).tip).toBe(await sh(world.repo, 'rev-parse', 'a/b'));
  });

  it('mirrors a repository with SHA-256 names', async () => {
    await sh(world.root, 'init', '-q', '-b', 'main', '--object-format=sha256', 'wide');
    await write(path.join(world.root, 'wide'), { a: 'a' });
    const tip = await commitAll(path.join(world.root, 'wide'), 'wide');
    const mirror = must(await open('../wide'));
    expect(must(await mirror.fetch()).tip).toBe(tip);
    expect(must(await must(await open('../wide')).treeOf(tip))).toHaveLength(64);
  });

  it('mirrors a shallow clone as far as it goes', async () => {
    await commitAll(world.repo, 'second');
    await sh(world.root, 'clone', '-q', '--depth=1', `file://${world.repo}`, 'shallow');
    const mirror = must(await open('../shallow'));
    const { tip } = must(await mirror.fetch());
    expect(await sh(mirror.dir, 'rev-list', '--count', tip)).toBe('1');
  });

  it('says so when the repository is a partial clone that lacks objects', async () => {
    await sh(world.repo, 'config', 'uploadpack.allowFilter', 'true');
    await sh(world.root, 'clone', '-q', '--no-checkout', '--filter=blob:none', `file://${world.repo}`, 'partial');
    await rm(world.repo, { recursive: true });
    const mirror = must(await open('../partial'));
    const fetched = await mirror.fetch();
    expect(fetched).toMatchObject({ ok: false, error: { kind: 'git-failed' } });
    if (!fetched.ok) expect(fetched.error.message).toContain('partial clone');
  });

  it('is opened by many at once, and all fetch', async () => {
    const tips = await Promise.all(
      Array.from({ length: 8 }, async () => must(await must(await open('../repo')).fetch()).tip),
    );
    expect(new Set(tips)).toEqual(new Set([await sh(world.repo, 'rev-parse', 'main')]));
    expect(await readdir(path.join(world.home, '.winnow', 'mirrors'))).toEqual(['project.git']);
    await sh(path.join(world.home, '.winnow', 'mirrors', 'project.git'), 'fsck', '--strict');
  });

  it('makes a damaged mirror anew and sets the old one aside', async () => {
    const mirror = await world.mirror();
    await writeFile(path.join(mirror.dir, 'HEAD'), '');
    await rm(path.join(mirror.dir, 'config'));
    must(await must(await open('../repo')).fetch());
    const names = await readdir(path.dirname(mirror.dir));
    expect(names.filter((name) => name.startsWith('project.git.broken-'))).toHaveLength(1);
  });

  it('says when git is missing', async () => {
    const git = createGit({ clock: systemClock, env: { PATH: world.root } });
    const opened = await openMirror({
      git,
      clock: systemClock,
      home: world.home,
      project: 'p',
      repo: world.repo,
      branch: 'main',
    });
    expect(opened).toMatchObject({ ok: false, error: { kind: 'command-missing' } });
  });

  it('says when git is too old', async () => {
    const bin = path.join(world.root, 'bin');
    await write(bin, { git: '#!/bin/sh\necho git version 2.30.2\n' });
    await chmod(path.join(bin, 'git'), 0o755);
    const git = createGit({ clock: systemClock, env: { PATH: `${bin}:${process.env.PATH}` } });
    const usable = await git.usable();
    expect(usable).toMatchObject({ ok: false, error: { message: expect.stringContaining('too old') } });
  });
});

describe('pushing', () => {
  const prepare = async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    const tree = must(await mirror.treeOf(tip));
    const make = async (message: string, parent = tip) =>
      must(await mirror.commitTree({ tree, parents: [parent], message, author: { name: 'n', email: 'e' }, at: 1e12 }));
    return { mirror, tip, make };
  };

  it('creates a branch, and once more does nothing', async () => {
    const { mirror, make } = await prepare();
    const commit = await make('one');
    must(await mirror.pushBranch('brl/alpha/1', commit));
    must(await mirror.pushBranch('brl/alpha/1', commit));
    expect(await sh(world.repo, 'rev-parse', 'brl/alpha/1')).toBe(commit);
    expect(must(await mirror.remoteBranch('brl/alpha/1'))).toBe(commit);
    expect(must(await mirror.remoteBranch('alpha/1'))).toBeUndefined();
  });

  it('never moves a branch that is there, not even forward', async () => {
    const { mirror, tip, make } = await prepare();
    const commit = await make('one');
    await sh(world.repo, 'branch', 'brl/alpha/1', tip);
    const pushed = await mirror.pushBranch('brl/alpha/1', commit);
    expect(pushed).toMatchObject({ ok: false, error: { kind: 'push-refused' } });
    if (!pushed.ok) expect(pushed.error.message).toContain(tip.slice(0, 12));
    expect(await sh(world.repo, 'rev-parse', 'brl/alpha/1')).toBe(tip);
  });

  it('hands on the words of the hook that refuses', async () => {
    const { mirror, make } = await prepare();
    const hook = path.join(world.repo, '.git', 'hooks', 'pre-receive');
    await write(path.dirname(hook), { 'pre-receive': '#!/bin/sh\necho only on weekdays >&2\nexit 1\n' });
    await chmod(hook, 0o755);
    const pushed = await mirror.pushBranch('brl/alpha/1', await make('one'));
    expect(pushed).toMatchObject({ ok: false, error: { kind: 'push-refused' } });
    if (!pushed.ok) expect(pushed.error.message).toContain('only on weekdays');
  });

  it('tells a repository that is gone from one that refuses', async () => {
    const { mirror, make } = await prepare();
    const commit = await make('one');
    await rename(world.repo, `${world.repo}.away`);
    expect(await mirror.pushBranch('brl/alpha/1', commit)).toMatchObject({ error: { kind: 'repo-missing' } });
    expect(await mirror.remoteBranch('brl/alpha/1')).toMatchObject({ error: { kind: 'repo-missing' } });
  });

  it('deletes a branch only at the commit it is told, and once more does nothing', async () => {
    const { mirror, make } = await prepare();
    const one = await make('one');
    const two = await make('two', one);
    must(await mirror.pushBranch('brl/alpha/1', two));
    expect(await mirror.deleteRemoteBranch('brl/alpha/1', one)).toMatchObject({ error: { kind: 'push-refused' } });
    expect(must(await mirror.remoteBranch('brl/alpha/1'))).toBe(two);
    expect(must(await mirror.fetchBranch('brl/alpha/1'))).toBe(two);
    must(await mirror.deleteRemoteBranch('brl/alpha/1', two));
    must(await mirror.deleteRemoteBranch('brl/alpha/1', two));
    expect(await sh(mirror.dir, 'for-each-ref', '--format=%(refname)', 'refs/remotes/origin/brl')).toBe('');
    expect(must(await mirror.remoteBranch('brl/alpha/1'))).toBeUndefined();
  });

  it('pushes eight branches at once', async () => {
    const { mirror, make } = await prepare();
    const commits = await Promise.all(Array.from({ length: 8 }, (_, at) => make(`change ${at}`)));
    await Promise.all(commits.map(async (commit, at) => must(await mirror.pushBranch(`brl/s${at}/1`, commit))));
    for (const [at, commit] of commits.entries())
      expect(await sh(world.repo, 'rev-parse', `brl/s${at}/1`)).toBe(commit);
  });
});

describe('locks', () => {
  const plant = async (mirror: { dir: string }, ...names: string[]) => {
    for (const name of names) await write(mirror.dir, { [name]: '' });
  };

  it('removes what a dead git left, and says so', async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    await plant(mirror, 'refs/winnow/x.lock', 'refs/remotes/origin/main.lock');
    const newer = await commitAll(world.repo, 'second');
    const [kept, fetched] = await Promise.all([mirror.keep('x', tip), mirror.fetch()]);
    must(kept);
    expect(must(fetched).tip).toBe(newer);
    expect(world.log).toHaveLength(2);
  });

  it('leaves a lock alone while the git that may hold it lives', async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    const holder = execFile('git', ['cat-file', '--batch'], {
      cwd: mirror.dir,
      env: { ...PERSON, GIT_DIR: mirror.dir },
    });
    await plant(mirror, 'refs/winnow/x.lock');
    let settled = false;
    const kept = mirror.keep('x', tip).finally(() => {
      settled = true;
    });
    const lock = path.join(mirror.dir, 'refs/winnow/x.lock');
    // Longer than an abandoned lock is watched.
    const untilMs = performance.now() + 3_000;
    while (performance.now() < untilMs) {
      expect(settled).toBe(false);
      await stat(lock);
      await systemClock.sleep(100);
    }
    holder.kill('SIGKILL');
    must(await kept);
  });

  it("never touches a lock in the owner's repository", async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    await write(world.repo, { '.git/refs/heads/brl/x.lock': '' });
    expect(await mirror.pushBranch('brl/x', tip)).toMatchObject({ ok: false, error: { kind: 'push-refused' } });
    await stat(path.join(world.repo, '.git/refs/heads/brl/x.lock'));
  });

  it('goes on after git was killed at any moment', async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    for (let round = 0; round < howMany(12, 100); round += 1) {
      await write(world.repo, { [`f${round}.txt`]: 'x'.repeat(10_000) });
      await commitAll(world.repo, `round ${round}`);
      const args = ['fetch', '-q', 'origin', '+refs/heads/main:refs/remotes/origin/main'];
      const child = execFile('git', args, { cwd: mirror.dir, env: PERSON });
      await systemClock.sleep(Math.random() * 25);
      child.kill('SIGKILL');
    }
    expect(must(await mirror.fetch()).tip).toBe(await sh(world.repo, 'rev-parse', 'main'));
    must(await mirror.keep('after', tip));
    await sh(mirror.dir, 'fsck', '--no-dangling');
  });
});

describe('objects', () => {
  it('lists what changed, exactly, for names that are hard to write', async () => {
    await write(world.repo, {
      'with space.txt': 'a\nb\nc\nd\ne\n',
      'tab\there.txt': 'x\n',
      'new\nline.txt': 'x\n',
      'Größe 日本.txt': 'x\n',
      'bin.dat': Buffer.from([0, 1, 2]),
      'old/name.ts': 'one\ntwo\nthree\nfour\nfive\n',
    });
    const from = await commitAll(world.repo, 'names');
    await write(world.repo, {
      'with space.txt': 'a\nB\nc\nd\ne\nf\n',
      'tab\there.txt': 'x\ny\n',
      'new\nline.txt': 'y\n',
      'Größe 日本.txt': '',
      'bin.dat': Buffer.from([0, 1, 2, 3]),
    });
    await sh(world.repo, 'mv', 'old/name.ts', 'new name.ts');
    await rm(path.join(world.repo, 'src/b.ts'));
    await chmod(path.join(world.repo, 'run.sh'), 0o755);
    const to = await commitAll(world.repo, 'changed');
    const mirror = await world.mirror();
    must(await mirror.fetch());
    const { files, added, removed } = must(await mirror.diff(from, to));
    const by = Object.fromEntries(files.map((file) => [file.path, file]));
    expect(by['with space.txt']).toMatchObject({ status: 'modified', added: 2, removed: 1, binary: false });
    expect(by['tab\there.txt']).toMatchObject({ added: 1, removed: 0 });
    expect(by['new\nline.txt']).toMatchObject({ added: 1, removed: 1 });
    expect(by['Größe 日本.txt']).toMatchObject({ added: 0, removed: 1 });
    expect(by['bin.dat']).toMatchObject({ binary: true, added: 0, removed: 0 });
    expect(by['new name.ts']).toMatchObject({ status: 'renamed', from: 'old/name.ts', added: 0, removed: 0 });
    expect(by['src/b.ts']).toMatchObject({ status: 'deleted', removed: 1, newMode: '000000' });
    expect(by['run.sh']).toMatchObject({ status: 'modified', oldMode: '100644', newMode: '100755' });
    expect([files.length, added, removed]).toEqual([8, 4, 4]);
    expect(must(await mirror.diff(to, to))).toEqual({ files: [], added: 0, removed: 0 });
  });

  it('writes a patch from which the tree can be made again', async () => {
    const from = await sh(world.repo, 'rev-parse', 'HEAD');
    await write(world.repo, { 'bin.dat': Buffer.from([0, 255, 1]), 'ü.txt': 'ü\n' });
    await sh(world.repo, 'mv', 'src/a.ts', 'src/z.ts');
    const to = await commitAll(world.repo, 'second');
    const mirror = await world.mirror();
    must(await mirror.fetch());
    const file = path.join(world.root, 'change.patch');
    must(await mirror.writePatch(from, to, file));
    expect(await readdir(world.root)).toEqual(['change.patch', 'home', 'repo']);
    const { text, truncated } = must(await mirror.patch(from, to, 1e6));
    expect([text, truncated]).toEqual([await readFile(file, 'utf8'), false]);
    await sh(world.repo, 'reset', '-q', '--hard', from);
    await sh(world.repo, 'apply', '--index', file);
    expect(await sh(world.repo, 'write-tree')).toBe(must(await mirror.treeOf(to)));
  });

  it('cuts a long patch between characters', async () => {
    const from = await sh(world.repo, 'rev-parse', 'HEAD');
    await write(world.repo, { 'long.txt': 'ü'.repeat(100_000) });
    const to = await commitAll(world.repo, 'long');
    const mirror = await world.mirror();
    must(await mirror.fetch());
    for (const maxBytes of [1_000, 1_001]) {
      const { text, truncated } = must(await mirror.patch(from, to, maxBytes));
      expect(truncated).toBe(true);
      expect(text).not.toContain('\uFFFD');
      expect(Buffer.byteLength(text)).toBeGreaterThan(maxBytes - 4);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
    }
  });

  it('merges without a checkout, as git merge would', async () => {
    const mirror = await world.mirror();
    await sh(world.repo, 'checkout', '-q', '-b', 'side');
    await write(world.repo, { 'src/b.ts': 'export const b = 22;\n' });
    const side = await commitAll(world.repo, 'side');
    await sh(world.repo, 'checkout', '-q', 'main');
    await write(world.repo, { 'src/a.ts': 'export const a = 11;\n' });
    const main = await commitAll(world.repo, 'main');
    must(await mirror.fetch());
    const own = must(
      await openMirror({
        git: world.git,
        clock: systemClock,
        home: world.home,
        project: 'side',
        repo: '../repo',
        branch: 'side',
      }),
    );
    must(await own.fetch());
    await sh(mirror.dir, 'fetch', '-q', own.dir, side);
    const merged = must(await mirror.mergeTree(main, side));
    await sh(world.repo, 'merge', '-q', '--no-edit', 'side');
    expect(merged).toEqual({ tree: await sh(world.repo, 'rev-parse', 'HEAD^{tree}') });
    await sh(world.repo, 'checkout', '-q', 'side');
    await write(world.repo, { 'src/a.ts': 'export const a = 99;\n' });
    const clash = await commitAll(world.repo, 'clash');
    await sh(mirror.dir, 'fetch', '-q', world.repo, 'side');
    expect(must(await mirror.mergeTree(main, clash))).toEqual({ conflicts: ['src/a.ts'] });
    expect(await mirror.mergeTree(main, '0'.repeat(40))).toMatchObject({ ok: false, error: { kind: 'git-failed' } });
  });

  it('counts and orders commits', async () => {
    const first = await sh(world.repo, 'rev-parse', 'HEAD');
    await commitAll(world.repo, 'second');
    const third = await commitAll(world.repo, 'third');
    const mirror = await world.mirror();
    must(await mirror.fetch());
    expect(await mirror.countCommits(first, third)).toBe(2);
    expect(await mirror.isAncestor(first, third)).toBe(true);
    expect(await mirror.isAncestor(third, first)).toBe(false);
    expect(await mirror.isAncestor('0'.repeat(40), first)).toBe(false);
    await expect(mirror.countCommits('0'.repeat(40), first)).rejects.toThrow();
  });

  it('reads files by bounded size and follows links only within the tree', async () => {
    await symlink('README.md', path.join(world.repo, 'CLAUDE.md'));
    await symlink('/etc/passwd', path.join(world.repo, 'OUT.md'));
    const tip = await commitAll(world.repo, 'links');
    const mirror = await world.mirror();
    must(await mirror.fetch());
    expect(await mirror.readFile(tip, 'README.md', 100)).toBe('# Project\n');
    expect(await mirror.readFile(tip, 'CLAUDE.md', 100)).toBe('# Project\n');
    expect(await mirror.readFile(tip, 'README.md', 5)).toBeUndefined();
    for (const name of ['OUT.md', 'src', 'nowhere', '../x', '', 'a\nb']) {
      expect(await mirror.readFile(tip, name, 1e6)).toBeUndefined();
    }
    expect(await mirror.listFiles(tip, 3)).toEqual(['.gitignore', 'CLAUDE.md', 'OUT.md']);
    expect(await mirror.listFiles('0'.repeat(40), 3)).toEqual([]);
  });

  it('makes the same commit from the same words, whatever stands in them', async () => {
    const mirror = await world.mirror();
    const { tip } = must(await mirror.fetch());
    const tree = must(await mirror.treeOf(tip));
    const author = { name: 'a <b>\nc', email: '' };
    const input = { tree, parents: [tip], message: 'subject\0\n\nbody "$(x)" ü\n\n', author, at: 1_700_000_000_999 };
    const [one, two] = [must(await mirror.commitTree(input)), must(await mirror.commitTree(input))];
    expect(one).toBe(two);
    expect(await sh(mirror.dir, 'log', '-1', '--format=%an|%ae|%at|%ct|%B', one)).toBe(
      'a bc|winnow@localhost|1700000000|1700000000|subject\n\nbody "$(x)" ü',
    );
  });
});

it('packs what has piled up and loses nothing, referred to or not', async () => {
  const mirror = await world.mirror();
  const { tip } = must(await mirror.fetch());
  must(await mirror.tidy());
  expect(await sh(mirror.dir, 'count-objects', '-v')).toContain('packs: 0');
  const some = await sh(mirror.dir, 'rev-parse', `${tip}:README.md`);
  const trees = Array.from({ length: 6_800 }, (_, at) => `100644 blob ${some}\t${at}\n`);
  await new Promise<void>((resolve, reject) => {
    const child = execFile('git', ['mktree', '--batch'], { cwd: mirror.dir, env: PERSON }, (error) =>
      error ? reject(error) : resolve(),
    );
    // An empty line ends each tree.
    child.stdin?.end(`${trees.join('\n')}\n`);
  });
  await mkdir(path.join(mirror.dir, 'winnow-import-old'));
  await utimes(path.join(mirror.dir, 'winnow-import-old'), 0, 0);
  must(await mirror.tidy());
  const counted = await sh(mirror.dir, 'count-objects', '-v');
  expect(counted).toContain('count: 0');
  expect(Number(/in-pack: (\d+)/.exec(counted)?.[1])).toBeGreaterThanOrEqual(6_800);
  expect(await readdir(mirror.dir)).not.toContain('winnow-import-old');
  expect(must(await mirror.fetch()).tip).toBe(tip);
});

it('keeps a copy of nothing outside its directory', async () => {
  await cp(world.repo, `${world.repo}.copy`, { recursive: true });
  const mirror = await world.mirror();
  must(await mirror.fetch());
  expect((await readdir(world.root)).sort()).toEqual(['home', 'repo', 'repo.copy']);
  expect(await readdir(world.home)).toEqual(['.winnow']);
});
