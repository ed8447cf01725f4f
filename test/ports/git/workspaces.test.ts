import { execFile } from 'node:child_process';
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Captured, Mirror, Workspace, Workspaces } from '../../../src/ports/git/mirror.ts';
import { createWorkspaces } from '../../../src/ports/git/workspaces.ts';
import { howMany, THOROUGH } from '../../thoroughness.ts';
import { commitAll, createWorld, FILES, must, PERSON, sh, type World, write } from './world.ts';

const exec = promisify(execFile);
const AUTHOR = { name: 'alpha', email: 'alpha@example.com' };

let world: World;
let mirror: Mirror;
let workspaces: Workspaces;
let tip: string;

const begin = async (files: Record<string, string | Buffer> = FILES) => {
  world = await createWorld(files);
  mirror = await world.mirror();
  tip = must(await mirror.fetch()).tip;
  workspaces = createWorkspaces({ git: world.git, home: world.home });
};

/** Takes over a new state of the project. */
const follow = async () => {
  tip = must(await mirror.fetch()).tip;
};

const prepare = async (name = 'alpha', base = tip, exclude: string[] = []): Promise<Workspace> =>
  must(await workspaces.prepare({ mirror, name, base, branch: `brl/${name}/20260101-000000`, exclude }));

const capture = async (workspace: Workspace): Promise<Captured> =>
  must(await workspaces.capture({ mirror, workspace, author: AUTHOR, message: 'leftovers', at: 1_700_000_000_000 }));

/** What stands in a commit, path by path. */
const treeAt = async (commit: string): Promise<Record<string, string>> => {
  const listed = await sh(mirror.dir, 'ls-tree', '-r', '-z', commit);
  const lines = listed.split('\0').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.split('\t')[1], line.split(/[ \t]/).slice(0, 3).join(' ')]));
};

const filesIn = async (dir: string): Promise<string[]> => {
  const { stdout } = await exec('find', ['.', '-path', './.git', '-prune', '-o', '-mindepth', '1', '-print'], {
    cwd: dir,
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
};

/** Exactly a fresh checkout of the base. */
const expectClean = async (workspace: Workspace) => {
  const fresh = path.join(world.root, 'fresh', workspace.base);
  if (!(await lstat(fresh).catch(() => undefined))) {
    await sh(world.root, 'clone', '-q', world.repo, fresh);
    await sh(fresh, 'checkout', '-q', workspace.base);
  }
  expect(await filesIn(workspace.dir)).toEqual(await filesIn(fresh));
  await exec('diff', ['-r', '--no-dereference', '--exclude=.git', fresh, workspace.dir]);
  expect(await sh(workspace.dir, 'status', '--porcelain')).toBe('');
  expect(await sh(workspace.dir, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${workspace.branch}`);
  expect(await sh(workspace.dir, 'rev-parse', 'HEAD')).toBe(workspace.base);
};

/** A world for each test, or one for all tests of a table that leave the project as it is. */
const eachInItsOwnWorld = () => {
  beforeEach(() => begin());
  afterEach(() => world.dispose());
};
const allInOneWorld = () => {
  beforeAll(() => begin());
  afterAll(() => world.dispose());
};

describe('preparing a workspace', () => {
  eachInItsOwnWorld();

  it('gives a clean checkout on the branch, without remote and hooks, in which git works', async () => {
    const workspace = await prepare();
    await expectClean(workspace);
    expect(await sh(workspace.dir, 'remote')).toBe('');
    expect(await readdir(path.join(workspace.dir, '.git', 'hooks'))).toEqual([]);
    expect(await sh(workspace.dir, 'config', 'user.name')).toBe('alpha (Winnow)');
    expect(await sh(workspace.dir, 'log', '--format=%s')).toBe('first');
    await sh(workspace.dir, 'fsck');
  });

  it('hides the linked dependencies from the agent and leaves them where they are', async () => {
    const names = ['node_modules', 'pack [1]/node_modules'];
    const workspace = await prepare('alpha', tip, names);
    await write(workspace.dir, { 'node_modules/x/index.js': '1', 'pack [1]/node_modules/y': '2', junk: '3' });
    expect(await sh(workspace.dir, 'status', '--porcelain', '-uall')).toBe('?? junk');
    await prepare('alpha', tip, names);
    expect(await filesIn(workspace.dir)).toContain('./node_modules/x/index.js');
    expect(await filesIn(workspace.dir)).toContain('./pack [1]/node_modules/y');
    await prepare('alpha', tip, []);
    await expectClean(workspace);
  });

  it('moves on to another base', async () => {
    const first = await prepare();
    await write(world.repo, { 'src/new.ts': 'new\n', 'src/a.ts': 'changed\n' });
    await rm(path.join(world.repo, 'src/b.ts'));
    await commitAll(world.repo, 'second');
    await follow();
    await expectClean(await prepare());
    await expectClean(await prepare('alpha', first.base));
  });

  it('takes over where a killed git left its lock and half the files', async () => {
    const files = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`many/f${at}.txt`, `${at}\n`]));
    await write(world.repo, files);
    await commitAll(world.repo, 'many');
    const first = tip;
    await follow();
    const workspace = await prepare();
    for (let round = 0; round < howMany(8, 150); round += 1) {
      const env = {
        ...PERSON,
        GIT_DIR: mirror.dir,
        GIT_WORK_TREE: workspace.dir,
        GIT_INDEX_FILE: `${workspace.dir}.index`,
      };
      const args = ['read-tree', '--reset', '-u', round % 2 ? tip : first];
      const child = execFile('git', args, { cwd: workspace.dir, env });
      await systemClock.sleep(Math.random() * 12);
      child.kill('SIGKILL');
      await rm(`${workspace.dir}.index.lock`, { force: true });
    }
    await writeFile(`${workspace.dir}.index.lock`, '');
    await expectClean(await prepare());
  });

  it('prepares eight at once on one mirror, and captures them', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `s${at}`);
    const prepared = await Promise.all(names.map((name) => prepare(name)));
    const captured = await Promise.all(
      prepared.map(async (workspace, at) => {
        await write(workspace.dir, { [`own${at}.ts`]: `${at}\n`, 'src/a.ts': `export const a = ${at + 10};\n` });
        await commitAll(workspace.dir, `own ${at}`);
        await write(workspace.dir, { 'src/b.ts': `left ${at}\n` });
        return capture(workspace);
      }),
    );
    expect(new Set(captured.map((c) => c.commit)).size).toBe(8);
    for (const [at, { commit }] of captured.entries()) {
      expect(await sh(mirror.dir, 'show', `${commit}:own${at}.ts`)).toBe(`${at}`);
      expect(await sh(mirror.dir, 'rev-list', '--count', `${tip}..${commit}`)).toBe('2');
    }
    await sh(mirror.dir, 'fsck', '--strict');
  });

  it('refuses names that lead elsewhere', async () => {
    for (const name of ['../x', 'a/b', '', '.', 'a.index']) {
      expect(await workspaces.prepare({ mirror, name, base: tip, branch: 'b', exclude: [] })).toMatchObject({
        ok: false,
      });
    }
    for (const branch of ['../../HEAD', 'a..b', '/a', 'a.lock', 'a b', 'a//b', 'a/.b', '-a']) {
      expect(await workspaces.prepare({ mirror, name: 'x', base: tip, branch, exclude: [] })).toMatchObject({
        ok: false,
      });
    }
    expect(
      await workspaces.prepare({ mirror, name: 'x', base: '0'.repeat(40), branch: 'b', exclude: [] }),
    ).toMatchObject({
      ok: false,
      error: { kind: 'git-failed' },
    });
  });

  it('is removed with all that belongs to it', async () => {
    const { dir } = await prepare();
    await chmod(path.join(dir, 'src'), 0o000);
    await workspaces.remove('alpha');
    expect(await readdir(path.dirname(dir))).toEqual([]);
  });

  it('leaves submodules empty and large-file pointers as they are', async () => {
    await sh(world.root, 'clone', '-q', world.repo, 'library');
    await sh(world.repo, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', '../library', 'lib');
    await write(world.repo, {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      'x.bin': 'version https://git-lfs\n',
    });
    await commitAll(world.repo, 'module');
    await follow();
    const workspace = await prepare();
    expect(await readdir(path.join(workspace.dir, 'lib'))).toEqual([]);
    expect(await readFile(path.join(workspace.dir, 'x.bin'), 'utf8')).toBe('version https://git-lfs\n');
    expect(await capture(workspace)).toMatchObject({ empty: true, notes: [] });
    await write(workspace.dir, { 'lib/junk': 'x', 'src/a.ts': 'x\n' });
    await rm(path.join(workspace.dir, 'lib/junk'));
    const { commit } = await capture(workspace);
    expect((await treeAt(commit)).lib).toBe((await treeAt(tip)).lib);
    await write(workspace.dir, { 'lib/junk': 'x' });
    await prepare();
    expect(await readdir(path.join(workspace.dir, 'lib'))).toEqual([]);
  });

  it('works on a shallow mirror and one with SHA-256 names', async () => {
    await commitAll(world.repo, 'second');
    await sh(world.root, 'clone', '-q', '--depth=1', `file://${world.repo}`, 'shallow');
    await sh(world.root, 'init', '-q', '-b', 'main', '--object-format=sha256', 'wide');
    await write(path.join(world.root, 'wide'), FILES);
    await commitAll(path.join(world.root, 'wide'), 'wide');
    for (const name of ['shallow', 'wide']) {
      mirror = await world.mirror(path.join(world.root, name), 'main', name);
      await follow();
      const workspace = await prepare(name);
      expect(await sh(workspace.dir, 'status', '--porcelain')).toBe('');
      await write(workspace.dir, { 'src/a.ts': 'changed\n' });
      await commitAll(workspace.dir, 'own');
      await write(workspace.dir, { 'src/b.ts': 'changed\n' });
      const { commit, notes } = await capture(workspace);
      expect(notes).toEqual([]);
      expect(await sh(mirror.dir, 'log', '--format=%s', `${tip}..${commit}`)).toBe('leftovers\nown');
      must(await mirror.pushBranch('brl/x', commit));
    }
  });
});

describe('preparing a workspace that was left in a mess', () => {
  allInOneWorld();

  const messes: Record<string, (dir: string) => Promise<unknown>> = {
    'edits, new files, deletions and ignored files': async (dir) => {
      await write(dir, { 'src/a.ts': 'x', 'src/new.ts': 'x', 'dist/out.js': 'x', 'a.log': 'x', 'deep/er/x': 'x' });
      await rm(path.join(dir, 'src/b.ts'));
    },
    'an edit that keeps size and modification time': async (dir) => {
      const file = path.join(dir, 'src/a.ts');
      const { atime, mtime } = await lstat(file);
      await writeFile(file, 'export const a = 2;\n');
      await utimes(file, atime, mtime);
    },
    'a directory replaced by a link to elsewhere': async (dir) => {
      await rm(path.join(dir, 'src'), { recursive: true });
      await symlink(path.join(world.root, 'outside'), path.join(dir, 'src'));
    },
    'files replaced by directories and the reverse': async (dir) => {
      await rm(path.join(dir, 'src'), { recursive: true });
      await write(dir, { src: 'a file' });
      await rm(path.join(dir, 'README.md'));
      await write(dir, { 'README.md/inside': 'x' });
    },
    'nested repositories': async (dir) => {
      await sh(dir, 'init', '-q', 'nested');
      await write(dir, { 'nested/x': 'x' });
      await sh(dir, 'init', '-q', 'src/deep');
    },
    'pipes and sockets': async (dir) => {
      await unlink(path.join(dir, 'src/a.ts'));
      await exec('mkfifo', [path.join(dir, 'src/a.ts'), path.join(dir, 'pipe')]);
      await mkdir(path.join(dir, 'trap'));
      await exec('mkfifo', [path.join(dir, 'trap/.gitignore'), path.join(dir, 'trap/.gitattributes')]);
    },
    'directories without any permission': async (dir) => {
      await chmod(path.join(dir, 'src'), 0o000);
      await write(dir, { 'closed/x': 'x' });
      await chmod(path.join(dir, 'closed'), 0o000);
    },
    'a changed mode': (dir) => chmod(path.join(dir, 'run.sh'), 0o755),
    'no git directory': (dir) => rm(path.join(dir, '.git'), { recursive: true }),
    'a git directory that is a file': async (dir) => {
      await rm(path.join(dir, '.git'), { recursive: true });
      await writeFile(path.join(dir, '.git'), `gitdir: ${world.repo}/.git\n`);
    },
    'a git directory that is a link to the project': async (dir) => {
      await rm(path.join(dir, '.git'), { recursive: true });
      await symlink(path.join(world.repo, '.git'), path.join(dir, '.git'));
    },
    'a hard link to a file elsewhere': async (dir) => {
      await unlink(path.join(dir, 'src/a.ts'));
      await link(path.join(world.root, 'outside/a.ts'), path.join(dir, 'src/a.ts'));
    },
    'the whole directory a link to elsewhere': async (dir) => {
      await rm(dir, { recursive: true });
      await symlink(path.join(world.root, 'outside'), dir);
    },
    'the directory gone': (dir) => rm(dir, { recursive: true }),
    'the directory a file': async (dir) => {
      await rm(dir, { recursive: true });
      await writeFile(dir, 'x');
    },
    'the index torn': (dir) => truncate(`${dir}.index`, 50),
    'the index gone': (dir) => rm(`${dir}.index`),
    'the index a directory': async (dir) => {
      await rm(`${dir}.index`);
      await mkdir(`${dir}.index`);
    },
  };
  for (const [name, mess] of Object.entries(messes)) {
    it(`mends: ${name}`, async () => {
      await rm(path.join(world.root, 'outside'), { recursive: true, force: true });
      await write(world.root, { 'outside/a.ts': 'outside\n', 'outside/.git/keep': 'x' });
      const repository = await sh(world.repo, 'for-each-ref');
      const { dir } = await prepare();
      await mess(dir);
      await expectClean(await prepare());
      expect(await readFile(path.join(world.root, 'outside/a.ts'), 'utf8')).toBe('outside\n');
      expect((await readdir(path.join(world.root, 'outside'))).sort()).toEqual(['.git', 'a.ts']);
      expect(await sh(world.repo, 'for-each-ref')).toBe(repository);
    });
  }
});

/** A command that leaves a trace when anything ever runs it. */
const trap = () => `touch ${path.join(world.root, 'proof')}; cat; true`;
const config = (text: string) => async (dir: string) =>
  writeFile(path.join(dir, '.git/config'), `${await readFile(path.join(dir, '.git/config'), 'utf8')}\n${text}\n`);

describe('capturing', () => {
  eachInItsOwnWorld();

  it('finds nothing in an untouched workspace', async () => {
    const workspace = await prepare();
    expect(await capture(workspace)).toEqual({
      commit: tip,
      tree: must(await mirror.treeOf(tip)),
      empty: true,
      leftovers: false,
      notes: [],
    });
  });

  it('keeps the own commits of the session and adds one for the rest', async () => {
    const workspace = await prepare();
    await write(workspace.dir, { 'src/a.ts': 'one\n' });
    const own = await commitAll(workspace.dir, 'one');
    expect(await capture(workspace)).toMatchObject({ commit: own, leftovers: false, empty: false });
    await write(workspace.dir, { 'src/new.ts': 'new\n', 'dist/ignored.js': 'x' });
    await chmod(path.join(workspace.dir, 'run.sh'), 0o755);
    await unlink(path.join(workspace.dir, 'src/b.ts'));
    const { commit, tree, leftovers } = await capture(workspace);
    expect(leftovers).toBe(true);
    expect(await sh(mirror.dir, 'log', '--format=%an %s %at', `${tip}..${commit}`)).toMatch(
      /^alpha leftovers 1700000000\nAda one \d+$/,
    );
    expect(await sh(mirror.dir, 'diff', '--name-status', tip, commit)).toBe(
      'M\trun.sh\nM\tsrc/a.ts\nD\tsrc/b.ts\nA\tsrc/new.ts',
    );
    expect(await sh(mirror.dir, 'rev-parse', `${commit}^{tree}`)).toBe(tree);
    expect(await sh(mirror.dir, 'rev-parse', `refs/winnow/${workspace.branch}`)).toBe(commit);
  });

  it('sees that commits and their undoing are nothing', async () => {
    const workspace = await prepare();
    await write(workspace.dir, { 'src/a.ts': 'one\n' });
    await commitAll(workspace.dir, 'one');
    await sh(workspace.dir, 'revert', '--no-edit', 'HEAD');
    expect(await capture(workspace)).toMatchObject({ empty: true, leftovers: false });
  });

  it('takes what lies there when HEAD is elsewhere', async () => {
    await commitAll(world.repo, 'second');
    await follow();
    const workspace = await prepare();
    await sh(workspace.dir, 'checkout', '-q', '--orphan', 'lost');
    await write(workspace.dir, { 'src/a.ts': 'one\n' });
    await commitAll(workspace.dir, 'unrelated');
    const captured = await capture(workspace);
    expect(captured.notes.join()).toContain('does not descend');
    expect(await sh(mirror.dir, 'rev-parse', `${captured.commit}^`)).toBe(tip);
    await sh(workspace.dir, 'checkout', '-q', '-f', `${tip}~1`);
    expect(await capture(workspace)).toMatchObject({ empty: true });
    await sh(workspace.dir, 'checkout', '-q', '--detach', tip);
    await write(workspace.dir, { 'src/a.ts': 'detached\n' });
    const own = await commitAll(workspace.dir, 'detached');
    expect(await capture(workspace)).toMatchObject({ commit: own, leftovers: false, notes: [] });
  });

  it('takes commits that lie in packs and refs that are packed', async () => {
    const workspace = await prepare();
    for (const at of [1, 2, 3]) {
      await write(workspace.dir, { 'src/a.ts': `${'line\n'.repeat(500)}${at}\n` });
      await commitAll(workspace.dir, `own ${at}`);
    }
    await sh(workspace.dir, 'repack', '-q', '-a', '-d', '-l');
    await sh(workspace.dir, 'pack-refs', '--all');
    const { commit, notes } = await capture(workspace);
    expect([commit, notes]).toEqual([await sh(workspace.dir, 'rev-parse', 'HEAD'), []]);
    await rm(workspace.dir, { recursive: true });
    await sh(mirror.dir, 'fsck', '--strict');
  });

  it('never commits the linked dependencies, even when the project takes them back from its ignore list', async () => {
    const workspace = await prepare('alpha', tip, ['node_modules', 'pkg/node_modules']);
    await write(workspace.dir, {
      '.gitignore': '!node_modules\n',
      'node_modules/x/index.js': 'x',
      'pkg/node_modules/y': 'y',
      'pkg/a.ts': 'a',
    });
    const { commit } = await capture(workspace);
    expect(await sh(mirror.dir, 'diff', '--name-only', tip, commit)).toBe('.gitignore\npkg/a.ts');
  });

  it('keeps names that are hard to write', async () => {
    const workspace = await prepare();
    const odd = Buffer.concat([Buffer.from(`${workspace.dir}/not-utf8-`), Buffer.from([0xff, 0xfe])]);
    await write(workspace.dir, {
      'new\nline': '1',
      'tab\t"quote"': '2',
      ' lead': '3',
      README: '4',
      readme: '5',
      '-rf': '6',
    });
    await writeFile(odd, '7');
    const { commit, notes } = await capture(workspace);
    expect(notes).toEqual([]);
    const { stdout } = await exec('git', ['ls-tree', '-r', '-z', '--name-only', commit], {
      cwd: mirror.dir,
      env: PERSON,
      encoding: 'buffer',
    });
    for (const name of ['new\nline', 'tab\t"quote"', ' lead', 'README', 'readme', '-rf']) {
      expect(stdout.includes(`${name}\0`)).toBe(true);
    }
    expect(stdout.includes(Buffer.from([0x2d, 0xff, 0xfe, 0]))).toBe(true);
    must(await mirror.diff(tip, commit));
    await expectClean(await prepare());
  });

  it('says what it could not take along', async () => {
    const workspace = await prepare();
    await exec('mkfifo', [path.join(workspace.dir, 'pipe'), path.join(workspace.dir, '.gitattributes')]);
    await unlink(path.join(workspace.dir, 'src/a.ts'));
    await exec('mkfifo', [path.join(workspace.dir, 'src/a.ts')]);
    const server = net.createServer().listen(path.join(workspace.dir, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    await sh(workspace.dir, 'init', '-q', 'unborn');
    await write(workspace.dir, { 'unborn/x': 'x', 'src/b.ts': 'changed\n', 'ignored.log': '' });
    await write(workspace.dir, { 'huge.bin': '' });
    await truncate(path.join(workspace.dir, 'huge.bin'), 101 * 1024 * 1024);
    await truncate(path.join(workspace.dir, 'ignored.log'), 101 * 1024 * 1024);
    const { commit, notes } = await capture(workspace);
    await new Promise((resolve) => server.close(resolve));
    expect(notes[0]).toMatch(/removed, as git knows no such files: .*pipe/);
    expect(notes[0]).toContain('src/a.ts');
    expect(notes[0]).toContain('socket');
    expect(notes[1]).toBe('left out, as larger than 100 MB: huge.bin');
    expect(notes[2]).toContain('unborn');
    expect(await sh(mirror.dir, 'diff', '--name-status', tip, commit)).toBe('D\tsrc/a.ts\nM\tsrc/b.ts');
  });

  it('shows a nested repository as what it is', async () => {
    const workspace = await prepare();
    await sh(workspace.dir, 'init', '-q', 'nested');
    await write(workspace.dir, { 'nested/x': 'x' });
    const inner = await commitAll(path.join(workspace.dir, 'nested'), 'inner');
    const first = await capture(workspace);
    expect((await treeAt(first.commit)).nested).toBe(`160000 commit ${inner}`);
    expect(must(await mirror.diff(tip, first.commit)).files).toMatchObject([{ path: 'nested', newMode: '160000' }]);
    await rm(path.join(workspace.dir, 'nested'), { recursive: true });
    expect(await capture(workspace)).toMatchObject({ empty: true });
  });

  it('does not take line ends that the repository itself has wrong for a change', async () => {
    await write(world.repo, { 'a.txt': 'one\r\ntwo\r\n', 'b.bat': 'one\ntwo\n', 'c.txt': 'x\r\n' });
    await commitAll(world.repo, 'mixed');
    await write(world.repo, { '.gitattributes': '*.txt text=auto\n*.bat text eol=crlf\n' });
    await sh(world.repo, 'add', '.gitattributes');
    await sh(world.repo, 'commit', '-q', '-m', 'attributes');
    await follow();
    const workspace = await prepare();
    expect(await readFile(path.join(workspace.dir, 'b.bat'), 'utf8')).toBe('one\r\ntwo\r\n');
    for (const name of ['a.txt', 'b.bat', 'c.txt']) {
      const later = new Date(Date.now() + 5_000);
      await utimes(path.join(workspace.dir, name), later, later);
    }
    expect(await capture(workspace)).toMatchObject({ empty: true });
    await writeFile(path.join(workspace.dir, 'c.txt'), 'y\r\n');
    const { commit } = await capture(workspace);
    expect(await sh(mirror.dir, 'diff', '--name-only', tip, commit)).toBe('c.txt');
    must(await workspaces.checkout({ mirror, tree: tip, dir: path.join(world.home, 'pool/0'), exclude: [] }));
    must(await workspaces.checkout({ mirror, tree: tip, dir: path.join(world.home, 'pool/0'), exclude: [] }));
  });

  it('runs nothing in a submodule that the agent filled with a poisoned repository', async () => {
    await sh(world.root, 'clone', '-q', world.repo, 'library');
    await sh(world.repo, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', '../library', 'lib');
    await commitAll(world.repo, 'module');
    await follow();
    const workspace = await prepare();
    const lib = path.join(workspace.dir, 'lib');
    await sh(workspace.dir, 'clone', '-q', path.join(world.root, 'library'), 'lib');
    await config(`[core]\nfsmonitor = "${trap()}"\n[filter "evil"]\nclean = "${trap()}"\nrequired = true`)(lib);
    await write(lib, { '.gitattributes': '* filter=evil\n', 'src/a.ts': 'dirty\n' });
    expect(await capture(workspace)).toMatchObject({ empty: true });
    await write(workspace.dir, { 'src/a.ts': 'x\n' });
    expect(await capture(workspace)).toMatchObject({ empty: false });
    await prepare();
    expect(await readdir(world.root)).not.toContain('proof');
    // The trap is a real one: the same git, run without care, falls into it.
    await sh(workspace.dir, 'clone', '-q', path.join(world.root, 'library'), 'lib');
    await config(`[filter "evil"]\nclean = "${trap()}"`)(lib);
    await write(lib, { '.gitattributes': '* filter=evil\n', 'src/a.ts': 'dirty\n' });
    await sh(workspace.dir, 'add', '-A');
    expect(await readdir(world.root)).toContain('proof');
  });

  it.runIf(THOROUGH)('is at home in a large repository whose line ends are all wrong', async () => {
    const files = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`many/f${at}.txt`, `${at}\r\n`]));
    await write(world.repo, files);
    await commitAll(world.repo, 'many');
    await write(world.repo, { '.gitattributes': '* text=auto\n' });
    await sh(world.repo, 'add', '.gitattributes');
    await sh(world.repo, 'commit', '-q', '-m', 'attributes');
    await follow();
    const workspace = await prepare();
    await exec('find', [path.join(workspace.dir, 'many'), '-type', 'f', '-exec', 'touch', '{}', '+']);
    expect(await capture(workspace)).toMatchObject({ empty: true });
    await prepare();
  });

  it('refuses a workspace that became a link', async () => {
    const workspace = await prepare();
    await rename(workspace.dir, `${workspace.dir}-away`);
    await symlink(world.repo, workspace.dir);
    const captured = await workspaces.capture({ mirror, workspace, author: AUTHOR, message: 'm', at: 0 });
    expect(captured).toMatchObject({ ok: false, error: { kind: 'git-failed' } });
  });
});

describe('an agent that poisons its own git directory', () => {
  allInOneWorld();

  const poisons: Record<string, (dir: string) => Promise<unknown>> = {
    hooks: async (dir) => {
      for (const hook of ['pre-commit', 'post-checkout', 'post-index-change', 'reference-transaction', 'pre-push']) {
        await write(dir, { [`.git/hooks/${hook}`]: `#!/bin/sh\n${trap()}\n` });
        await chmod(path.join(dir, '.git/hooks', hook), 0o755);
      }
    },
    'core.hooksPath': (dir) => config(`[core]\nhooksPath = ${path.join(dir, 'hooks')}`)(dir),
    'core.fsmonitor': (dir) => config(`[core]\nfsmonitor = "${trap()}"`)(dir),
    filters: async (dir) => {
      await config(`[filter "evil"]\nclean = "${trap()}"\nsmudge = "${trap()}"\nprocess = "${trap()}"`)(dir);
      await write(dir, { '.gitattributes': '* filter=evil diff=evil merge=evil\n' });
      await config(
        `[diff "evil"]\ncommand = "${trap()}"\ntextconv = "${trap()}"\n[merge "evil"]\ndriver = "${trap()}"`,
      )(dir);
    },
    'ssh, diff, gpg and pager commands': (dir) =>
      config(
        `[core]\nsshCommand = "${trap()}"\npager = "${trap()}"\neditor = "${trap()}"\n[diff]\nexternal = "${trap()}"\n` +
          `[gpg]\nprogram = "${trap()}"\n[commit]\ngpgSign = true\n[credential]\nhelper = "!${trap()}"`,
      )(dir),
    aliases: (dir) => config(`[alias]\nadd = "!${trap()}"\nls-files = "!${trap()}"\nupload-pack = "!${trap()}"`)(dir),
    'an included file': async (dir) => {
      await write(dir, { evil: `[core]\nfsmonitor = "${trap()}"\n` });
      await config(`[include]\npath = ${path.join(dir, 'evil')}`)(dir);
    },
    'hooks of the packer and rewritten URLs': (dir) =>
      config(
        `[uploadpack]\npackObjectsHook = "${trap()}"\n[url "ext::sh -c ${trap()}"]\ninsteadOf = /\n[protocol]\nallow = always\n` +
          `[core]\nalternateRefsCommand = "${trap()}"\nworktree = ${world.repo}\n[remote "origin"]\nurl = ext::x\npromisor = true`,
      )(dir),
    'a configuration that cannot be read': (dir) => writeFile(path.join(dir, '.git/config'), '[[['),
    'an unknown extension': (dir) => config('[core]\nrepositoryformatversion = 1\n[extensions]\nevil = true')(dir),
    'replaced objects': async (dir) => {
      const other = await commitAll(dir, 'other');
      await write(dir, { [`.git/refs/replace/${tip}`]: `${other}\n` });
    },
    'an alternate that is another repository': async (dir) => {
      await writeFile(path.join(dir, '.git/objects/info/alternates'), `${world.root}/secret/.git/objects\n`);
    },
  };
  for (const [name, poison] of Object.entries(poisons)) {
    it(`runs nothing and keeps its work: ${name}`, async () => {
      await mkdir(path.join(world.root, 'secret/.git/objects'), { recursive: true });
      const workspace = await prepare();
      await write(workspace.dir, { 'src/a.ts': `honest before ${name}\n` });
      const own = await commitAll(workspace.dir, 'honest');
      await poison(workspace.dir);
      await write(workspace.dir, { 'src/b.ts': 'left\n' });
      const { commit, notes } = await capture(workspace);
      expect(notes).toEqual([]);
      expect(await mirror.isAncestor(own, commit)).toBe(true);
      expect(await sh(mirror.dir, 'show', `${commit}:src/b.ts`)).toBe('left');
      await prepare();
      expect(await readdir(world.root)).not.toContain('proof');
    });
  }

  const ruins: Record<string, (dir: string) => Promise<unknown>> = {
    deleted: (dir) => rm(path.join(dir, '.git'), { recursive: true }),
    'a file that names another repository': async (dir) => {
      await rm(path.join(dir, '.git'), { recursive: true });
      await writeFile(path.join(dir, '.git'), `gitdir: ${world.repo}/.git\n`);
    },
    'a link to another repository': async (dir) => {
      await rm(path.join(dir, '.git'), { recursive: true });
      await symlink(path.join(world.repo, '.git'), path.join(dir, '.git'));
    },
    'without objects': (dir) => rm(path.join(dir, '.git/objects'), { recursive: true }),
    'with objects elsewhere': async (dir) => {
      await rm(path.join(dir, '.git/objects'), { recursive: true });
      await symlink(path.join(world.repo, '.git/objects'), path.join(dir, '.git/objects'));
    },
    'with HEAD a pipe': async (dir) => {
      await rm(path.join(dir, '.git/HEAD'));
      await exec('mkfifo', [path.join(dir, '.git/HEAD')]);
    },
    'with a HEAD of nonsense': (dir) => writeFile(path.join(dir, '.git/HEAD'), `ref: ../../../etc/passwd\n`),
    'with a HEAD to nothing': (dir) => writeFile(path.join(dir, '.git/HEAD'), `${'1'.repeat(40)}\n`),
    'with its objects torn': async (dir) => {
      const { stdout } = await exec('find', [path.join(dir, '.git/objects'), '-type', 'f', '-path', '*/??/*']);
      for (const file of stdout.trim().split('\n')) {
        await chmod(file, 0o644);
        await truncate(file, 3);
      }
    },
    'with one object in the place of another': async (dir) => {
      const at = (oid: string) => path.join(dir, '.git/objects', oid.slice(0, 2), oid.slice(2));
      const [commit = '', blob = ''] = (await sh(dir, 'rev-parse', 'HEAD', 'HEAD:src/a.ts')).split('\n').map(at);
      await rm(commit);
      await link(blob, commit);
    },
    'with a tree that holds a git directory': async (dir) => {
      const blob = await sh(dir, 'hash-object', '-w', 'README.md');
      const { stdout } = await exec('sh', ['-c', `printf '100644 blob ${blob}\\t.git\\n' | git mktree`], {
        cwd: dir,
        env: PERSON,
      });
      const commit = await sh(dir, 'commit-tree', '-p', 'HEAD', '-m', 'evil', stdout.trim());
      await sh(dir, 'update-ref', 'HEAD', commit);
    },
  };
  for (const [name, ruin] of Object.entries(ruins)) {
    it(`keeps the work in one commit when the git directory is ${name}`, async () => {
      const refs = await sh(world.repo, 'for-each-ref');
      const workspace = await prepare();
      await write(workspace.dir, { 'src/a.ts': `honest before ${name}\n` });
      await commitAll(workspace.dir, 'honest');
      await ruin(workspace.dir);
      const { commit, leftovers, empty, notes } = await capture(workspace);
      expect({ leftovers, empty, notes: notes.length }).toEqual({ leftovers: true, empty: false, notes: 1 });
      expect(await sh(mirror.dir, 'log', '--format=%an %s', `${tip}..${commit}`)).toBe('alpha leftovers');
      expect(await sh(mirror.dir, 'diff', '--name-only', tip, commit)).toBe('src/a.ts');
      expect(await sh(world.repo, 'for-each-ref')).toBe(refs);
      await sh(mirror.dir, 'fsck', '--strict');
    });
  }
});

describe('a checkout for checks', () => {
  eachInItsOwnWorld();

  const checkout = async (treeish: string, exclude: string[] = []) => {
    const dir = path.join(world.home, '.winnow/pool/0');
    must(await workspaces.checkout({ mirror, tree: must(await mirror.treeOf(treeish)), dir, exclude }));
    return dir;
  };

  it('holds exactly the tree, time after time', async () => {
    const first = tip;
    await write(world.repo, { 'src/a.ts': 'new\n', 'more/x.ts': 'x\n' });
    await symlink('README.md', path.join(world.repo, 'LINK.md'));
    await commitAll(world.repo, 'second');
    await follow();
    const dir = await checkout(tip);
    expect(await readlink(path.join(dir, 'LINK.md'))).toBe('README.md');
    await write(dir, { 'coverage/index.html': 'x', '.git/config': 'x', 'more/x.ts': 'tampered\n' });
    await checkout(first);
    expect(await filesIn(dir)).toEqual([
      './.gitignore',
      './README.md',
      './run.sh',
      './src',
      './src/a.ts',
      './src/b.ts',
      './src/deep',
      './src/deep/c.ts',
    ]);
    expect(await readdir(dir)).not.toContain('.git');
    expect(await readFile(path.join(dir, 'src/a.ts'), 'utf8')).toBe(FILES['src/a.ts']);
  });

  it('keeps what is excluded and nothing else', async () => {
    const dir = await checkout(tip, ['node_modules']);
    await write(dir, { 'node_modules/x': 'x', 'src/node_modules/y': 'y' });
    await checkout(tip, ['node_modules']);
    expect(await filesIn(dir)).toContain('./node_modules/x');
    expect(await filesIn(dir)).not.toContain('./src/node_modules');
  });

  it('throws nothing away for a tree that does not exist', async () => {
    const dir = await checkout(tip);
    const result = await workspaces.checkout({ mirror, tree: '0'.repeat(40), dir, exclude: [] });
    expect(result).toMatchObject({ ok: false, error: { kind: 'git-failed' } });
    expect(await filesIn(dir)).toContain('./src/a.ts');
  });
});
