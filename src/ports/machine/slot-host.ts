import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { createSlotTable, type SlotWant } from './slot-table.ts';
import {
  createLineReader,
  type FromMember,
  type FromServer,
  isProof,
  MEMBER_LINE_BYTES_MAX,
  newNonce,
  parseBeacons,
  parseFromMember,
  proofOf,
  serverAddress,
} from './slot-wire.ts';

/**
 * The slot server of a home, in whichever of its processes came first. It remembers nothing beyond its own life: the
 * members hold the truth and tell it to the next server.
 */
export interface SlotHost {
  close(): void;
}

/** Undefined when another process is the server. Throws what the kernel says against any server at all. */
export const openSlotHost = ({ secret, clock }: { secret: Buffer; clock: Clock }): Promise<SlotHost | undefined> => {
  const peers = new Map<number, Peer>();
  const table = createSlotTable({
    grant: (want) => {
      want.sinceMs = clock.now();
      peers.get(want.owner)?.send({ t: 'got', id: want.id });
    },
    refuse: (want) => peers.get(want.owner)?.send({ t: 'no', id: want.id }),
  });
  let deciding = false;
  // At the end of the turn: of all requests that the kernel has ready, the oldest comes first.
  const decideSoon = (): void => {
    if (deciding) return;
    deciding = true;
    setImmediate(() => {
      deciding = false;
      table.decide();
    });
  };
  let peerCount = 0;
  let census: Census | undefined;

  const server = createServer((socket) => {
    const owner = ++peerCount;
    dropOldestStranger(peers);
    const peer = welcome(socket, secret, (message) => hear(owner, message));
    peers.set(owner, peer);
    socket.once('close', () => {
      peers.delete(owner);
      table.leave(owner);
      decideSoon();
    });
  });

  const hear = (owner: number, message: Exclude<FromMember, { t: 'hello' }>): void => {
    const peer = peers.get(owner);
    if (!peer) return;
    switch (message.t) {
      case 'have':
      case 'want': {
        const want = { ...wantOf(message), owner, pid: peer.pid };
        if (table.count(owner) >= CLAIMS_MAX) peer.send({ t: 'no', id: message.id });
        else table[message.t](want);
        decideSoon();
        return;
      }
      case 'declared':
        census?.declared(peer.beacon);
        return;
      case 'drop':
        table.drop(owner, message.id);
        decideSoon();
        return;
      case 'view':
        for (const row of table.rows(message.name)) {
          const claims = (wants: SlotWant[]) => wants.map(({ who, pid, sinceMs }) => ({ who, pid, sinceMs }));
          peer.send({
            t: 'row',
            id: message.id,
            row: { name: row.name, capacity: row.capacity, held: claims(row.held), waiting: claims(row.waiting) },
          });
        }
        peer.send({ t: 'end', id: message.id, missing: census?.missing() ?? [] });
        return;
    }
  };

  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(serverAddress(secret), () => {
      server.on('error', () => {});
      census = takeCensus(secret, () => {
        table.open();
        decideSoon();
      });
      resolve({
        close: () => {
          census?.stop();
          server.close();
          for (const peer of peers.values()) peer.close();
        },
      });
    });
    server.unref();
  });
};

/** A stranger gets this long to prove itself, and at most so many may try at once: they cannot use up the server. */
const HANDSHAKE_MS = 2_000;
const STRANGERS_MAX = 64;

/** Leases and waits of one process: far above any honest number. */
const CLAIMS_MAX = 4_096;

/** A member that reads nothing while so much waits for it is broken. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;

/** For members that cannot be told from strangers (in a pid namespace of their own): then it goes on without them. */
const UNKNOWN_GRACE_MS = 100;

/** How often a server looks whether a silent member has died meanwhile. */
const CENSUS_MS = 20;

interface Peer {
  known: boolean;
  pid: number;
  beacon: string;
  send(message: FromServer): void;
  close(): void;
}

const welcome = (
  socket: Socket,
  secret: Buffer,
  onMessage: (message: Exclude<FromMember, { t: 'hello' }>) => void,
): Peer => {
  const nonce = newNonce();
  const peer: Peer = {
    known: false,
    pid: 0,
    beacon: '',
    send: (message) => {
      if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy();
      else if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
    },
    close: () => socket.destroy(),
  };
  const timer = setTimeout(() => {
    if (!peer.known) socket.destroy();
  }, HANDSHAKE_MS).unref();
  socket.unref();
  socket.on('error', () => {});
  socket.once('close', () => clearTimeout(timer));
  const take = (value: unknown): void => {
    if (socket.destroyed) return;
    const message = parseFromMember(value);
    if (message?.t === 'hello' && !peer.known) {
      if (!isProof(message.proof, proofOf(secret, 'member', nonce, message.nonce))) {
        peer.close();
        return;
      }
      Object.assign(peer, { known: true, pid: message.pid, beacon: message.beacon });
      clearTimeout(timer);
      peer.send({ t: 'welcome', proof: proofOf(secret, 'server', message.nonce, nonce) });
    } else if (message && message.t !== 'hello' && peer.known) onMessage(message);
    else peer.close();
  };
  socket.on('data', createLineReader(MEMBER_LINE_BYTES_MAX, take, peer.close));
  peer.send({ t: 'challenge', nonce });
  return peer;
};

const dropOldestStranger = (peers: Map<number, Peer>): void => {
  const strangers = [...peers.values()].filter(({ known }) => !known);
  if (strangers.length >= STRANGERS_MAX) strangers[0]?.close();
};

const wantOf = (message: Extract<FromMember, { t: 'have' | 'want' }>): Omit<SlotWant, 'owner' | 'pid'> => ({
  id: message.id,
  name: message.name,
  capacity: message.capacity,
  who: message.who,
  atUs: message.at,
  sinceMs: message.since,
  once: message.once,
});

interface Census {
  declared(beacon: string): void;
  /** Pids of living members that have not said yet what they hold. */
  missing(): number[];
  stop(): void;
}

/**
 * Waits until everybody who may hold something has said so, however long an event loop stalls or a process is stopped:
 * a lease must not be given twice. A member is believed to exist when a process of this user has its beacon open.
 */
const takeCensus = (secret: Buffer, onComplete: () => void): Census => {
  const declared = new Set<string>();
  const begunMs = performance.now();
  let missing: number[] = [];
  let complete = false;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (complete) return;
    const silent = readBeacons(secret).filter(({ beacon }) => !declared.has(beacon));
    const known = silent.filter(({ pid, inode }) => isOwnSocket(pid, inode));
    missing = known.map(({ pid }) => pid);
    complete = known.length === 0 && (silent.length === 0 || performance.now() - begunMs >= UNKNOWN_GRACE_MS);
    if (complete) onComplete();
    else timer = setTimeout(look, CENSUS_MS).unref();
  };
  look();
  return {
    declared: (beacon) => {
      declared.add(beacon);
      if (!complete) look();
    },
    missing: () => missing,
    stop: () => {
      complete = true;
      clearTimeout(timer);
    },
  };
};

const readBeacons = (secret: Buffer) => {
  try {
    return parseBeacons(secret, readFileSync('/proc/net/unix', 'latin1'));
  } catch {
    return [];
  }
};

const isOwnSocket = (pid: number, inode: string): boolean => {
  try {
    if (statSync(`/proc/${pid}`).uid !== process.geteuid?.()) return false;
    const dir = `/proc/${pid}/fd`;
    return readdirSync(dir).some((fd) => linkOf(`${dir}/${fd}`) === `socket:[${inode}]`);
  } catch {
    return false;
  }
};

const linkOf = (path: string): string | undefined => {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
};
