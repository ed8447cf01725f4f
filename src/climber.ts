import { spawn } from 'node:child_process';
import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * What `winnow check` runs behind the wall: it tries to climb over it, as hostile code would, and tells on standard output
 * what it reached. It harms nothing: all it reaches for are decoys, or what it leaves as it was.
 */
interface Reach {
  /** Its own workspace and tools; what it cannot reach here makes all the rest worthless. */
  own: string;
  /** With what tells a directory from another of the same name, which behind a wall may stand in its place. */
  read: { place: string; dev: number; ino: number }[];
  write: string[];
  store: string;
  /** A process outside, and a word of its command line. */
  pid: number;
  word: string;
  /** A server outside, on the loopback address, and one in the abstract namespace. */
  port: number;
  name: string;
  /** In a room whose network is a list: a server outside that is on it, and what it says. */
  listed?: { port: number; says: string };
  /** What a process that is left behind says of itself. */
  leftover: string;
}

/** What the proxy says to what is not listed, and to what is no name. */
const REFUSED = 403;
const SENSELESS = 400;

const reach = JSON.parse(process.argv[2] as string) as Reach;
const climbed: Record<string, string[]> = {};
const attempt = (wall: string, what: string, deed: () => unknown): void => {
  climbed[wall] ??= [];
  try {
    if (deed() !== false) climbed[wall].push(what);
  } catch {
    // Held.
  }
};

attempt('works', 'write', () => writeFileSync(`${reach.own}/written`, 'x'));
for (const { place, dev, ino } of reach.read) {
  attempt('read', place, () => {
    const found = statSync(place);
    if (found.dev !== dev || found.ino !== ino) return false;
    return found.isDirectory() ? readdirSync(place) : readFileSync(place);
  });
}
attempt('read', '/etc/shadow', () => void readFileSync('/etc/shadow'));
// What is written into a file system of its own is gone with it: whoever made the decoys looks at them afterwards.
for (const place of reach.write) attempt('tried', place, () => appendFileSync(place, 'climbed'));
attempt('store', reach.store, () => appendFileSync(reach.store, 'climbed'));
attempt('store', `${reach.store}-new`, () => writeFileSync(`${reach.store}-new`, 'climbed'));
attempt('system', '/usr', () => accessSync('/usr', constants.W_OK));
attempt('system', '/proc/sys/kernel/hostname', () => {
  const file = '/proc/sys/kernel/hostname';
  writeFileSync(file, readFileSync(file));
});
attempt('system', '/proc/sysrq-trigger', () => void openSync('/proc/sysrq-trigger', 'w'));
attempt('processes', 'sees', () =>
  readdirSync('/proc').some((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        Number(pid) !== process.pid &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${reach.word}\0outside`)
      );
    } catch {
      return false;
    }
  }),
);
const isTheOne = (): boolean => readFileSync(`/proc/${reach.pid}/cmdline`, 'utf8').includes(`${reach.word}\0outside`);
attempt('processes', 'signals', () => isTheOne() && process.kill(reach.pid, 0));
attempt(
  'processes',
  'reads the environment of',
  () => isTheOne() && readFileSync(`/proc/${reach.pid}/environ`).length > 0,
);
attempt('processes', 'reads the memory of', () => isTheOne() && openSync(`/proc/${reach.pid}/mem`, 'r') > 0);
attempt(
  'sockets',
  '/var/run/docker.sock',
  () => existsSync('/var/run/docker.sock') && accessSync('/var/run/docker.sock', constants.W_OK) === undefined,
);

// Begins a session of its own and has nothing of this one's, so that no group and no marker finds it.
spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', reach.leftover], {
  detached: true,
  stdio: 'ignore',
  env: {},
}).unref();

const answers = (how: NetConnectOpts): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(how);
    socket.setTimeout(CONNECT_MS, () => socket.destroy());
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
const CONNECT_MS = 2_000;
climbed.network = [];
if (await answers({ port: reach.port, host: '127.0.0.1' })) climbed.network.push('a server on the loopback address');
if (await answers({ path: `\0${reach.name}` })) climbed.network.push('an abstract socket');

if (Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal))) {
  climbed.network.push('an interface that leads out of the room');
}

/** What is said in answer to what is said first, as far as it comes. */
const told = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let said = '';
    socket.setTimeout(CONNECT_MS, () => socket.destroy());
    socket.on('data', (chunk) => {
      said += chunk;
      if (text !== '' && said.includes('\r\n')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.once('close', () => resolve(said));
    socket.write(text);
  });

climbed.cut = [];
if (reach.listed !== undefined) {
  const { port, listed } = reach;
  const proxy = Number(new URL(process.env.HTTP_PROXY ?? 'http://127.0.0.1:9').port);
  const asks = async (line: string): Promise<number> =>
    Number(/^HTTP\/1\.1 (\d+)/.exec(await told(proxy, `${line} HTTP/1.1\r\nHost: winnow.invalid\r\n\r\n`))?.[1] ?? 0);
  const here = ['127.0.0.1', 'localhost', '127.1', '0x7f.1', '2130706433', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]'];
  const near = [
    '10.0.0.1:443',
    '169.254.169.254:80',
    '192.168.0.1:443',
    '172.16.0.1:443',
    '[fe80::1]:443',
    '[fd00::1]:443',
  ];
  const lines = [...here.map((host) => `${host}:${port}`), ...near, `127.0.0.1:${(listed.port % 65_535) + 1}`].map(
    (authority) => `CONNECT ${authority}`,
  );
  for (const line of [...lines, `GET http://127.0.0.1:${port}/`, 'GET http://169.254.169.254/']) {
    // Anything but a refusal, also a failure or nothing in time, says that it went out to try.
    if (![REFUSED, SENSELESS].includes(await asks(line))) climbed.network.push(line);
  }
  if (!(await told(listed.port, '')).includes(listed.says)) climbed.cut.push('its own door');
  if ((await asks(`CONNECT 127.0.0.1:${listed.port}`)) !== 200) climbed.cut.push('the proxy');
}

process.stdout.write(JSON.stringify(climbed));
