import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What the processes of a home say to each other about slots, and how they know that they belong together: all of them
 * can read the home's secret, nobody else can. One JSON object a line.
 *
 *   server: challenge      member: hello (proof)      server: welcome (proof)
 *   member: have*, want*, declared, then want, drop, view      server: got, no, row*, end
 */
export type FromMember =
  | { t: 'hello'; nonce: string; proof: string; pid: number; beacon: string }
  | {
      t: 'have' | 'want';
      id: number;
      name: string;
      capacity: number;
      who: string;
      at: number;
      since: number;
      once: boolean;
    }
  | { t: 'declared' }
  | { t: 'drop'; id: number }
  | { t: 'view'; id: number; name?: string };

export type FromServer =
  | { t: 'challenge'; nonce: string }
  | { t: 'welcome'; proof: string }
  | { t: 'got' | 'no'; id: number }
  | { t: 'row'; id: number; row: WireRow }
  | { t: 'end'; id: number; missing: number[] };

export interface WireRow {
  name: string;
  capacity: number;
  held: WireClaim[];
  waiting: WireClaim[];
}

interface WireClaim {
  who: string;
  pid: number;
  sinceMs: number;
}

/** Names and holders are for people; longer ones are cut. */
export const WIRE_TEXT_MAX = 200;

/** A member says short things; the server's view of a long queue is the longest line there is. */
export const MEMBER_LINE_BYTES_MAX = 8 * 1024;
export const SERVER_LINE_BYTES_MAX = 4 * 1024 * 1024;

/** Undefined for whatever is no message of a member: the peer is then a stranger or broken. */
export const parseFromMember = (value: unknown): FromMember | undefined => {
  if (!isRecord(value)) return undefined;
  switch (value.t) {
    case 'hello':
      return isNonce(value.nonce) && isNonce(value.proof) && isCount(value.pid) && isText(value.beacon)
        ? (value as FromMember)
        : undefined;
    case 'have':
    case 'want':
      return isCount(value.id) &&
        isText(value.name) &&
        isCount(value.capacity) &&
        isText(value.who) &&
        isCount(value.at) &&
        Number.isFinite(value.since) &&
        typeof value.once === 'boolean'
        ? (value as FromMember)
        : undefined;
    case 'declared':
      return { t: 'declared' };
    case 'drop':
      return isCount(value.id) ? (value as FromMember) : undefined;
    case 'view':
      return isCount(value.id) && (value.name === undefined || isText(value.name)) ? (value as FromMember) : undefined;
    default:
      return undefined;
  }
};

export const parseFromServer = (value: unknown): FromServer | undefined => {
  if (!isRecord(value)) return undefined;
  switch (value.t) {
    case 'challenge':
      return isNonce(value.nonce) ? (value as FromServer) : undefined;
    case 'welcome':
      return isNonce(value.proof) ? (value as FromServer) : undefined;
    case 'got':
    case 'no':
      return isCount(value.id) ? (value as FromServer) : undefined;
    case 'row':
      return isCount(value.id) && isRecord(value.row) ? (value as FromServer) : undefined;
    case 'end':
      return isCount(value.id) && Array.isArray(value.missing) ? (value as FromServer) : undefined;
    default:
      return undefined;
  }
};

/** Cuts a stream into lines and parses them; says no for ever after a line that is too long or no JSON. */
export const createLineReader = (
  maxBytes: number,
  onValue: (value: unknown) => void,
  onBad: () => void,
): ((chunk: Buffer) => void) => {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let bad = false;
  const fail = () => {
    bad = true;
    rest = [];
    onBad();
  };
  return (chunk) => {
    let from = 0;
    while (!bad) {
      const end = chunk.indexOf(LINE_FEED, from);
      const piece = chunk.subarray(from, end < 0 ? undefined : end);
      restBytes += piece.length;
      if (restBytes > maxBytes) return fail();
      rest.push(piece);
      if (end < 0) return;
      const line = Buffer.concat(rest).toString('utf8');
      rest = [];
      restBytes = 0;
      from = end + 1;
      try {
        onValue(JSON.parse(line));
      } catch {
        return fail();
      }
    }
  };
};

/** Name of the file with it, in the home's .winnow directory. */
export const SLOT_SECRET = 'slots.id';

/** The secret of a home, made by whoever needs it first. Throws what the file system throws. */
export const readSecret = (dir: string): Buffer => {
  const file = join(dir, SLOT_SECRET);
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dir, { recursive: true });
  const fresh = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    const descriptor = openSync(fresh, 'wx', 0o600);
    writeSync(descriptor, randomBytes(32).toString('hex'));
    // Whole on the disk before it has its name: half a secret would divide the home.
    fsyncSync(descriptor);
    closeSync(descriptor);
    linkSync(fresh, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
  return readFileSync(file);
};

export const newNonce = (): string => randomBytes(32).toString('hex');

/** Each side proves the secret over both nonces, in its own role, so that no answer can be played back. */
export const proofOf = (secret: Buffer, role: 'member' | 'server', theirs: string, own: string): string =>
  createHmac('sha256', secret).update(`${role} ${theirs} ${own}`).digest('hex');

export const isProof = (given: string, expected: string): boolean =>
  given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));

/**
 * The server's name in the abstract namespace of unix sockets: the kernel lets one process have it and takes it back
 * with the process. It is as long as names can be, because some versions of Node pad shorter ones with zeros, and some
 * do not. It belongs to the network namespace: processes of one home must share that.
 */
export const serverAddress = (secret: Buffer): string => address(`winnow-${tagOf(secret)}`);

/** A second name, one for each member, by which a new server learns who is there and may hold something. */
export const beaconAddress = (secret: Buffer, beacon: string): string => address(`winnow-${tagOf(secret)}-${beacon}`);

export const newBeacon = (): string => `${process.pid}-${randomBytes(8).toString('hex')}`;

/** Reads /proc/net/unix: the beacons of this home, and the inode of each one's socket. */
export const parseBeacons = (secret: Buffer, unixSockets: string): { beacon: string; pid: number; inode: string }[] => {
  const pattern = new RegExp(` (\\d+) @winnow-${tagOf(secret)}-((\\d+)-[0-9a-f]{16})-*@*$`);
  return unixSockets.split('\n').flatMap((line) => {
    const match = pattern.exec(line);
    return match ? [{ inode: match[1] as string, beacon: match[2] as string, pid: Number(match[3]) }] : [];
  });
};

/** sun_path has 108 bytes; the first is the zero that makes a name abstract. */
const NAME_BYTES = 107;

const LINE_FEED = 10;

const address = (name: string): string => `\0${name.padEnd(NAME_BYTES, '-')}`;

const tagOf = (secret: Buffer): string => createHmac('sha256', secret).update('name').digest('hex').slice(0, 32);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= WIRE_TEXT_MAX;

const isNonce = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
