import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, constants, lstatSync, mkdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { execa } from 'execa';
import { ok, type Result } from '../../base/result.ts';
import type { SandboxKind } from '../../model/config.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { isLoopback, type Listed, type Reach } from '../../policy/hosts.ts';
import { openProxy, type RoomProxy, SLOTS_HOST } from './proxy.ts';
import { readSecret, serverAddress } from './slot-wire.ts';
import { findOnPath, holds, type Reaper } from './walls.ts';

/**
 * The wall around a program that Winnow does not trust: what it may write, what it may read, whom it may see. Processes
 * are ended by the reaper of walls.ts; this adds the files, the other processes and the network.
 *
 * 'bwrap' shows a list of what is allowed and nothing else; 'user' leaves it to the permissions of another unix user.
 */
export interface Room {
  cwd: string;
  /** Below the home's .winnow directory, all of them: nothing else is ever made writable. */
  writable: readonly string[];
  /** Beside what every room shows: the system, the tools, Winnow itself, the store of dependencies. */
  readable: readonly string[];
  /** Only the wall of bwrap holds it back. */
  network: Reach;
}

export interface Enclosure {
  /** Put before the program and its arguments. */
  prefix: string[];
  /** How what is inside is found and ended. */
  reaper: Reaper['kind'];
  /** Makes Winnow the owner again of what was writable, so that nobody behind the wall can write to it later. */
  takeBack(): Promise<void>;
  /** When what was inside is dead: ends what stands outside for it; which hosts were asked for in vain. */
  leave(): Promise<string[]>;
}

export interface Walls {
  /** Which wall the configuration asks for now. */
  kind(): SandboxKind;
  /** Whether it stands; where it does not, why, and what mends it. Tried for real, and again after a failure. */
  stand(): Promise<Result<void, Failure>>;
  /** Makes a room ready for one program; never without the wall that was asked for. */
  around(room: Room): Promise<Result<Enclosure, Failure>>;
}

export interface WallsDeps {
  /** What the configuration asks for; looked at anew for every program. */
  wanted: () => { kind: SandboxKind; user: string; readable: readonly string[] };
  reaper: Reaper;
  /** The home's .winnow directory: outside of it nothing may be writable. */
  disposable: string;
  /** Files and directories that every room shows. */
  shown: () => readonly string[];
  /** The compiled relay.js, which stands in rooms whose network is a list. */
  relay: string;
  /** What only Winnow's own user may open: where another user is the wall, permissions are all that hides it. */
  hidden: readonly string[];
  /** Where programs are searched for. */
  path?: string;
}

export const createWalls = ({
  wanted,
  reaper,
  disposable,
  shown,
  relay,
  hidden,
  path = process.env.PATH ?? '',
}: WallsDeps): Walls => {
  const tools = { bwrap: undefined as Promise<Result<Bwrap, Failure>> | undefined };

  const bwrap = async (): Promise<Result<Bwrap, Failure>> => {
    tools.bwrap ??= findBwrap(path);
    const found = await tools.bwrap;
    // What is mended while Winnow runs is seen by the next look.
    if (!found.ok) tools.bwrap = undefined;
    return found;
  };

  const walls: Walls = {
    kind: () => wanted().kind,
    stand: async () => {
      const { kind, user } = wanted();
      switch (kind) {
        case 'none':
          return ok(undefined);
        case 'bwrap': {
          const found = await bwrap();
          return found.ok ? ok(undefined) : found;
        }
        case 'user': {
          const found = await findUser(user, reaper, path);
          if (!found.ok) return found;
          for (const place of hidden) if (exists(place)) chmodSync(place, statSync(place).mode & OWNER_ONLY);
          return ok(undefined);
        }
        default:
          return kind satisfies never;
      }
    },
    around: async (room) => {
      const { kind, user, readable } = wanted();
      if (kind === 'none') {
        return ok({ prefix: [...reaper.prefix, ...reaper.humble], reaper: reaper.kind, takeBack, leave });
      }
      const outside = room.writable.find((place) => !isWithin(disposable, place));
      if (outside !== undefined) {
        return failed(
          'wall-missing',
          `${outside} would have to be writable behind the wall and lies outside the home; where that is a stored login of Claude Code, put CLAUDE_CODE_OAUTH_TOKEN (from \`claude setup-token\`) into .env instead`,
        );
      }
      for (const place of room.writable) mkdirSync(place, { recursive: true });
      if (kind === 'bwrap') {
        const found = await bwrap();
        if (!found.ok) return found;
        const open = { ...room, readable: [...shown(), ...readable, ...room.readable] };
        const way = typeof room.network === 'string' ? ok(NO_WAY) : await openWay(room.network, disposable, relay);
        if (!way.ok) return way;
        const { mounts, begin } = way.value;
        const prefix = [...found.value.before, ...roomOf(open), ...mounts, '--', ...found.value.after, ...begin];
        return ok({ prefix, reaper: BWRAP_REAPER, takeBack, leave: way.value.leave });
      }
      const stands = await walls.stand();
      if (!stands.ok) return stands;
      const found = await findUser(user, reaper, path);
      if (!found.ok) return found;
      for (const place of [...shown(), ...room.readable]) {
        if (isWithin(disposable, place) && exists(place)) lendTo(found.value, disposable, place);
      }
      const handed = await handOver(found.value, room.writable);
      if (!handed.ok) return handed;
      return ok({
        prefix: [...reaper.prefix, ...found.value.prefix],
        reaper: reaper.kind,
        takeBack: async () => void (await handOver({ ...found.value, name: 'root', uid: 0, gid: 0 }, room.writable)),
        leave,
      });
    },
  };
  return walls;
};

/** Behind the other walls it never ceased to be the owner. */
const takeBack = async (): Promise<void> => {};
/** Nothing stands outside for a room without a list. */
const leave = async (): Promise<string[]> => [];

/** By what is said, not by where links lead: what Winnow names it has made itself. */
const isWithin = (dir: string, place: string): boolean => {
  const from = relative(dir, place);
  return from !== '' && !from.startsWith('..') && !isAbsolute(from);
};

// ---- bubblewrap --------------------------------------------------------------------------------------------------

interface Bwrap {
  before: string[];
  after: string[];
}

/** It makes a process namespace as unshare does, in which the program itself is the first process. */
const BWRAP_REAPER = 'pid-namespace';

const INSTALL_BWRAP = 'apt-get install bubblewrap';
const ALLOW_NAMESPACES =
  'sysctl kernel.unprivileged_userns_clone=1 and, on Ubuntu, kernel.apparmor_restrict_unprivileged_userns=0';

const findBwrap = async (path: string): Promise<Result<Bwrap, Failure>> => {
  const program = findOnPath('bwrap', path);
  if (!program) {
    return failed('wall-missing', `agent.sandbox is bwrap and bubblewrap is not installed: ${INSTALL_BWRAP}`);
  }
  const polite = await signalled(program, path);
  const room: Room = { cwd: '/', writable: [], readable: [], network: 'none' };
  const trial = [...polite.before, ...roomOf(room), '--', ...polite.after];
  if (await holds(trial)) return ok(polite);
  const said = await execa(trial[0] as string, [...trial.slice(1), '/bin/true'], QUIET);
  const why = `${said.stderr ?? ''}`.trim().split('\n').at(-1) || 'it does not hold what is inside';
  return failed('wall-missing', `bubblewrap does not work here (${why}); allow user namespaces: ${ALLOW_NAMESPACES}`);
};

/**
 * A polite signal to the group must reach the program and not end its guard, with which everything inside would die:
 * the guard ignores it, and the program begins anew with what is usual.
 */
const signalled = async (program: string, path: string): Promise<Bwrap> => {
  const env = findOnPath('env', path);
  const before = [env ?? '', `--ignore-signal=${POLITE}`];
  const after = [env ?? '', `--default-signal=${POLITE}`];
  const known =
    env !== undefined && (await execa(env, [...before.slice(1), ...after, '/bin/true'], QUIET)).exitCode === 0;
  return known ? { before: [...before, program], after } : { before: [program], after: [] };
};
const POLITE = 'HUP,INT,TERM';

const QUIET = { reject: false, timeout: 5_000, stdin: 'ignore' } as const;

/** Where a system keeps what all its users may read. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt', '/nix', '/sys'];

/** Of these, what root alone may read: Winnow may be root, and inside it still owns them. */
const MASKED = ['/etc/shadow', '/etc/shadow-', '/etc/gshadow', '/etc/gshadow-', '/etc/sudoers'];
const MASKED_DIRS = ['/etc/ssh', '/etc/ssl/private', '/etc/sudoers.d', '/etc/wireguard', '/etc/NetworkManager'];

/**
 * No session of its own by --new-session: a command has one from Winnow already, and a run's terminal belongs to that run
 * alone, so there is nobody into whose terminal it could type.
 */
const roomOf = ({ cwd, writable, readable, network }: Room): string[] => [
  '--die-with-parent',
  ...['--unshare-pid', '--as-pid-1', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
  ...(network === 'open' ? [] : ['--unshare-net']),
  ...['--cap-drop', 'ALL'],
  ...SYSTEM.flatMap(systemDir),
  ...['--proc', '/proc', '--dev', '/dev'],
  // Root inside is root for the kernel's own files, with or without capabilities.
  ...['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'].flatMap((place) => ['--ro-bind-try', place, place]),
  ...['/tmp', '/var/tmp', '/run'].flatMap((place) => ['--tmpfs', place]),
  ...MASKED.filter(exists).flatMap((place) => ['--ro-bind', '/dev/null', place]),
  ...MASKED_DIRS.filter(exists).flatMap((place) => ['--tmpfs', place]),
  ...mounts(writable, [...readable, ...resolver()]),
  // What is not mounted does not exist, and cannot be made either.
  ...['--remount-ro', '/', '--chdir', cwd],
];

/** The outer before the inner, so that what is named more exactly counts. */
const mounts = (writable: readonly string[], readable: readonly string[]): string[] => {
  const places = new Map<string, '--bind' | '--ro-bind'>();
  for (const place of readable) if (exists(place)) places.set(place, '--ro-bind');
  for (const place of writable) places.set(place, '--bind');
  return [...places].sort(([a], [b]) => depth(a) - depth(b)).flatMap(([place, how]) => [how, place, place]);
};

const depth = (place: string): number => place.split('/').length;

/** A link stays one, as /bin is on most systems; a directory can only be read. */
const systemDir = (dir: string): string[] => {
  try {
    return lstatSync(dir).isSymbolicLink() ? ['--symlink', readlinkSync(dir), dir] : ['--ro-bind', dir, dir];
  } catch {
    return [];
  }
};

/** On many systems a link out of /etc to where a service writes it. */
const resolver = (): string[] => {
  const place = realpath('/etc/resolv.conf');
  return place === undefined || SYSTEM.some((dir) => isWithin(dir, place)) ? [] : [place];
};

/** And may be seen: what Winnow itself cannot reach, nothing behind the wall needs to. */
const exists = (place: string): boolean => {
  try {
    return statSync(place) !== undefined;
  } catch {
    return false;
  }
};

const realpath = (place: string): string | undefined => {
  try {
    return realpathSync(place);
  } catch {
    return undefined;
  }
};

// ---- a network that is a list ------------------------------------------------------------------------------------

/** What stands for the network in a room: the proxy outside, and the relay within that leads to it. */
interface Way {
  mounts: string[];
  /** Put before the program, within the room. */
  begin: string[];
  leave(): Promise<string[]>;
}

const NO_WAY: Way = { mounts: [], begin: [], leave };

/** Where the room sees the socket of the proxy, and has a place for a pipe. */
const WAY_DIR = '/run/winnow';
const WAY = `${WAY_DIR}/way`;

/** The room's own: whatever it is, nobody else's program listens there. */
const PROXY_PORT = 18_117;
/** Nobody without privileges can listen below, in whichever namespace. */
const FREE_PORT_MIN = 1024;

const openWay = async (listed: Listed, disposable: string, relay: string): Promise<Result<Way, Failure>> => {
  const ports = new Map<number, string>();
  for (const { name, port } of listed.hosts) {
    if (!isLoopback(name)) continue;
    if (port === undefined || port < FREE_PORT_MIN) {
      const why = `${name}:${port ?? 80} cannot be reached behind the wall: on this machine itself it takes a port of at least ${FREE_PORT_MIN}`;
      return failed('wall-missing', why);
    }
    if (!ports.has(port)) ports.set(port, `${name}:${port}`);
  }
  let own = PROXY_PORT;
  while (ports.has(own)) own += 1;
  const slots = serverAddress(readSecret(disposable));
  const file = join(disposable, 'tmp', WAYS, randomBytes(8).toString('hex'));
  let proxy: RoomProxy;
  try {
    proxy = await openProxy({ file, listed, slots });
  } catch (error) {
    return failed('wall-missing', `the network of a room could not be opened: ${(error as Error).message}`);
  }
  const doors = [
    { at: { port: own } },
    ...[...ports].map(([port, to]) => ({ at: { port }, to })),
    { at: { name: slots.slice(1) }, to: SLOTS_HOST },
  ];
  return ok({
    mounts: ['--ro-bind', file, WAY, ...proxied(`http://127.0.0.1:${own}`)],
    // By its name, and the relay within the text: what a signal is meant for is found by the paths of the prefix.
    begin: ['sh', '-c', beginning(relay, JSON.stringify({ way: WAY, doors })), 'sh'],
    leave: async () => {
      await proxy.close();
      return proxy.refused();
    },
  });
};

/** No session and no project is called so in the directory for what is temporary. */
const WAYS = 'ways.all';

/**
 * The relay begins, and when it listens the program takes the place of this shell: it is the same process, with the same
 * terminal, and when it ends the kernel ends the relay as well. A polite signal until then ends what has not begun.
 */
const beginning = (relay: string, doors: string): string =>
  [
    `trap 'exit 143' HUP INT TERM; mkfifo ${WAY_DIR}/up || exit 71`,
    `NODE_OPTIONS= ${[process.execPath, relay, doors].map(quote).join(' ')} </dev/null >${WAY_DIR}/up 2>/dev/null 3>&- &`,
    `read -r up <${WAY_DIR}/up; rm -f ${WAY_DIR}/up`,
    `[ "$up" = up ] || { echo "winnow: no way to the network: $up" >&2; exit 71; }`,
    'trap - HUP INT TERM; unset up; exec "$@"',
  ].join('\n');

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** What a room has on its own loopback address it reaches itself; everything else goes through the proxy. */
const proxied = (address: string): string[] => {
  const own = 'localhost,127.0.0.1,::1';
  const set = { HTTP_PROXY: address, HTTPS_PROXY: address, NO_PROXY: own };
  const lower = Object.entries(set).map(([name, value]) => [name.toLowerCase(), value] as const);
  const npm = lower.map(([name, value]) => [`npm_config_${NPM_NAMES[name] as string}`, value] as const);
  const yarn = { YARN_HTTP_PROXY: address, YARN_HTTPS_PROXY: address };
  // From Node 22.21 and 24 on, its own fetch asks the environment when it is told to.
  const all = [...Object.entries({ ...set, ...yarn, NODE_USE_ENV_PROXY: '1' }), ...lower, ...npm];
  const others = ['ALL_PROXY', 'all_proxy', ...npm.map(([name]) => name.toUpperCase())];
  return [
    ...others.flatMap((name) => ['--unsetenv', name]),
    ...all.flatMap(([name, value]) => ['--setenv', name, value]),
  ];
};
const NPM_NAMES: Record<string, string> = { http_proxy: 'proxy', https_proxy: 'https_proxy', no_proxy: 'noproxy' };

// ---- another user ------------------------------------------------------------------------------------------------

interface OtherUser {
  name: string;
  uid: number;
  gid: number;
  prefix: string[];
}

const findUser = async (name: string, reaper: Reaper, path: string): Promise<Result<OtherUser, Failure>> => {
  const missing = (why: string) => failed('wall-missing', `agent.sandbox is user and ${why}`);
  if (process.geteuid?.() !== 0) return missing('only root can run programs as somebody else; use bwrap instead');
  const setpriv = findOnPath('setpriv', path);
  if (!setpriv) return missing('setpriv is not installed: apt-get install util-linux');
  if (reaper.kind === 'sweep') return missing('processes have no namespaces here: allow them, or use bwrap instead');
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (what) => Number((await execa('id', [what, name], QUIET)).stdout || 'x')),
  );
  if (!(uid !== undefined && uid > 0) || !(gid !== undefined && gid > 0)) {
    return missing(`there is no unix user ${name}: useradd --system --user-group ${name}`);
  }
  const identity = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
  return ok({ name, uid, gid, prefix: [setpriv, ...identity, '--no-new-privs', '--inh-caps=-all'] });
};

const OWNER_ONLY = 0o700;

/** What is shown may be read by the other user's group, and the directories on the way to it entered; nobody else gains. */
const lendTo = ({ gid }: OtherUser, disposable: string, place: string): void => {
  for (let at = place; isWithin(disposable, at); at = dirname(at)) {
    const { mode, uid, gid: group } = statSync(at);
    const isDirectory = (mode & constants.S_IFMT) === constants.S_IFDIR;
    const needed = (at === place ? GROUP_READS : 0) | (isDirectory ? GROUP_ENTERS : 0);
    // Whoever is its owner or lets others in already needs no help.
    if ((mode & (needed >> 3)) === needed >> 3 || uid !== process.geteuid?.()) continue;
    if (group !== gid) chownSync(at, uid, gid);
    chmodSync(at, (mode & PERMISSIONS) | needed);
  }
};
const GROUP_READS = 0o040;
const GROUP_ENTERS = 0o010;
const PERMISSIONS = 0o7777;

/** What is to be writable becomes the other user's own; links are not followed, neither by name nor on the way. */
const handOver = async ({ name, uid, gid }: OtherUser, places: readonly string[]): Promise<Result<void, Failure>> => {
  if (places.length === 0) return ok(undefined);
  const done = await execa('chown', ['-Rh', '--', `${uid}:${gid}`, ...places], { ...QUIET, timeout: HAND_OVER_MS });
  if (done.exitCode === 0) return ok(undefined);
  return failed('wall-missing', `files could not be handed over to ${name}`, `${done.stderr ?? ''}`);
};

/** A workspace of a million files takes seconds. */
const HAND_OVER_MS = 120_000;

/** Where a program lies and what it needs beside it: its package, or the version that a link stands for. */
export const programPlaces = (file: string): string[] => {
  const real = realpath(file);
  if (real === undefined) return [file];
  const modules = real.indexOf('/node_modules/');
  return [file, modules < 0 ? real : join(real.slice(0, modules), 'node_modules')];
};

/**
 * Directories of tools outside the system's own, as the search path and the tool chains name them. Never one in which
 * somebody's whole home lies, and of Node, which may live there, only its own prefix.
 */
export const toolPlaces = (
  env: Readonly<Record<string, string | undefined>>,
  named: readonly string[],
  homes: readonly string[],
): string[] => {
  const onPath = (env.PATH ?? '').split(':').filter(isAbsolute);
  const node = realpath(process.execPath) ?? process.execPath;
  const prefix = dirname(dirname(node));
  const places = [...onPath, ...named, node, prefix].flatMap((place) => [place, realpath(place) ?? place]);
  return [...new Set(places)].filter(
    (place) =>
      exists(place) &&
      place !== '/' &&
      !homes.some((home) => home === place || isWithin(place, home)) &&
      !SYSTEM.some((dir) => dir === place || isWithin(dir, place)),
  );
};
