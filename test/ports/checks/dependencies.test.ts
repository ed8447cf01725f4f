import { execFile } from 'node:child_process';
import {
  access,
  chmod,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Result } from '../../../src/base/result.ts';
import type { Failure } from '../../../src/model/failure.ts';
import { createDependencies, type Dependencies, type WithLock } from '../../../src/ports/checks/dependencies.ts';
import type { Mirror } from '../../../src/ports/git/mirror.ts';
import { createWorkspaces } from '../../../src/ports/git/workspaces.ts';
import type { CommandResult, Commands } from '../../../src/ports/machine/command.ts';
import { commitAll, createWorld, must, PERSON, type World, write } from '../git/world.ts';

const exec = promisify(execFile);

/** Runs a shell command as the port would, without its watch over descendants. */
const createShell = (): Commands & { ran: string[] } => {
  const ran: string[] = [];
  return {
    ran,
    run: async (request): Promise<CommandResult> => {
      ran.push(request.command);
      const result = await execa('/bin/sh', ['-c', request.command], {
        cwd: request.cwd,
        env: request.env,
        extendEnv: false,
        reject: false,
        timeout: request.timeoutMs,
        ...(request.signal ? { cancelSignal: request.signal } : {}),
      });
      return {
        exitCode: result.exitCode ?? null,
        signal: result.signal ?? null,
        timedOut: result.timedOut,
        aborted: result.isCanceled,
        outputExceeded: false,
        stdout: result.stdout,
        stderr: result.stderr,
        durationMs: result.durationMs,
        cpuMs: undefined,
        survivorsKilled: 0,
        spawnError: undefined,
        refused: [],
      };
    },
  };
};

/** One at a time for each name, within this process. */
const createLocks = (): WithLock => {
  const tails = new Map<string, Promise<unknown>>();
  return <T>(name: string, run: () => Promise<Result<T, Failure>>) => {
    const next = (tails.get(name) ?? Promise.resolve()).then(run, run);
    tails.set(name, next);
    return next;
  };
};

let world: World;
let mirror: Mirror;
let tip: string;
let shell: ReturnType<typeof createShell>;
let dependencies: Dependencies;
let nowMs: number;

/** npm without network: every package comes from a directory or a tarball of the project itself. */
const ENV = { ...PERSON, HOME: '', npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' };
const NPM = 'npm ci --no-update-notifier';

const begin = async (files: Record<string, string>) => {
  world = await createWorld(files);
  ENV.HOME = path.join(world.root, 'user');
  await mkdir(ENV.HOME);
  mirror = await world.mirror();
  tip = must(await mirror.fetch()).tip;
  nowMs = Date.now();
  shell = createShell();
  dependencies = create(shell);
};

const create = (commands: Commands) =>
  createDependencies({
    git: world.git,
    home: world.home,
    commands,
    withLock: createLocks(),
    workspaces: createWorkspaces({ git: world.git, home: world.home }),
    clock: { ...systemClock, now: () => nowMs },
  });

const ensure = (install: string | undefined, options: Partial<Parameters<Dependencies['ensure']>[0]> = {}) =>
  dependencies.ensure({
    mirror,
    treeish: tip,
    project: 'project',
    install,
    lockfiles: undefined,
    env: ENV,
    timeoutMs: 60_000,
    ...options,
  });

const deps = (...names: string[]) => path.join(world.home, '.winnow', 'deps', ...names);

/** A checkout in the way the checks get theirs. */
const checkout = async (name = 'check', exclude: string[] = []) => {
  const dir = path.join(world.home, '.winnow', 'pool', name);
  const tree = must(await mirror.treeOf(tip));
  must(await createWorkspaces({ git: world.git, home: world.home }).checkout({ mirror, tree, dir, exclude }));
  return dir;
};

const follow = async (files: Record<string, string>) => {
  await write(world.repo, files);
  await commitAll(world.repo, 'next');
  tip = must(await mirror.fetch()).tip;
};

/** The installer of most tests: a script that makes what an installer would, and counts. */
const SCRIPT = {
  'package.json': '{"name":"p","dependencies":{"x":"1"}}',
  'package-lock.json': '{"lockfileVersion":3}',
  'src/a.ts': 'export {};\n',
  'install.sh': `mkdir -p node_modules/x node_modules/.bin node_modules/.cache node_modules/@s/y
echo 'module.exports = 1' > node_modules/x/index.js
echo 'module.exports = 2' > node_modules/@s/y/index.js
echo '{}' > node_modules/.package-lock.json
echo cached > node_modules/.cache/c
echo 'echo hello from x' > node_modules/x/cli.sh; chmod +x node_modules/x/cli.sh
ln -sf ../x/cli.sh node_modules/.bin/x
`,
};
const INSTALL = 'sh install.sh';

afterEach(() => world.dispose());

describe('installing', () => {
  beforeEach(() => begin(SCRIPT));

  it('does nothing for a project that installs nothing', async () => {
    for (const install of [undefined, '', '  ']) {
      expect(must(await ensure(install))).toEqual({ key: '', ran: false, durationMs: 0, refused: [] });
    }
    const dir = await checkout();
    must(await dependencies.link('', dir));
    expect(await dependencies.excluded('')).toEqual([]);
    expect(await dependencies.verify('')).toBe(true);
    expect(await readdir(dir)).not.toContain('node_modules');
  });

  it('runs once for a content, however many ask', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => ensure(INSTALL)));
    expect(new Set(all.map((result) => must(result).key)).size).toBe(1);
    expect(all.filter((result) => must(result).ran)).toHaveLength(1);
    expect(shell.ran).toEqual([INSTALL]);
    expect(must(await ensure(INSTALL))).toMatchObject({ ran: false });
  });

  it('names a new content when the lockfile, a dependency, a patch, a setting or the command changes, and only then', async () => {
    const keys: string[] = [];
    const keyNow = async (install = INSTALL, lockfiles?: string[]) => {
      const { key } = must(await ensure(install, { lockfiles }));
      if (!keys.includes(key)) keys.push(key);
      return keys.length;
    };
    expect(await keyNow()).toBe(1);
    await follow({
      'src/a.ts': 'export const a = 1;\n',
      'package.json': '{"name":"p","dependencies":{"x":"1"},"scripts":{"test":"y"}}',
    });
    expect(await keyNow()).toBe(1);
    expect(await keyNow('sh ./install.sh')).toBe(2);
    await follow({ 'package-lock.json': '{"lockfileVersion":2}' });
    expect(await keyNow()).toBe(3);
    await follow({ 'packages/a/package.json': '{"name":"a","dependencies":{"x":"2"}}' });
    expect(await keyNow()).toBe(4);
    await follow({ '.npmrc': 'legacy-peer-deps=true\n' });
    expect(await keyNow()).toBe(5);
    await follow({ 'patches/x.patch': '--- a\n' });
    expect(await keyNow()).toBe(6);
    await follow({ 'packages/a/package.json': '{ broken' });
    expect(await keyNow()).toBe(7);
    expect(await keyNow(INSTALL, ['deps.txt'])).toBe(8);
    await follow({ 'package-lock.json': '{}' });
    expect(await keyNow(INSTALL, ['deps.txt'])).toBe(8);
    await follow({ 'deps.txt': 'x' });
    expect(await keyNow(INSTALL, ['deps.txt'])).toBe(9);
  });

  it('leaves nothing of a failed installation, tells its last words, and does not try again at once', async () => {
    const install = 'echo starting; mkdir -p node_modules; echo "npm error https://ada:hunter2@host/x 404" >&2; exit 3';
    const result = await ensure(install);
    expect(result).toMatchObject({ ok: false, error: { kind: 'install-failed' } });
    if (!result.ok) {
      expect(result.error.message).toContain('failed with exit 3: https://host/x 404');
      expect(JSON.stringify(result)).not.toContain('hunter2');
    }
    expect((await readdir(deps())).filter((name) => !name.endsWith('.failed.json'))).toEqual([]);
    expect(await ensure(install)).toMatchObject({ ok: false, error: { message: expect.stringContaining('10 min') } });
    expect(shell.ran).toHaveLength(1);
    await ensure(install, { force: true });
    expect(shell.ran).toHaveLength(2);
    nowMs += 11 * 60_000;
    await ensure(install);
    expect(shell.ran).toHaveLength(3);
    nowMs -= 24 * 3_600_000;
    await ensure(install);
    expect(shell.ran).toHaveLength(4);
  });

  it('succeeds after a failure when the cause is gone, and forgets the failure', async () => {
    const flag = path.join(world.root, 'flag');
    const install = `test -e ${flag} && ${INSTALL}`;
    expect(await ensure(install)).toMatchObject({ ok: false });
    await writeFile(flag, '');
    const { key } = must(await ensure(install, { force: true }));
    expect((await readdir(deps())).sort()).toEqual([key]);
  });

  it('tries again at once when what was allowed to it was mended, and names what it asked for in vain', async () => {
    const refusing: Commands = { run: async (asked) => ({ ...(await shell.run(asked)), refused: ['a.example:443'] }) };
    dependencies = create(refusing);
    const result = await ensure('exit 1', { mark: '[]' });
    const message = expect.stringContaining('not among its hosts: a.example:443 (projects[].hosts)');
    expect(result).toMatchObject({ ok: false, error: { message } });
    await ensure('exit 1', { mark: '[]' });
    expect(shell.ran).toHaveLength(1);
    await ensure('exit 1', { mark: '["a.example"]' });
    expect(shell.ran).toHaveLength(2);
  });

  it('kills an installation that hangs, and remembers no failure when it was stopped', async () => {
    expect(await ensure('exec sleep 60', { timeoutMs: 200 })).toMatchObject({
      ok: false,
      error: { kind: 'install-failed', message: expect.stringContaining('killed') },
    });
    const stop = new AbortController();
    const stopped = ensure('echo x > begun; exec sleep 60', { signal: stop.signal });
    while (!(await findFile(deps(), 'begun'))) await systemClock.sleep(10);
    stop.abort();
    expect(await stopped).toMatchObject({ ok: false, error: { kind: 'interrupted' } });
    expect((await readdir(deps())).filter((name) => name.endsWith('.failed.json'))).toHaveLength(1);
  });

  it('starts anew where a killed one stopped', async () => {
    const { key } = must(await ensure(INSTALL));
    // As a kill leaves it: everything but the word that it is whole, and half of something.
    await rm(deps(key, 'store.json'));
    await exec('chmod', ['-R', 'u+w', deps(key)]);
    await write(deps(key), { 'tree/node_modules/half/x': '', 'tree.index.lock': '' });
    expect(await dependencies.verify(key)).toBe(false);
    expect(await dependencies.link(key, await checkout())).toMatchObject({
      ok: false,
      error: { kind: 'install-failed' },
    });
    expect(must(await ensure(INSTALL))).toMatchObject({ key, ran: true });
    expect(await readdir(deps(key, 'tree', 'node_modules'))).not.toContain('half');
    expect(await dependencies.verify(key)).toBe(true);
  });

  it('lets no git of an install script find the repository around the factory', async () => {
    await world.sh(world.home, 'init', '-q');
    must(await ensure(`${INSTALL} && (git rev-parse --git-dir > found 2>&1 || true)`));
    const [key = ''] = await readdir(deps());
    expect(await readFile(deps(key, 'tree', 'found'), 'utf8')).toContain('not a git repository');
  });
});

const findFile = async (dir: string, name: string): Promise<string | undefined> => {
  const { stdout } = await exec('find', [dir, '-name', name]).catch(() => ({ stdout: '' }));
  return stdout.trim() || undefined;
};

describe('linking', () => {
  beforeEach(() => begin(SCRIPT));

  it('gives real directories with links to the packages, and their programs run', async () => {
    const { key } = must(await ensure(INSTALL));
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    const modules = path.join(dir, 'node_modules');
    expect((await lstat(modules)).isSymbolicLink()).toBe(false);
    expect((await readdir(modules)).sort()).toEqual(['.bin', '.package-lock.json', '@s', 'x']);
    expect(await realpath(path.join(modules, 'x'))).toBe(deps(key, 'tree/node_modules/x'));
    expect(await readlink(path.join(modules, '.bin/x'))).toBe('../x/cli.sh');
    expect((await lstat(path.join(modules, '@s'))).isSymbolicLink()).toBe(false);
    expect((await exec('sh', [path.join(modules, '.bin/x')])).stdout).toBe('hello from x\n');
    expect(await dependencies.excluded(key)).toEqual(['node_modules']);
    const { stdout } = await exec('node', ['-p', 'require("x") + require("@s/y")'], { cwd: dir });
    expect(stdout).toBe('3\n');
  });

  it('keeps what tools write beside the packages in the checkout', async () => {
    const { key } = must(await ensure(INSTALL));
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    await write(dir, {
      'node_modules/.vite/results.json': '{}',
      'node_modules/.cache/t': 'x',
      'node_modules/@s/z': 'x',
    });
    expect(await dependencies.verify(key)).toBe(true);
    expect(await readdir(deps(key, 'tree/node_modules'))).not.toContain('.vite');
  });

  it('changes nothing the second time, and mends what somebody put there', async () => {
    const { key } = must(await ensure(INSTALL));
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    const inodes = async () => (await exec('find', [path.join(dir, 'node_modules'), '-printf', '%p %i %T@\n'])).stdout;
    const before = await inodes();
    must(await dependencies.link(key, dir));
    expect(await inodes()).toBe(before);
    const modules = path.join(dir, 'node_modules');
    const tamper: (() => Promise<unknown>)[] = [
      () => rm(path.join(modules, 'x')).then(() => write(modules, { 'x/index.js': 'module.exports = "evil"' })),
      () => rm(path.join(modules, '.bin/x')).then(() => write(modules, { '.bin/x': 'echo evil' })),
      () => write(modules, { 'evil/index.js': 'x', '@s/evil/index.js': 'x', '.bin/y': 'x', '.cache/poison': 'x' }),
      () => rm(modules, { recursive: true }),
      () => rm(modules, { recursive: true }).then(() => writeFile(modules, 'x')),
      () => rm(path.join(modules, '@s'), { recursive: true }).then(() => symlink('/tmp', path.join(modules, '@s'))),
      () => writeFile(path.join(modules, '.package-lock.json'), '{"evil":1}'),
    ];
    const listing = async () => (await exec('find', [modules, '-printf', '%P %y %l\n'])).stdout.split('\n').sort();
    const right = await listing();
    for (const harm of tamper) {
      await harm();
      must(await dependencies.link(key, dir));
      expect(await listing()).toEqual(right);
    }
    expect(await dependencies.verify(key)).toBe(true);
  });

  it('follows no link out of the checkout, neither to make directories nor to remove them', async () => {
    const outside = path.join(world.root, 'outside');
    await write(outside, { 'node_modules/precious': 'x' });
    await follow({ 'packages/a/package.json': '{"name":"a"}' });
    const both = `${INSTALL}; mkdir -p packages/a/node_modules/z`;
    const one = must(await ensure(both)).key;
    const two = must(await ensure(INSTALL)).key;
    const dir = await checkout();
    must(await dependencies.link(one, dir));
    await rm(path.join(dir, 'packages/a'), { recursive: true });
    await symlink(outside, path.join(dir, 'packages/a'));
    must(await dependencies.link(one, dir));
    must(await dependencies.link(two, dir));
    await rm(path.join(dir, 'node_modules'), { recursive: true });
    await symlink(path.join(outside, 'node_modules'), path.join(dir, 'node_modules'));
    must(await dependencies.link(two, dir));
    expect(await readdir(path.join(outside, 'node_modules'))).toEqual(['precious']);
  });

  it('replaces the links when the content changes, also directories that are no more', async () => {
    await follow({ 'packages/a/package.json': '{"name":"a"}' });
    const one = must(await ensure(`${INSTALL}; mkdir -p packages/a/node_modules/z packages/gone/node_modules/z`)).key;
    const two = must(await ensure(`${INSTALL}; rm -r node_modules/@s`)).key;
    const dir = await checkout();
    must(await dependencies.link(one, dir));
    expect(await dependencies.excluded(one)).toEqual([
      'node_modules',
      'packages/a/node_modules',
      'packages/gone/node_modules',
    ]);
    expect(await readdir(path.join(dir, 'packages'))).toEqual(['a']);
    must(await dependencies.link(two, dir));
    expect(await readdir(path.join(dir, 'packages/a'))).toEqual(['package.json']);
    expect((await readdir(path.join(dir, 'node_modules'))).sort()).toEqual(['.bin', '.package-lock.json', 'x']);
    expect(await realpath(path.join(dir, 'node_modules/x'))).toBe(deps(two, 'tree/node_modules/x'));
    must(await dependencies.link('', dir));
    expect(await readdir(dir)).not.toContain('node_modules');
  });

  it('survives the clean of the next checkout when it is excluded', async () => {
    const { key } = must(await ensure(INSTALL));
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    const { ino } = await lstat(path.join(dir, 'node_modules/x'));
    await checkout('check', await dependencies.excluded(key));
    expect((await lstat(path.join(dir, 'node_modules/x'))).ino).toBe(ino);
    await checkout();
    expect(await readdir(dir)).not.toContain('node_modules');
    expect(await dependencies.verify(key)).toBe(true);
  });

  it('leaves node_modules that the repository itself holds alone', async () => {
    await follow({ 'fixtures/node_modules/tracked/index.js': '1' });
    const { key } = must(await ensure(INSTALL));
    expect(await dependencies.excluded(key)).toEqual(['node_modules']);
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    expect((await lstat(path.join(dir, 'fixtures/node_modules/tracked'))).isDirectory()).toBe(true);
  });

  it('understands the layout of pnpm', async () => {
    await follow({
      'packages/a/package.json': '{"name":"a"}',
      'packages/a/index.js': 'module.exports = "a of the checkout"',
    });
    const layout = `
mkdir -p node_modules/.pnpm/x@1/node_modules/x node_modules/.pnpm/y@1/node_modules/y node_modules/.bin packages/a/node_modules/.bin node_modules/@s
echo 'module.exports = "x " + require("y")' > node_modules/.pnpm/x@1/node_modules/x/index.js
echo 'module.exports = "y"' > node_modules/.pnpm/y@1/node_modules/y/index.js
ln -s ../../y@1/node_modules/y node_modules/.pnpm/x@1/node_modules/y
ln -s .pnpm/x@1/node_modules/x node_modules/x
ln -s ../../packages/a node_modules/@s/a
ln -s ../../../node_modules/.pnpm/y@1/node_modules/y packages/a/node_modules/y
printf '#!/bin/sh\\nbasedir=$(dirname "$0")\\nexec node "$basedir/../x/index.js"\\n' > node_modules/.bin/x; chmod +x node_modules/.bin/x
echo yaml > node_modules/.modules.yaml`;
    const { key } = must(await ensure(layout));
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    const modules = path.join(dir, 'node_modules');
    expect(await readlink(path.join(modules, 'x'))).toBe('.pnpm/x@1/node_modules/x');
    expect(await readlink(path.join(modules, '.pnpm'))).toBe(deps(key, 'tree/node_modules/.pnpm'));
    expect(await readFile(path.join(modules, '.modules.yaml'), 'utf8')).toBe('yaml\n');
    const { stdout } = await exec('node', ['-p', '[require("x"), require("@s/a")].join()'], { cwd: dir });
    expect(stdout).toBe('x y,a of the checkout\n');
    const inner = await exec('node', ['-p', 'require("y")'], { cwd: path.join(dir, 'packages/a') });
    expect(inner.stdout).toBe('y\n');
    await exec(path.join(modules, '.bin/x'));
    expect(await realpath(path.join(modules, '@s/a'))).toBe(path.join(dir, 'packages/a'));
  });
});

describe('the store', () => {
  beforeEach(() => begin(SCRIPT));

  const writes: Record<string, (store: string) => Promise<unknown>> = {
    'a changed file': (store) => writeFile(path.join(store, 'x/index.js'), 'evil'),
    'a changed file with size and time set back': async (store) => {
      const file = path.join(store, 'x/index.js');
      const { atime, mtime } = await stat(file);
      await writeFile(file, 'module.exports = 9\n');
      await utimes(file, atime, mtime);
    },
    'a new file': (store) => write(store, { 'x/new.js': 'x' }),
    'a removed file': (store) => rm(path.join(store, 'x/index.js')),
    'a file replaced': async (store) => {
      await cp(path.join(store, 'x/index.js'), path.join(store, 'x/copy.js'), { preserveTimestamps: true });
      await rename(path.join(store, 'x/copy.js'), path.join(store, 'x/index.js'));
    },
    'a link turned elsewhere': async (store) => {
      await rm(path.join(store, '.bin/x'));
      await symlink('../x/index.js', path.join(store, '.bin/x'));
    },
    'a changed mode': (store) => chmod(path.join(store, 'x/index.js'), 0o777),
  };
  it('is read-only, and every way of writing through is found out', async () => {
    const { key } = must(await ensure(INSTALL));
    const store = deps(key, 'tree/node_modules');
    expect((await stat(path.join(store, 'x/index.js'))).mode & 0o222).toBe(0);
    expect((await stat(path.join(store, 'x'))).mode & 0o222).toBe(0);
    if (process.getuid?.() !== 0) await expect(access(path.join(store, 'x'), 2)).rejects.toThrow();
    expect(await dependencies.verify(key)).toBe(true);
    for (const [name, harm] of Object.entries(writes)) {
      must(await ensure(INSTALL));
      expect(await dependencies.verify(key)).toBe(true);
      if (process.getuid?.() !== 0) await exec('chmod', ['-R', 'u+w', store]);
      await harm(store);
      expect([name, await dependencies.verify(key)]).toEqual([name, false]);
      expect([name, await dependencies.verify(key)]).toEqual([name, false]);
      expect(must(await ensure(INSTALL))).toMatchObject({ key, ran: true });
    }
    expect(await readFile(path.join(store, 'x/index.js'), 'utf8')).toBe('module.exports = 1\n');
    expect(await readdir(deps('.aside'))).toHaveLength(Object.keys(writes).length);
  });

  it('is removed when nobody asked for it in a long time, and half of one as well', async () => {
    const old = must(await ensure(INSTALL)).key;
    const young = must(await ensure('sh ./install.sh')).key;
    const half = 'a'.repeat(40);
    await mkdir(deps(half));
    const past = new Date(nowMs - 10 * 86_400_000);
    await utimes(deps(old, 'store.json'), past, past);
    await utimes(deps(half), past, past);
    expect(await dependencies.sweep(7 * 86_400_000)).toBe(2);
    expect(await readdir(deps())).toEqual([young]);
    await utimes(deps(young, 'store.json'), past, past);
    must(await ensure('sh ./install.sh'));
    expect(await dependencies.sweep(7 * 86_400_000)).toBe(0);
  });

  it('shares no file with a store of the user', async () => {
    const shared = path.join(world.root, 'shared');
    await writeFile(shared, 'module.exports = "shared"');
    const { key } = must(await ensure(`${INSTALL}; ln ${shared} node_modules/x/linked.js`));
    expect((await stat(shared)).nlink).toBe(1);
    expect((await stat(shared)).mode & 0o200).toBe(0o200);
    await writeFile(shared, 'changed elsewhere');
    expect(await dependencies.verify(key)).toBe(true);
  });

  it('answers for no name but its own', async () => {
    for (const key of ['..', '../mirrors', 'x'.repeat(40), 'a/b']) {
      expect(await dependencies.verify(key)).toBe(false);
      expect(await dependencies.excluded(key)).toEqual([]);
      expect(await dependencies.link(key, world.root)).toMatchObject({ ok: false });
    }
  });
});

describe('with npm itself', () => {
  /** A project with a workspace, a package from a tarball with a program, and one in a scope. */
  beforeEach(async () => {
    await begin({ 'README.md': 'x' });
    const packages = path.join(world.root, 'packages');
    await write(packages, {
      'tool/package.json': '{"name":"tool","version":"1.0.0","bin":{"tool":"cli.js"}}',
      'tool/cli.js': '#!/usr/bin/env node\nconsole.log("tool runs", require("@s/dep"));\n',
      'dep/package.json': '{"name":"@s/dep","version":"1.0.0","main":"index.js"}',
      'dep/index.js': 'module.exports = "with dep";\n',
    });
    await chmod(path.join(packages, 'tool/cli.js'), 0o755);
    await mkdir(path.join(world.repo, 'vendor'));
    for (const name of ['tool', 'dep']) {
      const pack = ['pack', '--silent', '--pack-destination', path.join(world.repo, 'vendor')];
      await exec('npm', pack, { cwd: path.join(packages, name), env: ENV });
    }
    await write(world.repo, {
      'package.json': JSON.stringify({
        name: 'root',
        private: true,
        workspaces: ['packages/*'],
        devDependencies: { tool: 'file:vendor/tool-1.0.0.tgz', '@s/dep': 'file:vendor/s-dep-1.0.0.tgz' },
      }),
      'packages/lib/package.json': '{"name":"lib","version":"1.0.0","main":"index.js"}',
      'packages/lib/index.js': 'module.exports = "lib of the checkout";\n',
      '.gitignore': 'node_modules\n',
    });
    await exec('npm', ['install', '--package-lock-only'], { cwd: world.repo, env: ENV });
    await commitAll(world.repo, 'project');
    tip = must(await mirror.fetch()).tip;
  });

  it('installs once, links root and workspaces, and everything resolves in the checkout', async () => {
    const { key, ran } = must(await ensure(NPM));
    expect(ran).toBe(true);
    const dir = await checkout();
    must(await dependencies.link(key, dir));
    expect((await exec('npx', ['--no-install', 'tool'], { cwd: dir, env: ENV })).stdout).toBe('tool runs with dep\n');
    const lib = await exec('node', ['-p', 'require("lib") + " " + require.resolve("lib")'], { cwd: dir });
    expect(lib.stdout).toBe(`lib of the checkout ${dir}/packages/lib/index.js\n`);
    expect(await dependencies.verify(key)).toBe(true);
  });

  it('tells what npm says of a lockfile that does not fit', async () => {
    await follow({ 'package.json': '{"name":"root","dependencies":{"nowhere":"1.0.0"}}' });
    const result = await ensure(NPM);
    expect(result).toMatchObject({ ok: false, error: { kind: 'install-failed' } });
    if (!result.ok) expect(result.error.detail).toContain('nowhere');
  });
});
