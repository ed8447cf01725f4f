import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { climbWalls } from '../../../src/ports/machine/climb.ts';
import { createCommands } from '../../../src/ports/machine/command.ts';
import { createWalls, programPlaces, toolPlaces } from '../../../src/ports/machine/sandbox.ts';
import { detectReaper, findOnPath } from '../../../src/ports/machine/walls.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CLIMBER = join(ROOT, 'dist/climber.js');
const reaper = await detectReaper();
/** An ordinary user that every Linux has. */
const USER = 'nobody';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'winnow-sandbox-'));
  chmodSync(home, 0o755);
  for (const dir of ['room', 'home', 'tmp', 'deps']) mkdirSync(at(dir), { recursive: true });
  writeFileSync(join(home, '.env'), 'TOKEN=x');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const at = (...parts: string[]) => join(home, '.winnow', ...parts);

type Kind = 'none' | 'bwrap' | 'user';
const wallsOf = (kind: Kind, { path = process.env.PATH ?? '', user = USER } = {}) =>
  createWalls({
    wanted: () => ({ kind, user, readable: [] }),
    reaper,
    disposable: at(),
    shown: () => [at('deps'), ...toolPlaces(process.env, [join(ROOT, 'dist')], [home])],
    relay: join(ROOT, 'dist/relay.js'),
    hidden: [join(home, '.env')],
    path,
  });
const commandsOf = (kind: Kind, options = {}) =>
  createCommands({ clock: systemClock, reaper, walls: wallsOf(kind, options) });
const request = (command: string) => ({
  command,
  cwd: at('room'),
  env: { PATH: process.env.PATH ?? '', HOME: at('home'), TMPDIR: at('tmp') },
  timeoutMs: 30_000,
  outputMaxBytes: 1024 ** 2,
  marker: `sandbox-${Math.random()}`,
});
const climb = (kind: Kind, network: 'open' | 'none', options = {}) =>
  climbWalls({
    commands: commandsOf(kind, options),
    climber: CLIMBER,
    disposable: at(),
    secretPlaces: [join(home, '.env')],
    network,
  });

const standing = async (kind: Kind): Promise<string> => {
  const stands = await wallsOf(kind).stand();
  if (!stands.ok) return stands.error.message;
  // Another user cannot come to what lies in a directory that only this one may enter.
  return kind === 'user' && !othersMayEnter(ROOT) ? `others may not enter ${ROOT}` : '';
};
const othersMayEnter = (dir: string): boolean =>
  (statSync(dir).mode & 0o001) !== 0 && (dir === '/' || othersMayEnter(dirname(dir)));

home = mkdtempSync(join(tmpdir(), 'winnow-sandbox-'));
const why: Record<Kind, string> = { none: '', bwrap: await standing('bwrap'), user: await standing('user') };
rmSync(home, { recursive: true });

const said = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const NOTHING = { read: [], write: [], store: [], system: [], processes: [], network: [], leftovers: [], cut: [] };

for (const kind of ['bwrap', 'user'] as const) {
  const title = `behind the wall of ${kind}${why[kind] === '' ? '' : ` (cannot be built here: ${why[kind]})`}`;
  describe.skipIf(why[kind] !== '')(title, () => {
    it('a hostile program reaches nothing but its own room', async () => {
      const network = kind === 'bwrap' ? 'none' : 'open';
      expect(await climb(kind, network)).toEqual({ ok: true, value: NOTHING });
    });

    it('a command works in its room, with its tools, and says how it ended', async () => {
      const ran = await commandsOf(kind).run(
        request('echo a > made && echo b > $HOME/b && echo c > $TMPDIR/c && node -p 40+2 && exit 3'),
      );
      expect(ran).toMatchObject({ exitCode: 3, signal: null, stdout: '42\n', spawnError: undefined });
      expect(readFileSync(at('room/made'), 'utf8')).toBe('a\n');
      expect(await commandsOf(kind).run(request('kill -9 $$'))).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    });

    it('a command is asked politely before it is killed, and takes everything with it', async () => {
      const left = `left-${Math.random()}`;
      const script = `trap 'echo asked; exit 5' TERM; (env -i setsid sh -c 'sleep 50; : ${left}' &); while :; do sleep 0.05; done`;
      const ran = await commandsOf(kind).run({ ...request(script), timeoutMs: 700 });
      expect(ran).toMatchObject({ timedOut: true, exitCode: 5, stdout: 'asked\n' });
      const lines = readdirSync('/proc').map((pid) => said(`/proc/${pid}/cmdline`));
      expect(lines.filter((line) => line.includes(left))).toEqual([]);
    });

    it('nothing is made writable that lies outside the home', async () => {
      const ran = await commandsOf(kind).run({ ...request('touch ran'), env: { HOME: home, TMPDIR: at('tmp') } });
      expect(ran).toMatchObject({ spawnError: 'wall-missing', exitCode: null });
      expect(ran.stderr).toContain(`${home} would have to be writable`);
      expect(existsSync(at('room/ran'))).toBe(false);
    });
  });
}

describe.skipIf(why.bwrap !== '')(`bubblewrap${why.bwrap === '' ? '' : ` (not here: ${why.bwrap})`}`, () => {
  it('lets a command reach the network only where it may', async () => {
    const server = createServer((socket) => socket.end('hello'));
    await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
    const { port } = server.address() as { port: number };
    const script = `node -e 'require("net").connect(${port}, "127.0.0.1").on("data", (d) => console.log(String(d))).on("error", (e) => console.log(e.code))'`;
    const asked = async (network: 'open' | 'none') =>
      (await commandsOf('bwrap').run({ ...request(script), network })).stdout;
    expect(await asked('open')).toBe('hello\n');
    expect(await asked('none')).toBe('ECONNREFUSED\n');
    server.close();
  });

  it('leaves a server within the room within reach of the room', async () => {
    const script = `node -e 'const s = require("net").createServer((c) => c.end("own")).listen(0, "127.0.0.1", () => require("net").connect(s.address().port).on("data", (d) => { console.log(String(d)); process.exit(); }))'`;
    expect((await commandsOf('bwrap').run({ ...request(script), network: 'none' })).stdout).toBe('own\n');
  });

  it('stands for an ordinary user as well', async (context) => {
    const readable = othersMayEnter(ROOT) && othersMayEnter(tmpdir());
    if (process.geteuid?.() !== 0 || !readable)
      context.skip('only root can become another user, who must come to this checkout');
    const script = `
      import { createCommands } from ${JSON.stringify(join(ROOT, 'dist/ports/machine/command.js'))};
      import { createWalls, toolPlaces } from ${JSON.stringify(join(ROOT, 'dist/ports/machine/sandbox.js'))};
      import { climbWalls } from ${JSON.stringify(join(ROOT, 'dist/ports/machine/climb.js'))};
      import { detectReaper } from ${JSON.stringify(join(ROOT, 'dist/ports/machine/walls.js'))};
      import { systemClock as clock } from ${JSON.stringify(join(ROOT, 'dist/base/clock.js'))};
      const home = ${JSON.stringify(home)}, disposable = home + '/.winnow';
      const reaper = await detectReaper();
      const walls = createWalls({ wanted: () => ({ kind: 'bwrap', user: 'x', readable: [] }), reaper, disposable,
        shown: () => [disposable + '/deps', ...toolPlaces(process.env, [${JSON.stringify(join(ROOT, 'dist'))}], [home])], hidden: [] });
      const stands = await walls.stand();
      const climbed = stands.ok && await climbWalls({ commands: createCommands({ clock, reaper, walls }),
        climber: ${JSON.stringify(CLIMBER)}, disposable, secretPlaces: [home + '/.env'], network: 'none' });
      console.log(JSON.stringify({ uid: process.getuid(), stands, climbed }));`;
    spawnSync('chown', ['-R', USER, home]);
    const args = ['--reuid', USER, '--clear-groups', process.execPath, '--input-type=module', '-e', script];
    const ran = spawnSync('setpriv', args, { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: home } });
    expect(ran.stderr).toBe('');
    const told = JSON.parse(ran.stdout);
    // A kernel may keep user namespaces to root: then the wall says so, and nothing runs without it.
    if (!told.stands.ok) expect(told.stands.error).toMatchObject({ kind: 'wall-missing' });
    else expect(told.climbed).toEqual({ ok: true, value: NOTHING });
    expect(told.uid).not.toBe(0);
  });

  it('that comes while Winnow runs is found by the next command', async () => {
    const path = at('tools');
    mkdirSync(path);
    const commands = commandsOf('bwrap', { path });
    expect(await commands.run(request('true'))).toMatchObject({ spawnError: 'wall-missing' });
    symlinkSync(findOnPath('bwrap', process.env.PATH ?? '') as string, join(path, 'bwrap'));
    expect(await commands.run(request('true'))).toMatchObject({ spawnError: undefined, exitCode: 0 });
  });
});

describe('without a wall', () => {
  it('the same program climbs: the proof that it tries', async () => {
    const climbed = await climb('none', 'none');
    expect(climbed).toMatchObject({
      ok: true,
      value: {
        read: expect.arrayContaining([join(home, '.env')]),
        write: [expect.stringContaining('written'), expect.stringContaining('new')],
        store: expect.arrayContaining([expect.stringContaining('-new')]),
        network: expect.arrayContaining(['a server on the loopback address', 'an abstract socket']),
      },
    });
  });
});

describe('a wall that was asked for and does not stand', () => {
  const ran = async (kind: Kind, options: { path?: string; user?: string }) => {
    const result = await commandsOf(kind, options).run(request('touch ran'));
    expect(existsSync(at('room/ran'))).toBe(false);
    return result;
  };

  it.each<[what: string, kind: Kind, options: { path?: string; user?: string }, says: string]>([
    ['bubblewrap that is not installed', 'bwrap', { path: '' }, 'apt-get install bubblewrap'],
    ['a user that there is not', 'user', { user: 'no-such-user' }, process.geteuid?.() === 0 ? 'useradd' : 'only root'],
  ])('lets nothing run: %s', async (_, kind, options, says) => {
    if (kind === 'user' && reaper.kind === 'sweep') says = 'namespaces';
    const result = await ran(kind, options);
    expect(result).toMatchObject({ spawnError: 'wall-missing', exitCode: null });
    expect(result.stderr).toContain(says);
    const stands = await wallsOf(kind, options).stand();
    expect(stands).toMatchObject({ ok: false, error: { kind: 'wall-missing', message: result.stderr } });
  });

  it.each([
    ['refuses', 'echo "bwrap: No permissions to create new namespace" >&2; exit 1'],
    ['only pretends', 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'],
  ])('lets nothing run: bubblewrap that %s', async (_, script) => {
    mkdirSync(at('tools'));
    writeFileSync(at('tools/bwrap'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const result = await ran('bwrap', { path: [at('tools'), process.env.PATH].join(delimiter) });
    expect(result).toMatchObject({ spawnError: 'wall-missing' });
    expect(result.stderr).toContain('user namespaces');
  });
});

describe('what every room shows', () => {
  it('are the directories of tools, but never one in which a home lies', () => {
    const tools = join(home, 'tools');
    mkdirSync(tools);
    const places = toolPlaces(
      { PATH: ['/usr/bin', home, dirname(home), '/', 'bin', tools, '/no/such'].join(delimiter) },
      [],
      [home],
    );
    expect(places).toContain(tools);
    for (const hidden of ['/usr/bin', home, dirname(home), '/', 'bin', '/no/such'])
      expect(places).not.toContain(hidden);
  });

  it('is the whole package of a program that lies in one', () => {
    mkdirSync(join(home, 'node_modules/pkg/bin'), { recursive: true });
    mkdirSync(join(home, 'node_modules/.bin'));
    writeFileSync(join(home, 'node_modules/pkg/bin/cli'), '', { mode: 0o755 });
    symlinkSync('../pkg/bin/cli', join(home, 'node_modules/.bin/cli'));
    accessSync(join(home, 'node_modules/.bin/cli'), constants.X_OK);
    expect(programPlaces(join(home, 'node_modules/.bin/cli'))).toContain(join(home, 'node_modules'));
  });
});
