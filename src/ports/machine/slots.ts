import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed, failure } from '../../model/failure.ts';
import { openSlotHost, type SlotHost } from './slot-host.ts';
import {
  beaconAddress,
  createLineReader,
  type FromMember,
  type FromServer,
  isProof,
  newBeacon,
  newNonce,
  parseFromServer,
  proofOf,
  readSecret,
  SERVER_LINE_BYTES_MAX,
  serverAddress,
  WIRE_TEXT_MAX,
  type WireRow,
} from './slot-wire.ts';

/**
 * Named semaphores across all processes of a home, first come first served; the holder's death releases at once.
 * With capacity 1 they are also the locks: one cycle per session, one scheduler per home, one flight per check.
 *
 * One process of the home is the server, the one that got the name; a lease is a claim over an open connection, which
 * the kernel closes with its process. When the server dies the others elect the next by the same race for the name and
 * tell it what they hold and wait for:
 *
 *   alone -> joined (connected, proven, declared) -> alone (the server died) -> ...        closed: from anywhere
 *
 * All processes of a home must share the network namespace, in which the name lives.
 */
export interface SlotLease {
  name: string;
  waitedMs: number;
  release(): void;
}

export interface SlotView {
  name: string;
  capacity: number;
  /** `sinceMs`: milliseconds since the epoch. A pid is the one that its process sees itself. */
  held: { who: string; pid: number; sinceMs: number }[];
  waiting: { who: string; pid: number; sinceMs: number }[];
}

export interface Slots {
  /** Waits in the queue of `name` for at most `waitMs`; failure kind `interrupted` when aborted or out of time. */
  acquire(
    name: string,
    capacity: number,
    options: { who: string; waitMs: number; signal?: AbortSignal },
  ): Promise<Result<SlotLease, Failure>>;
  /** Takes it only if it is free now. */
  tryAcquire(name: string, capacity: number, who: string): Promise<SlotLease | undefined>;
  view(): Promise<SlotView[]>;
  close(): Promise<void>;
}

export interface SlotsDeps {
  /** The home's .winnow directory. */
  dir: string;
  who: string;
  clock: Clock;
  /** False for a guest, which takes part only while some process of the home serves. */
  mayServe?: boolean;
}

export const createSlots = ({ dir, who: ownWho, clock, mayServe = true }: SlotsDeps): Slots => {
  const claims = new Map<number, Claim>();
  let lastId = 0;
  let link: Link | undefined;
  let host: SlotHost | undefined;
  let beacon: Beacon | undefined;
  let secret: Buffer | undefined;
  let joining = false;
  let joinedOnce = false;
  let closed = false;
  /** Why there is no server, for the sentence of who waits in vain. */
  let trouble: string | undefined;

  const claim = (name: string, capacity: number, who: string, once: boolean): Claim => {
    const id = ++lastId;
    const made: Claim = {
      id,
      name: name.slice(0, WIRE_TEXT_MAX),
      capacity: Math.max(1, Math.floor(capacity) || 1),
      who: (who || ownWho).slice(0, WIRE_TEXT_MAX),
      atUs: sharedClockUs(),
      sinceMs: clock.now(),
      once,
      held: false,
      decide: () => {},
    };
    claims.set(id, made);
    beacon?.light();
    if (link) link.send(wantMessage(made));
    else void join();
    return made;
  };

  const drop = ({ id }: Claim): void => {
    if (claims.delete(id)) link?.send({ t: 'drop', id });
    if (claims.size === 0) beacon?.dim();
  };

  /** Elects and connects, as long as anything is claimed; leaves when there is nothing to tell a server. */
  const join = async (): Promise<void> => {
    if (joining || closed) return;
    joining = true;
    try {
      await Promise.resolve(); // Not before the caller has said how it wants to learn the decision.
      secret ??= readSecret(dir);
      beacon ??= createBeacon(secret);
      beacon.light();
      const patientUntilMs = performance.now() + (joinedOnce ? GUEST_PATIENCE_MS : 0);
      for (let attempt = 0; !closed && claims.size > 0; attempt++) {
        const dialled = await dial(secret, beacon.id, hear);
        if (typeof dialled !== 'string') return declare(dialled);
        if (dialled === 'stranger') trouble = 'a process that does not know the home’s secret has the server’s name';
        if (dialled === 'nobody' && mayServe) {
          host = (await openSlotHost({ secret, clock })) ?? host;
          if (closed) host?.close();
        } else if (dialled === 'nobody' && performance.now() >= patientUntilMs) {
          return giveUp('no process of the home serves slots');
        }
        // At once after an election, lost or won; then ever more slowly, for a server that is about to die.
        await pause(attempt < 2 ? 0 : Math.min(RETRY_MS_MAX, attempt));
      }
    } catch (error) {
      giveUp((error as Error).message);
    } finally {
      joining = false;
    }
  };

  /** Whoever holds or waits says so to the new server, in the order in which it came. */
  const declare = (joined: Link): void => {
    if (closed) joined.close();
    if (closed) return;
    link = joined;
    joinedOnce = true;
    trouble = undefined;
    for (const each of claims.values()) joined.send(wantMessage(each));
    joined.send({ t: 'declared' });
  };

  const hear = (message: FromServer | 'gone'): void => {
    if (message === 'gone') {
      link = undefined;
      if (claims.size > 0) void join();
      return;
    }
    if (message.t !== 'got' && message.t !== 'no') return;
    const claimed = claims.get(message.id);
    if (!claimed || claimed.held) return;
    if (message.t === 'got') {
      claimed.held = true;
      claimed.sinceMs = clock.now();
      claimed.decide('got');
    } else {
      claims.delete(claimed.id);
      claimed.decide('no');
    }
  };

  /** What waits learns that it will wait in vain; what is held stays held. */
  const giveUp = (why: string): void => {
    trouble = why;
    for (const each of claims.values()) if (!each.held) each.decide('trouble');
  };

  const decision = (claimed: Claim, waitMs: number, signal?: AbortSignal): Promise<Decision> =>
    new Promise((resolve) => {
      const decided = new AbortController();
      const settle = (how: Decision) => {
        if (decided.signal.aborted) return;
        decided.abort();
        signal?.removeEventListener('abort', onAbort);
        resolve(how);
      };
      const onAbort = () => settle('aborted');
      claimed.decide = settle;
      signal?.addEventListener('abort', onAbort, { once: true });
      // The only thing here that keeps the process alive: it does wait, but not for ever.
      void clock.sleep(Math.min(waitMs, TIMER_MS_MAX), decided.signal).then(() => settle('late'));
    });

  const lease = (claimed: Claim, waitedMs: number): SlotLease => ({
    name: claimed.name,
    waitedMs,
    release: () => drop(claimed),
  });

  const ask = async (name?: string): Promise<{ rows: WireRow[]; missing: number[] } | undefined> => {
    if (closed) return undefined;
    if (link) return link.ask(name);
    try {
      secret ??= readSecret(dir);
      const visit = await dial(secret, '', () => {});
      if (typeof visit === 'string') return undefined;
      const answer = await visit.ask(name);
      visit.close();
      return answer;
    } catch {
      return undefined;
    }
  };

  const slots: Slots = {
    acquire: async (name, capacity, { who, waitMs, signal }) => {
      if (closed) return failed('interrupted', `slot ${name} was asked for after the slots were closed`);
      if (signal?.aborted) return failed('interrupted', `slot ${name} was given up before it was asked for`);
      const begunMs = clock.monotonic();
      const claimed = claim(name, capacity, who, waitMs <= 0);
      const how = await decision(claimed, waitMs <= 0 ? ANSWER_MS : waitMs, signal);
      const waitedMs = clock.monotonic() - begunMs;
      if (how === 'got') return ok(lease(claimed, waitedMs));
      drop(claimed);
      if (how === 'aborted')
        return failed('interrupted', `interrupted after ${seconds(waitedMs)} of waiting for slot ${name}`);
      if (how === 'trouble')
        return { ok: false, error: failure('interrupted', `slot ${name} is not to be had: ${trouble}`) };
      return failed('interrupted', `waited ${seconds(waitedMs)} for slot ${name} (${why(await ask(name), trouble)})`);
    },

    tryAcquire: async (name, capacity, who) => {
      if (closed) return undefined;
      const begunMs = clock.monotonic();
      const claimed = claim(name, capacity, who, true);
      if ((await decision(claimed, ANSWER_MS)) === 'got') return lease(claimed, clock.monotonic() - begunMs);
      drop(claimed);
      return undefined;
    },

    view: async () => (await ask())?.rows ?? [],

    close: async () => {
      if (closed) return;
      closed = true;
      giveUp('the slots were closed');
      claims.clear();
      link?.close();
      beacon?.dim(0);
      host?.close();
    },
  };
  return {
    ...slots,
    acquire: (...asked) => whileAsked(slots.acquire(...asked)),
    tryAcquire: (...asked) => whileAsked(slots.tryAcquire(...asked)),
    view: () => whileAsked(slots.view()),
  };
};

/** The sockets keep no process alive, but a process that awaits an answer must not end for want of anything else. */
const whileAsked = async <T>(answer: Promise<T>): Promise<T> => {
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    return await answer;
  } finally {
    clearInterval(alive);
  }
};

/** How long an answer is awaited that needs no waiting in a queue. A server's event loop may be busy meanwhile. */
const ANSWER_MS = 5_000;

/** The view for the sentence about a wait in vain is worth this much more waiting. */
const VIEW_MS = 500;

/** A guest waits so long for the next server after the death of one, or for a first one. */
const GUEST_PATIENCE_MS = 300;

/** Between two attempts to reach a server that does not answer or is not ours. */
const RETRY_MS_MAX = 100;

/** A beacon outlives the last claim by this, so that a claim after the other does not open and close it each time. */
const BEACON_IDLE_MS = 1_000;

/** Longer timers fire at once in Node. */
const TIMER_MS_MAX = 2 ** 31 - 1;

type Decision = 'got' | 'no' | 'trouble' | 'late' | 'aborted';

interface Claim {
  id: number;
  name: string;
  capacity: number;
  who: string;
  atUs: number;
  sinceMs: number;
  once: boolean;
  held: boolean;
  decide(how: Decision): void;
}

const wantMessage = ({ id, name, capacity, who, atUs, sinceMs, once, held }: Claim): FromMember => ({
  t: held ? 'have' : 'want',
  id,
  name,
  capacity,
  who,
  at: atUs,
  since: sinceMs,
  once,
});

/** Not the injected clock, whose zero is each process's own: this one is the same in all processes of the machine. */
const sharedClockUs = (): number => Number(process.hrtime.bigint() / 1000n);

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms === 0) setImmediate(resolve);
    else setTimeout(resolve, ms).unref();
  });

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`);

const why = (seen: { rows: WireRow[]; missing: number[] } | undefined, trouble: string | undefined): string => {
  if (!seen) return trouble ?? 'no answer from the process that serves slots';
  const holders = seen.rows.flatMap(({ held }) => held.map(({ who, pid }) => `${who}, pid ${pid}`));
  if (holders.length > 0) return `held by ${holders.join('; ')}`;
  if (seen.missing.length > 0) return `pid ${seen.missing.join(', ')} has not said yet whether it holds it`;
  return 'it became free just now';
};

interface Beacon {
  id: string;
  light(): void;
  dim(afterMs?: number): void;
}

/** Shows to every later server that this process may hold something, also while its event loop stands still. */
const createBeacon = (secret: Buffer): Beacon => {
  const id = newBeacon();
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  const out = () => {
    server?.close();
    server = undefined;
  };
  return {
    id,
    light: () => {
      clearTimeout(timer);
      if (server) return;
      server = createServer((visitor) => visitor.destroy());
      server.on('error', () => {});
      server.listen(beaconAddress(secret, id)).unref();
    },
    dim: (afterMs = BEACON_IDLE_MS) => {
      clearTimeout(timer);
      if (afterMs === 0) out();
      else timer = setTimeout(out, afterMs).unref();
    },
  };
};

interface Link {
  send(message: FromMember): void;
  ask(name?: string): Promise<{ rows: WireRow[]; missing: number[] } | undefined>;
  close(): void;
}

/**
 * Connects to the server and proves both sides. 'nobody': there is no server. 'stranger': what answered does not know
 * the secret, or no sense came of it.
 */
const dial = (
  secret: Buffer,
  beacon: string,
  hear: (message: FromServer | 'gone') => void,
): Promise<Link | 'nobody' | 'stranger'> =>
  new Promise((resolve) => {
    const socket = connect(serverAddress(secret));
    const own = newNonce();
    let theirs: string | undefined;
    let proven = false;
    let failedWith: 'nobody' | 'stranger' = 'nobody';
    const link = createLink(socket);
    const take = (value: unknown): void => {
      if (socket.destroyed) return;
      const message = parseFromServer(value);
      if (message?.t === 'challenge' && theirs === undefined) {
        theirs = message.nonce;
        const proof = proofOf(secret, 'member', theirs, own);
        link.send({ t: 'hello', nonce: own, proof, pid: process.pid, beacon });
      } else if (message?.t === 'welcome' && theirs !== undefined && !proven) {
        proven = isProof(message.proof, proofOf(secret, 'server', own, theirs));
        if (proven) resolve(link);
        else distrust();
      } else if (message && proven && message.t !== 'challenge' && message.t !== 'welcome') {
        link.hear(message);
        hear(message);
      } else distrust();
    };
    const distrust = () => {
      failedWith = 'stranger';
      socket.destroy();
    };
    socket.unref();
    socket.on('connect', () => socket.unref());
    socket.on('data', createLineReader(SERVER_LINE_BYTES_MAX, take, distrust));
    socket.on('error', () => {});
    socket.once('close', () => {
      link.hear('gone');
      if (proven) hear('gone');
      else resolve(failedWith);
    });
  });

const createLink = (socket: Socket): Link & { hear(message: FromServer | 'gone'): void } => {
  const questions = new Map<number, { rows: WireRow[]; answer(missing: number[] | undefined): void }>();
  let lastQuestion = 0;
  const send = (message: FromMember): void => {
    if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
  };
  return {
    send,
    ask: (name) =>
      new Promise((resolve) => {
        const id = ++lastQuestion;
        const rows: WireRow[] = [];
        const answer = (missing: number[] | undefined) => {
          clearTimeout(timer);
          questions.delete(id);
          resolve(missing && { rows, missing });
        };
        const timer = setTimeout(() => answer(undefined), VIEW_MS);
        questions.set(id, { rows, answer });
        send({ t: 'view', id, ...(name === undefined ? {} : { name }) });
      }),
    close: () => socket.destroy(),
    hear: (message) => {
      if (message === 'gone') for (const { answer } of questions.values()) answer(undefined);
      else if (message.t === 'row') questions.get(message.id)?.rows.push(message.row);
      else if (message.t === 'end') questions.get(message.id)?.answer(message.missing);
    },
  };
};
