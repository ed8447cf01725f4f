import { execFile } from 'node:child_process';
import { chmod, readFile, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createGit } from '../../../src/ports/git/git.ts';
import type { Mirror } from '../../../src/ports/git/mirror.ts';
import { openMirror } from '../../../src/ports/git/open-mirror.ts';
import { firstOf } from '../../thoroughness.ts';
import { serveGit } from './git-server.ts';
import { commitAll, createWorld, must, PERSON, sh, type World, write } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld({ 'a.ts': 'a\n', 'b.ts': 'b\n', '.gitignore': '*.log\n' });
});
afterEach(() => world.dispose());

const AUTHOR = { name: 'alpha', email: 'alpha@winnow.invalid' };

/** A commit in the mirror on top of a tip, with these files in it, as a landing would have it. */
const landing = async (
  mirror: Mirror,
  onto: string,
  files: Record<string, string | undefined> = { 'new.ts': 'n\n' },
) => {
  const index = path.join(world.root, 'landing.index');
  const env = { ...PERSON, GIT_DIR: mirror.dir, GIT_INDEX_FILE: index };
  const git = async (...args: string[]) => (await promisify(execFile)('git', args, { env })).stdout.trim();
  await git('read-tree', onto);
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) {
      await git(`--work-tree=${world.root}`, 'update-index', '--force-remove', name);
      continue;
    }
    await write(world.root, { 'landing.blob': content });
    const blob = await git('hash-object', '-w', path.join(world.root, 'landing.blob'));
    await git('update-index', '--add', '--cacheinfo', `100644,${blob},${name}`);
  }
  const tree = await git('write-tree');
  return must(await mirror.commitTree({ tree, parents: [onto], message: 'land', author: AUTHOR, at: 1.7e12 }));
};

const begin = async (repo = world.repo) => {
  const mirror = await world.mirror(repo);
  const { tip } = must(await mirror.fetch());
  return { mirror, tip, to: await landing(mirror, tip) };
};

const tipOf = (repo: string) => sh(repo, 'rev-parse', 'main');
const status = (dir: string) => sh(dir, 'status', '--porcelain', '--ignored');
const bare = async () => {
  const dir = path.join(world.root, 'bare.git');
  await sh(world.root, 'clone', '-q', '--bare', world.repo, dir);
  return dir;
};
const hook = async (gitDir: string, name: string, script: string) => {
  const file = path.join(gitDir, 'hooks', name);
  await write(path.dirname(file), { [name]: `#!/bin/sh\n${script}\n` });
  await chmod(file, 0o755);
};
/** An unfinished merge, rebase and so on end with a failure of git's. */
const begun = (dir: string, ...args: string[]) => sh(dir, ...args).catch(() => undefined);

describe('a bare repository', () => {
  it('has its branch moved, and once more is nothing', async () => {
    const repo = await bare();
    const { mirror, tip, to } = await begin(repo);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await tipOf(repo)).toBe(to);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
  });

  it('tells who was too late, and loses nothing of who was first', async () => {
    const repo = await bare();
    const { mirror, tip, to } = await begin(repo);
    await sh(world.root, 'clone', '-q', repo, 'other');
    const other = await commitAll(path.join(world.root, 'other'), 'first');
    await sh(path.join(world.root, 'other'), 'push', '-q');
    expect(must(await mirror.moveMain(tip, to))).toBe('lost');
    expect(await tipOf(repo)).toBe(other);
  });

  it('tells it also when the other push arrives in the middle of ours', async () => {
    const repo = await bare();
    const { mirror, tip, to } = await begin(repo);
    const other = await commitAll(world.repo, 'in between');
    await sh(repo, 'fetch', '-q', world.repo, other);
    // The lease was looked at before the hook runs.
    await hook(repo, 'pre-receive', `unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main ${other}`);
    expect(must(await mirror.moveMain(tip, to))).toBe('lost');
    expect(await tipOf(repo)).toBe(other);
  });

  it('counts as moved when somebody has built on it already', async () => {
    const repo = await bare();
    const { mirror, tip, to } = await begin(repo);
    must(await mirror.moveMain(tip, to));
    await sh(world.root, 'clone', '-q', repo, 'other');
    await commitAll(path.join(world.root, 'other'), 'on top');
    await sh(path.join(world.root, 'other'), 'push', '-q');
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
  });

  it('is lost when the branch is gone, and is never moved back', async () => {
    const repo = await bare();
    const { mirror, tip, to } = await begin(repo);
    must(await mirror.moveMain(tip, to));
    expect(await mirror.moveMain(to, tip)).toMatchObject({ ok: false, error: { kind: 'git-failed' } });
    expect(await tipOf(repo)).toBe(to);
    await sh(repo, 'branch', '-m', 'main', 'trunk');
    expect(must(await mirror.moveMain(to, await landing(mirror, to)))).toBe('lost');
  });

  it('moves forward where only that is allowed', async () => {
    const repo = await bare();
    await sh(repo, 'config', 'receive.denyNonFastForwards', 'true');
    const { mirror, tip, to } = await begin(repo);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
  });

  it.each(['pre-receive', 'update'])('hands on the words of its %s hook', async (name) => {
    const repo = await bare();
    const { mirror, tip, to } = await begin(repo);
    await hook(repo, name, 'echo main is frozen >&2; exit 1');
    const moved = await mirror.moveMain(tip, to);
    expect(moved).toMatchObject({ ok: false, error: { kind: 'push-refused' } });
    if (!moved.ok) expect(moved.error.message).toContain('main is frozen');
    expect(await tipOf(repo)).toBe(tip);
  });

  it('with SHA-256 names is moved too', async () => {
    await sh(world.root, 'init', '-q', '-b', 'main', '--object-format=sha256', 'wide');
    await write(path.join(world.root, 'wide'), { 'a.ts': 'a\n' });
    await commitAll(path.join(world.root, 'wide'), 'wide');
    const { mirror, tip, to } = await begin(path.join(world.root, 'wide'));
    const change = { onto: to, commit: await landing(mirror, tip, { 'c.ts': 'c\n' }), message: 'm' };
    const rest = { style: 'rebase', trailers: [['K', 'v']], author: AUTHOR, at: 1.7e12 } as const;
    const stacked = must(await mirror.stack({ ...change, ...rest, trailers: [['K', 'v']] }));
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    if (stacked.state === 'stacked') expect(must(await mirror.moveMain(to, stacked.merged))).toBe('moved');
    expect(await sh(path.join(world.root, 'wide'), 'ls-files')).toBe('a.ts\nc.ts\nnew.ts');
    expect(await mirror.resolve(to.slice(0, 8))).toBe(to);
  });

  it('takes the checkout of a worktree of its along', async () => {
    const repo = await bare();
    const tree = path.join(world.root, 'tree');
    await sh(repo, 'worktree', 'add', '-q', tree, 'main');
    const { mirror, tip, to } = await begin(repo);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await readFile(path.join(tree, 'new.ts'), 'utf8')).toBe('n\n');
    expect(await status(tree)).toBe('');
  });
});

describe('a checkout on the branch', () => {
  it('follows when it is clean, and keeps the files that git does not know', async () => {
    const { mirror, tip } = await begin();
    const to = await landing(mirror, tip, { 'a.ts': 'changed\n', 'b.ts': undefined, 'dir ü/new\nline.ts': 'n\n' });
    await write(world.repo, { 'notes.txt': 'mine\n', 'run.log': 'mine\n' });
    // Touched, not changed.
    await write(world.repo, { 'a.ts': 'a\n' });
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await sh(world.repo, 'rev-parse', 'HEAD', '--symbolic-full-name', 'HEAD')).toBe(`${to}\nrefs/heads/main`);
    expect(await status(world.repo)).toBe('?? notes.txt\n!! run.log');
    expect(await readFile(path.join(world.repo, 'a.ts'), 'utf8')).toBe('changed\n');
    expect(await readFile(path.join(world.repo, 'dir ü/new\nline.ts'), 'utf8')).toBe('n\n');
    await expect(stat(path.join(world.repo, 'b.ts'))).rejects.toThrow();
  });

  it('follows where the repository is named by a file URL, and where it refuses by its own configuration', async () => {
    await sh(world.repo, 'config', 'receive.denyCurrentBranch', 'refuse');
    const { mirror, tip, to } = await begin(`file://${world.repo}`);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await status(world.repo)).toBe('');
  });

  it("runs the owner's hooks", async () => {
    const { mirror, tip, to } = await begin();
    await hook(path.join(world.repo, '.git'), 'post-receive', `cat > "${world.root}/told"`);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await readFile(path.join(world.root, 'told'), 'utf8')).toBe(`${tip} ${to} refs/heads/main\n`);
  });

  const DIRTY: [string, () => Promise<unknown>, string][] = [
    [
      'a staged change',
      async () => {
        await write(world.repo, { 'b.ts': 'x\n' });
        await sh(world.repo, 'add', 'b.ts');
      },
      'b.ts (staged)',
    ],
    ['a change', () => write(world.repo, { 'b.ts': 'x\n' }), 'b.ts'],
    ['a deleted file', () => rm(path.join(world.repo, 'b.ts')), 'b.ts'],
    [
      'a new file where the change brings one',
      () => write(world.repo, { 'new.ts': 'mine\n' }),
      'new.ts (not known to git)',
    ],
    [
      'an ignored file where the change brings one',
      () => write(world.repo, { 'new.log': 'mine\n' }),
      'new.log (not known to git)',
    ],
    [
      'an ignored file where the change brings a directory',
      () => write(world.repo, { 'dir.log': 'mine\n' }),
      'dir.log (not known to git)',
    ],
    [
      'ignored files where the change brings a file',
      () => write(world.repo, { 'place/my.log': 'mine\n' }),
      'place (not known to git)',
    ],
    [
      'a link out of it where the change brings a directory',
      () => symlink(world.home, path.join(world.repo, 'dir.log')),
      'dir.log (not known to git)',
    ],
    [
      'a staged submodule',
      () => sh(world.repo, 'update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},lib`),
      'lib (staged)',
    ],
  ];

  it.each(firstOf(5, DIRTY))('stays, with the branch, over %s', async (_, spoil, named) => {
    const { mirror, tip } = await begin();
    const to = await landing(mirror, tip, {
      'a.ts': 'changed\n',
      'new.ts': 'n\n',
      'new.log': 'n\n',
      'dir.log/x.ts': 'n\n',
      place: 'n\n',
    });
    await spoil();
    const before = [await status(world.repo), await sh(world.repo, 'diff', 'HEAD')];
    const moved = await mirror.moveMain(tip, to);
    expect(moved).toMatchObject({ ok: false, error: { kind: 'checkout-dirty' } });
    if (!moved.ok)
      expect(moved.error.message).toBe(
        `${world.repo}, which has main checked out, holds work that is not committed: ${named}`,
      );
    expect([await status(world.repo), await sh(world.repo, 'diff', 'HEAD')]).toEqual(before);
    expect(await tipOf(world.repo)).toBe(tip);
  });

  it('stays while something begun in it is not finished', async () => {
    const { mirror, tip, to } = await begin();
    await sh(world.repo, 'checkout', '-q', '-b', 'side');
    await write(world.repo, { 'a.ts': 'side\n' });
    const side = await commitAll(world.repo, 'side');
    await sh(world.repo, 'checkout', '-q', 'main');
    const cases: [string[], string, string[]][] = [
      [['merge', '-q', '--no-commit', '--no-ff', '-s', 'ours', side], 'a merge', ['merge', '--abort']],
      [['cherry-pick', '--no-commit', side], 'a.ts (staged)', ['reset', '-q', '--hard']],
      [
        ['-c', 'sequence.editor=sed -i s/pick/edit/', 'rebase', '-q', '-i', '--root'],
        'a rebase',
        ['rebase', '--abort'],
      ],
      [['bisect', 'start', 'HEAD'], 'a bisect', ['bisect', 'reset']],
    ];
    for (const [start, named, end] of cases) {
      await begun(world.repo, ...start);
      const moved = await mirror.moveMain(tip, to);
      expect(moved).toMatchObject({
        ok: false,
        error: { kind: 'checkout-dirty', message: expect.stringContaining(named) },
      });
      await sh(world.repo, ...end);
    }
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
  });

  it('is put back when its push was killed between the files and the branch', async () => {
    const { mirror, tip, to } = await begin();
    await sh(world.repo, 'fetch', '-q', mirror.dir, to);
    await sh(world.repo, 'read-tree', '-m', '-u', to);
    expect(await status(world.repo)).toBe('A  new.ts');
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await status(world.repo)).toBe('');
  });

  it('is put back when its owner commits in the middle of the push', async () => {
    const { mirror, tip, to } = await begin();
    const commit = `unset GIT_QUARANTINE_PATH GIT_DIR; cd "${world.repo}" && git -c user.name=Ada -c user.email=a@b commit -q --allow-empty -m mine`;
    await hook(path.join(world.repo, '.git'), 'pre-receive', commit);
    expect(must(await mirror.moveMain(tip, to))).toBe('lost');
    expect(await sh(world.repo, 'log', '--format=%s', 'main')).toBe('mine\nfirst');
    expect(await status(world.repo)).toBe('');
  });

  it('stays when its owner begins to work in the middle of the push', async () => {
    const { mirror, tip, to } = await begin();
    await hook(path.join(world.repo, '.git'), 'pre-receive', `echo mine > "${world.repo}/b.ts"`);
    expect(await mirror.moveMain(tip, to)).toMatchObject({ ok: false, error: { kind: 'checkout-dirty' } });
    expect(await status(world.repo)).toBe(' M b.ts');
    expect(await tipOf(world.repo)).toBe(tip);
  });
});

describe('a checkout that is elsewhere', () => {
  it('keeps its files, dirty or not, on another branch and on none', async () => {
    const { mirror, tip, to } = await begin();
    await sh(world.repo, 'checkout', '-q', '-b', 'side');
    await write(world.repo, { 'a.ts': 'dirty\n', 'new.ts': 'mine\n' });
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    await sh(world.repo, 'checkout', '-q', '--detach');
    const next = await landing(mirror, to, { 'a.ts': 'next\n' });
    expect(must(await mirror.moveMain(to, next))).toBe('moved');
    expect(await status(world.repo)).toBe(' M a.ts\n?? new.ts');
  });

  it('is followed in the linked worktree that has the branch, and stays over work there', async () => {
    const { mirror, tip, to } = await begin();
    await sh(world.repo, 'checkout', '-q', '-b', 'side');
    const tree = path.join(world.root, 'linked tree');
    await sh(world.repo, 'worktree', 'add', '-q', tree, 'main');
    await write(tree, { 'a.ts': 'dirty\n' });
    const dirty = await mirror.moveMain(tip, to);
    expect(dirty).toMatchObject({
      ok: false,
      error: { kind: 'checkout-dirty', message: expect.stringContaining(tree) },
    });
    await sh(tree, 'checkout', '-q', 'a.ts');
    await write(world.repo, { 'b.ts': 'dirty on side\n' });
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect([await status(tree), await status(world.repo)]).toEqual(['', ' M b.ts']);
    expect(await sh(tree, 'rev-parse', 'HEAD')).toBe(to);
  });

  it('never lets one of two worktrees fall behind', async () => {
    const { mirror, tip, to } = await begin();
    const tree = path.join(world.root, 'tree');
    await sh(world.repo, 'worktree', 'add', '-q', '--force', tree, 'main');
    const moved = await mirror.moveMain(tip, to);
    expect(moved).toMatchObject({
      ok: false,
      error: { kind: 'checkout-dirty', message: expect.stringContaining('both') },
    });
    expect([await status(tree), await status(world.repo), await tipOf(world.repo)]).toEqual(['', '', tip]);
  });

  it('stays while a linked worktree rebases the branch, and when that worktree is gone', async () => {
    const { mirror, tip, to } = await begin();
    await sh(world.repo, 'checkout', '-q', '-b', 'side');
    const tree = path.join(world.root, 'tree');
    await sh(world.repo, 'worktree', 'add', '-q', tree, 'main');
    await begun(tree, '-c', 'sequence.editor=sed -i s/pick/edit/', 'rebase', '-q', '-i', '--root');
    const rebasing = await mirror.moveMain(tip, to);
    expect(rebasing).toMatchObject({
      ok: false,
      error: { kind: 'checkout-dirty', message: expect.stringContaining('a rebase') },
    });
    await sh(tree, 'rebase', '--abort');
    await rm(tree, { recursive: true });
    const gone = await mirror.moveMain(tip, to);
    expect(gone).toMatchObject({
      ok: false,
      error: { kind: 'checkout-dirty', message: expect.stringContaining('worktree prune') },
    });
    await sh(world.repo, 'worktree', 'prune');
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
  });

  it('stays where its repository lies apart from its files, as that of a submodule does', async () => {
    const outer = path.join(world.root, 'outer');
    await sh(world.root, 'init', '-q', outer);
    await sh(outer, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', '-b', 'main', world.repo, 'inner');
    const inner = path.join(outer, 'inner');
    const { mirror, tip, to } = await begin(inner);
    const moved = await mirror.moveMain(tip, to);
    expect(moved).toMatchObject({ error: { kind: 'checkout-dirty', message: expect.stringContaining('lies apart') } });
    await sh(inner, 'checkout', '-q', '--detach');
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect([await status(inner), await sh(inner, 'rev-parse', 'HEAD')]).toEqual(['', tip]);
  });
});

describe('a branch of the remote', () => {
  it('is fetched at what it is now, and forgotten when it is gone', async () => {
    const { mirror } = await begin();
    await sh(world.repo, 'checkout', '-q', '-b', 'brl/alpha/1');
    const one = await commitAll(world.repo, 'one');
    expect(must(await mirror.fetchBranch('brl/alpha/1'))).toBe(one);
    await sh(world.repo, 'commit', '-q', '--amend', '--allow-empty', '-m', 'rewritten');
    const two = await sh(world.repo, 'rev-parse', 'HEAD');
    expect(must(await mirror.fetchBranch('brl/alpha/1'))).toBe(two);
    expect(await mirror.resolve('brl/alpha/1')).toBe(two);
    await sh(world.repo, 'checkout', '-q', 'main');
    await sh(world.repo, 'branch', '-m', 'brl/alpha/1', 'brl/alpha/1/b');
    expect(must(await mirror.fetchBranch('brl/alpha/1/b'))).toBe(two);
    expect(must(await mirror.fetchBranch('brl/alpha/1'))).toBeUndefined();
    await sh(world.repo, 'branch', '-D', 'brl/alpha/1/b');
    expect(must(await mirror.fetchBranch('brl/alpha/1/b'))).toBeUndefined();
    expect(await mirror.resolve('brl/alpha/1/b')).toBeUndefined();
    expect(await mirror.resolve('main')).toBe(await tipOf(world.repo));
  });

  it('is not fetched by a name that is none', async () => {
    const { mirror } = await begin();
    for (const name of ['', '-x', '*', 'a:b', 'a b', '../x', 'a..b', '@{-1}', 'x.lock', 'a\nb']) {
      expect(await mirror.fetchBranch(name)).toMatchObject({ ok: false, error: { kind: 'argument-invalid' } });
    }
  });
});

describe('over the network', () => {
  it('moves a branch by ssh, and tells a key that is not taken any more', async () => {
    const repo = await bare();
    const ssh = path.join(world.root, 'ssh');
    // The nearest to a server: what ssh would run there runs here, as long as the key is good.
    const script = `#!/bin/sh\n[ -e "${world.root}/expired" ] && { echo "ada@host: Permission denied (publickey)." >&2; exit 255; }\nwhile [ "$1" != host ]; do shift; done; shift\nexec sh -c "$*"\n`;
    await write(world.root, { ssh: script });
    await chmod(ssh, 0o755);
    const git = createGit({
      clock: systemClock,
      env: { ...PERSON, GIT_SSH_COMMAND: `"${ssh}"`, GIT_SSH_VARIANT: 'simple' },
    });
    const options = { git, clock: systemClock, home: world.home, project: 'ssh', branch: 'main' };
    const mirror = must(await openMirror({ ...options, repo: `host:${repo}` }));
    const { tip } = must(await mirror.fetch());
    const to = await landing(mirror, tip);
    expect(must(await mirror.moveMain(tip, to))).toBe('moved');
    expect(await tipOf(repo)).toBe(to);
    await write(world.root, { expired: '' });
    const refused = await mirror.moveMain(to, await landing(mirror, to, { 'c.ts': 'c\n' }));
    expect(refused).toMatchObject({ ok: false, error: { kind: 'repo-unreachable' } });
    if (!refused.ok) expect(refused.error.message).toMatch(/refused the credentials .*Permission denied \(publickey\)/);
  });

  it('moves a branch by http, and tells credentials that expire before the push or allow only reading', async () => {
    const repo = await bare();
    await sh(repo, 'config', 'http.receivepack', 'true');
    const server = await serveGit(world.root, { user: 'ada', password: 'hunter2' });
    try {
      const mirror = await world.mirror(server.url('bare.git'));
      const { tip } = must(await mirror.fetch());
      const to = await landing(mirror, tip);
      expect(must(await mirror.moveMain(tip, to))).toBe('moved');
      expect(await tipOf(repo)).toBe(to);

      const next = await landing(mirror, to, { 'c.ts': 'c\n' });
      const failures: unknown[] = [];
      for (const state of ['read-only', 'expired'] as const) {
        server.state = state;
        const refused = await mirror.moveMain(to, next);
        expect(refused).toMatchObject({
          ok: false,
          error: { kind: 'repo-unreachable', message: expect.stringContaining('refused the credentials') },
        });
        failures.push(refused);
      }
      expect(JSON.stringify(failures)).not.toContain('hunter2');
      expect(await tipOf(repo)).toBe(to);
      server.state = 'good';
      await hook(repo, 'pre-receive', 'echo main is protected >&2; exit 1');
      expect(await mirror.moveMain(to, next)).toMatchObject({
        ok: false,
        error: { kind: 'push-refused', message: expect.stringContaining('main is protected') },
      });
    } finally {
      await server.close();
    }
  });

  it('tells a host that does not answer from one that refuses', async () => {
    const server = await serveGit(world.root, { user: 'ada', password: 'hunter2' });
    await bare();
    const mirror = await world.mirror(server.url('bare.git'));
    const { tip } = must(await mirror.fetch());
    const to = await landing(mirror, tip);
    await server.close();
    const moved = await mirror.moveMain(tip, to);
    expect(moved).toMatchObject({
      ok: false,
      error: { kind: 'repo-unreachable', message: expect.stringContaining('cannot be reached') },
    });
    expect(await mirror.fetchBranch('main')).toMatchObject({ ok: false, error: { kind: 'repo-unreachable' } });
  });
});
