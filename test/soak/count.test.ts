import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countLines, readJournal } from '../../soak/count.ts';
import { heldLosses } from '../../soak/held.ts';
import { readMetrics } from '../../soak/metrics.ts';
import { agrees, digestRows, factRows, type Row, rowsOf } from '../../soak/rows.ts';
import type { Told } from '../../soak/told.ts';
import { createDesk } from '../../src/desk/desk.ts';
import { createMetrics } from '../../src/faces/http/metrics.ts';
import type { Outcome } from '../../src/model/entry.ts';
import { dayOf, dayText } from '../../src/policy/day.ts';
import { selfIdentity } from '../../src/ports/machine/processes.ts';
import { openPlace, type Place } from '../desk/place.ts';
import { CYCLE, DATA } from '../model/examples.ts';

/** What the soak goes by: a count that shares nothing with Winnow, and a difference of one line that it must find. */

let place: Place;
beforeEach(() => {
  place = openPlace();
  live();
});
afterEach(() => place.close());

const TOKENS = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4 };

/** Four cycles of two sessions, and a review. */
const live = (): void => {
  const { journal } = place.counter;
  const cycle = (session: string, id: string, outcome: Outcome) => {
    const at = { project: 'api', session, cycle: id };
    journal.append<'cycle_started'>({
      type: 'cycle_started',
      ...at,
      data: { ...DATA.cycle_started, ...selfIdentity() },
    });
    const run = { ...DATA.agent_ran, costUsd: 0.25, tokens: TOKENS, run: `${id}-1` };
    journal.append<'agent_ran'>({ type: 'agent_ran', ...at, data: run });
    if (outcome === 'pushed')
      journal.append<'branch_pushed'>({
        type: 'branch_pushed',
        ...at,
        data: { ...DATA.branch_pushed, branch: `brl/${id}` },
      });
    const checks = { ran: 0, reused: 1 };
    const summary = { ...CYCLE, outcome, costUsd: 0.25, tokens: TOKENS, checks, branch: `brl/${id}` };
    journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...at, data: summary });
  };
  cycle('alpha', 'c1', 'pushed');
  cycle('alpha', 'c2', 'discarded');
  cycle('beta', 'c3', 'discarded');
  cycle('beta', 'c4', 'pushed');
  const review = { ...DATA.cto_review, branch: 'brl/c4', decision: 'needs-human' as const };
  journal.append<'cto_review'>({ type: 'cto_review', project: 'api', session: 'beta', cycle: 'c4', data: review });
};

const told = async (): Promise<Told> => {
  const desk = createDesk(place.counter);
  const metrics = createMetrics(desk, () => 0);
  const status = (await desk.status()) as never as Told['status'];
  const page = readMetrics((await metrics.page()).text);
  metrics.close();
  const journal = readFileSync(place.counter.paths.journal, 'utf8');
  return {
    ...{ atMs: Date.now(), status, httpStatus: status, metrics: page, journal },
    ...{ queue: desk.queue(true), tasks: desk.tasks(true) },
    log: logged(journal),
    bot: 'Queue: 1 branch, 1 for you\nToday: $1.00 of $20.00',
    git: { branches: new Map(['brl/c1', 'brl/c4'].map((name) => [name, name])), main: [] },
    files: { standups: 0, letters: 0 },
  };
};

const logged = (journal: string): Record<string, number> => {
  const types: Record<string, number> = {};
  for (const { type } of readJournal(journal).lines) types[type] = (types[type] ?? 0) + 1;
  return types;
};

const differing = (rows: readonly Row[]): string[] => rows.filter((row) => !agrees(row)).map(({ what }) => what);

/** The journal with one entry written otherwise, and sealed as if that had been written. */
const rewritten = (text: string, passes: RegExp, from: string, to: string): string => {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => passes.test(line));
  const changed = lines[at]!.slice(0, lines[at]!.lastIndexOf(',"crc":"')).replace(from, to);
  lines[at] = `${changed},"crc":"${crc32(changed).toString(16).padStart(8, '0')}"}`;
  return lines.join('\n');
};

const NO_BILLS = new Map();

describe('the count of the soak', () => {
  it('agrees with every surface of Winnow about a day that is told as it was', async () => {
    const rows = rowsOf({ told: await told(), bills: NO_BILLS });
    expect(differing(rows)).toEqual([]);
    expect(rows.find(({ what }) => what === 'cycles pushed')).toMatchObject({ journal: 2, told: { metrics: 2 } });
    expect(rows.find(({ what }) => what === 'dollars today')).toMatchObject({ journal: 1 });
  });

  it('finds a run that cost something else than was told', async () => {
    const honest = await told();
    const journal = rewritten(honest.journal, /"type":"agent_ran"/, '"costUsd":0.25', '"costUsd":0.26');
    expect(differing(rowsOf({ told: { ...honest, journal }, bills: NO_BILLS }))).toEqual([
      'dollars today',
      'dollars today, on the phone',
      'dollars of the sessions',
      'dollars of cycles',
    ]);
  });

  it('finds a cycle that ended otherwise than was told', async () => {
    const honest = await told();
    const journal = rewritten(honest.journal, /"type":"ralph_cycle"/, '"outcome":"pushed"', '"outcome":"empty"');
    expect(differing(rowsOf({ told: { ...honest, journal }, bills: NO_BILLS }))).toEqual([
      'cycles pushed',
      'cycles empty',
    ]);
  });

  it('finds a branch that the remote has lost, and a run that the model billed otherwise', async () => {
    const honest = await told();
    const git = { ...honest.git, branches: new Map([['brl/c1', 'brl/c1']]) };
    const bills = new Map([['c1-1', { costUsd: 0.2, tokens: TOKENS }]]);
    expect(differing(rowsOf({ told: { ...honest, git }, bills }))).toEqual([
      'dollars that the model billed',
      'branches in the remote',
    ]);
  });

  it('finds a line that is not what was written', async () => {
    const honest = await told();
    const journal = honest.journal.replace('"costUsd":0.25', '"costUsd":0.26');
    expect(readJournal(journal)).toMatchObject({ damaged: 1 });
    expect(differing(rowsOf({ told: { ...honest, journal }, bills: NO_BILLS }))).toContain('damaged places');
  });

  it('reads the summary of the day as a person reads it, and finds a wrong figure in it', () => {
    const [fromMs, toMs] = [Date.now() - 3_600_000, Date.now() + 3_600_000];
    const { journal, paths } = place.counter;
    const text = dayText(dayOf(journal.tail(100, {}), journal.state(), fromMs, toMs));
    const lines = readFileSync(paths.journal, 'utf8');
    expect(differing(digestRows(text, lines, fromMs, toMs))).toEqual([]);
    expect(differing(digestRows(text.replace('2 pushed', '3 pushed'), lines, fromMs, toMs))).toEqual([
      'the day: pushed',
    ]);
    expect(differing(digestRows(text, lines, toMs, toMs + 1))).toContain('the day: cycles');
  });

  it('adds dollars so that their order makes no difference', () => {
    const line = (costUsd: number) => ({
      id: '',
      ts: new Date().toISOString(),
      type: 'agent_ran',
      data: { costUsd, tokens: {} },
    });
    const costs = [0.1, 0.2, 0.3, 0.7];
    const sums = [costs, [...costs].reverse()].map((each) => countLines(each.map(line)).costUsd);
    expect(sums).toEqual([1.3, 1.3]);
  });

  it('finds a process that holds more at its end than after its first hour, and none in a life too short to tell', () => {
    const held = (atMs: number, heapBytes: number, files = 40) => ({ atMs, heapBytes, rssBytes: 1, files, timers: 10 });
    const life = (...of: ReturnType<typeof held>[]) => ({ pid: 7, fromMs: 0, held: of });
    const hours = 3_600_000;
    expect(heldLosses([life(held(hours, 40e6), held(10 * hours, 44e6))])).toEqual([]);
    expect(heldLosses([life(held(hours, 40e6), held(10 * hours, 80e6, 400))])).toEqual([
      'process 7 holds 76 MB of heap, 38 MB after its first hour',
      'process 7 holds 400 files open, 40 after its first hour',
    ]);
    expect(heldLosses([life(held(hours, 40e6), held(2 * hours, 80e6))])).toEqual([]);
  });

  it('compares what a session is told of itself with the lines that were there then', async () => {
    const { journal } = await told();
    const text =
      'Session alpha of project api, since 2000-01-01 00:00 UTC.\nIt ended 2 cycles (1 pushed, 1 discarded); its runs cost $0.50';
    const facts = (of: string) => [{ session: 'alpha', text: of, journalBytes: Buffer.byteLength(journal) }];
    expect(differing(factRows(facts(text), journal))).toEqual([]);
    expect(differing(factRows(facts(text.replace('2 cycles', '9 cycles')), journal))).toEqual([
      'cycles in their facts',
    ]);
  });
});
