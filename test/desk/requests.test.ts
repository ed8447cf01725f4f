import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { createDesk, type Desk } from '../../src/desk/desk.ts';
import { type Requests, type RequestsDeps, takeRequests } from '../../src/desk/requests.ts';
import { failed } from '../../src/model/failure.ts';
import type { Asker, Request, RequestArgs, RequestWhat } from '../../src/model/request.ts';
import { selfIdentity } from '../../src/ports/machine/processes.ts';
import { until } from '../journal/workbench.ts';
import { openPlace, type Place } from './place.ts';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const TAKER = new URL('fixtures/taker.ts', import.meta.url).pathname;
const CI: Asker = { face: 'http', name: 'ci' };

let place: Place;
let desk: Desk;
let stop: AbortController;
let told: string[];
let faults: unknown[];
const children: ChildProcess[] = [];

beforeEach(() => {
  place = openPlace();
  desk = createDesk(place.counter);
  stop = new AbortController();
  told = [];
  faults = [];
});
afterEach(async () => {
  stop.abort();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await place.close();
});

const ask = async (what: RequestWhat, args: RequestArgs = {}, asker = CI) => {
  const done = await desk.do({ command: 'request', what, args }, { asker });
  if (!done.ok) throw new Error(done.error.message);
  return done.value;
};

const take = (carryOut: RequestsDeps['carryOut'], signal = stop.signal): Requests =>
  takeRequests({
    ...{ ...place, journal: place.counter.journal, signal, carryOut },
    tell: (line) => told.push(line),
    fail: (error) => faults.push(error),
  });

/** What follows a journal whose directory has gone. */
async function* faulty(fault: Error): AsyncGenerator<never> {
  yield* [];
  throw fault;
}

/** A deed that is finished by hand. */
const createDeed = (signals: AbortSignal[] = []) => {
  const begun: Request[] = [];
  const ends: ((note: string) => void)[] = [];
  const deed = (request: Request, signal: AbortSignal) =>
    new Promise<ReturnType<typeof ok<string>> | ReturnType<typeof failed>>((resolve) => {
      begun.push(request);
      signals.push(signal);
      ends.push((note) => resolve(ok(note)));
      signal.addEventListener('abort', () => resolve(failed('interrupted', 'stopped')), { once: true });
    });
  return { deed, begun, finish: (note: string) => ends.shift()?.(note) };
};

const settledNotes = () => place.ofType('request_settled').map(({ data }) => data);

describe('a request', () => {
  it('made while nothing runs waits, and is carried out once by what starts later', async () => {
    const { request, waits } = await ask('review');
    expect({ waits, open: desk.requests(false).length }).toEqual({ waits: true, open: 1 });
    const deed = createDeed();
    take({ review: deed.deed });
    await until(() => deed.begun.length === 1, 'the deed');
    expect(deed.begun[0]).toMatchObject({ id: request.id, what: 'review', by: CI });
    expect(desk.requests(false)).toMatchObject([{ id: request.id, taken: { pid: process.pid, times: 1 } }]);
    deed.finish('2 branches reviewed');
    await until(() => desk.requests(false).length === 0, 'the settlement');
    expect(settledNotes()).toEqual([{ request: request.id, done: true, note: '2 branches reviewed' }]);
    expect(desk.requests(true)).toMatchObject([{ id: request.id, settled: { done: true } }]);
  });

  it('made while the factory runs is begun without anybody ticking', async () => {
    const deed = createDeed();
    take({ doctor: deed.deed });
    await ask('doctor', { sessions: ['alpha'], rulesOnly: true });
    await until(() => deed.begun.length === 1, 'the deed');
    expect(deed.begun[0]?.args).toEqual({ sessions: ['alpha'], rulesOnly: true });
  });

  it('for what is open already joins it, is told which, and is settled with it', async () => {
    const deed = createDeed();
    const requests = take({ standup: deed.deed });
    const first = await ask('standup', { sessions: ['alpha', 'beta'] });
    await until(() => deed.begun.length === 1, 'the deed');
    const second = await ask('standup', { sessions: ['beta', 'alpha'] }, { face: 'telegram', name: 'mia' });
    expect(second).toMatchObject({ joined: true, request: { id: first.request.id } });
    expect(second.request.joined).toMatchObject([{ by: { face: 'telegram', name: 'mia' } }]);
    expect(await ask('standup')).toMatchObject({ joined: false });
    await until(() => deed.begun.length === 2, 'the deed of the other standup');
    requests.tick();
    deed.finish('held');
    deed.finish('held too');
    await requests.idle();
    expect(deed.begun).toHaveLength(2);
    expect(settledNotes().map(({ note }) => note)).toEqual(['held', 'held too']);
    expect(place.ofType('requested').map(({ data }) => data.joins)).toEqual([undefined, first.request.id, undefined]);
  });

  it('that two processes wrote at one moment is one work, and both are settled by it', async () => {
    for (const request of ['01KKN3V8ZC00000000000000R1', '01KKN3V8ZC00000000000000R2']) {
      place.counter.journal.append<'requested'>({
        type: 'requested',
        data: { request, what: 'review', args: {}, by: CI },
      });
    }
    const deed = createDeed();
    const requests = take({ review: deed.deed });
    requests.tick();
    await until(() => deed.begun.length === 1, 'the deed');
    deed.finish('done');
    await requests.idle();
    requests.tick();
    await requests.idle();
    expect(deed.begun).toHaveLength(1);
    expect(settledNotes().map(({ request }) => request.slice(-2))).toEqual(['R1', 'R2']);
  });

  it('is left to processes that can carry it out', async () => {
    await ask('review');
    const requests = take({ standup: createDeed().deed });
    requests.tick();
    await requests.idle();
    expect(place.ofType('request_taken')).toEqual([]);
    expect(desk.requests(false)).toHaveLength(1);
  });

  it('that fails is settled with the reason', async () => {
    await ask('cycle', { sessions: ['alpha'] });
    const requests = take({ cycle: async () => failed('interrupted', 'gate memory is closed') });
    await requests.idle();
    expect(settledNotes()).toMatchObject([{ done: false, note: 'gate memory is closed' }]);
    expect(told.join()).toContain('gate memory is closed');
  });

  it('interrupted by the stop of the factory stays open for the next start', async () => {
    await ask('review');
    const signals: AbortSignal[] = [];
    const interrupted = createDeed(signals);
    const requests = take({ review: interrupted.deed });
    await until(() => interrupted.begun.length === 1, 'the deed');
    stop.abort();
    await requests.idle();
    expect(signals[0]?.aborted).toBe(true);
    expect(settledNotes()).toEqual([]);
    stop = new AbortController();
    const again = createDeed();
    const next = take({ review: again.deed });
    await until(() => again.begun.length === 1, 'the second deed');
    again.finish('reviewed after all');
    await next.idle();
    expect(settledNotes()).toMatchObject([{ done: true, note: 'reviewed after all' }]);
  });

  it('whose process was killed is taken by another, which nobody else does at the same time', async () => {
    await ask('standup');
    const child = spawn(process.execPath, ['--import', TSX, TAKER, place.dir], { stdio: 'inherit' });
    children.push(child);
    await until(() => place.ofType('request_taken').length === 1, 'the other process takes it');
    const deed = createDeed();
    const requests = take({ standup: deed.deed });
    requests.tick();
    await requests.idle();
    expect(deed.begun).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until(() => {
      requests.tick();
      return deed.begun.length === 1;
    }, 'this process takes it');
    deed.finish('held');
    await requests.idle();
    expect(place.ofType('request_taken').map(({ data }) => data.pid)).toEqual([child.pid, process.pid]);
    expect(settledNotes()).toMatchObject([{ done: true, note: 'held' }]);
  });

  it('that somebody carries out by hand is nobody else’s, joined by none, and over when their process is gone', async () => {
    const byHand = (request: string, here: { pid: number; start: string }) =>
      place.counter.journal.append<'requested'>({
        type: 'requested',
        data: { request, what: 'standup', args: {}, by: { face: 'cli', name: 'mia' }, here },
      });
    byHand('01KKN3V8ZC00000000000000H1', selfIdentity());
    byHand('01KKN3V8ZC00000000000000H2', { pid: 1, start: 'long gone' });
    const deed = createDeed();
    const requests = take({ standup: deed.deed });
    await until(() => settledNotes().length === 1, 'the dead one’s end');
    expect(settledNotes()).toMatchObject([{ request: expect.stringMatching(/H2$/), done: false }]);
    expect(deed.begun).toEqual([]);
    const other = await ask('standup');
    expect(other).toMatchObject({ joined: false });
    await until(() => deed.begun.length === 1, 'the deed of the other');
    deed.finish('held');
    await requests.idle();
    expect(desk.requests(false).map(({ id }) => id.slice(-2))).toEqual(['H1']);
  });

  it('that ends its process each time is given up', async () => {
    const { request } = await ask('review');
    for (let times = 0; times < 5; times++) {
      place.counter.journal.append<'request_taken'>({
        type: 'request_taken',
        data: { request: request.id, pid: 1, start: '1@x' },
      });
    }
    const deed = createDeed();
    await take({ review: deed.deed }).idle();
    expect(deed.begun).toEqual([]);
    expect(settledNotes()).toMatchObject([{ done: false, note: expect.stringContaining('begun 5 times') }]);
  });

  it('cannot be heard when the journal cannot be followed: the role is told, and the process lives on', async () => {
    const fault = new Error('the journal is gone');
    const journal = { ...place.counter.journal, follow: () => faulty(fault) };
    takeRequests({
      ...{ ...place, journal, signal: stop.signal, carryOut: {} },
      tell: () => {},
      fail: (error) => faults.push(error),
    });
    await until(() => faults.length > 0, 'the fault');
    expect(faults).toEqual([fault]);
  });

  it('whose deed throws stays open and stops no other', async () => {
    await ask('review');
    await ask('doctor');
    const requests = take({
      review: () => Promise.reject(new Error('a defect')),
      doctor: async () => ok('looked'),
    });
    await requests.idle();
    expect(told.join()).toContain('a defect');
    expect(desk.requests(false).map(({ what }) => what)).toEqual(['review']);
  });
});
