import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openHomeJournal } from '../src/home.ts';
import { PHASES } from '../src/model/entry.ts';
import { selfIdentity } from '../src/ports/machine/processes.ts';
import { DATA } from '../test/model/examples.ts';
import { sessionNames } from './stand-ins.ts';

/**
 * A home whose sessions are busy without working: the journal gets what cycles write, and the transcripts what agents
 * say, at the rates of real ones. Only the agents are missing.
 */
export interface Feed {
  home: string;
  /** Milliseconds that each append took since the last call. */
  appends: () => number[];
  begin: () => void;
  rest: () => void;
  close: () => void;
}

export const SESSIONS = 64;
/** Of each transcript; all together 128 lines a second. */
const LINES_PER_S = 2;
/** A session changes its phase, plans or ends about as often. */
const ENTRY_EVERY_S = 8;
const TICK_MS = 50;

export const createFeed = ({ busy }: { busy: boolean }): Feed => {
  const home = mkdtempSync(join(tmpdir(), 'winnow-bench-tui-'));
  const names = sessionNames(SESSIONS);
  mkdirSync(join(home, 'sessions'));
  const checks = [{ name: 'tests', run: 'true', parse: 'exit' }];
  const config = {
    projects: [{ name: 'small', repo: home, branch: 'main', checks }],
    // What else the machine does must not be seen on the screen.
    gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 1000, maxSessions: SESSIONS },
  };
  writeFileSync(join(home, 'winnow.config.yaml'), stringify(config));
  for (const name of names)
    writeFileSync(join(home, `sessions/${name}.md`), '---\nproject: small\nfocus: tests\n---\nMend it.\n');
  const { journal, paths } = openHomeJournal(home);
  const identity = selfIdentity();
  const taken: number[] = [];
  const cycles = new Map<string, { cycle: string; step: number }>();
  let [cycleCount, lineCount, entryCount] = [0, 0, 0];
  let timer: NodeJS.Timeout | undefined;

  const append = (entry: Parameters<typeof journal.append>[0]): void => {
    const begunMs = performance.now();
    journal.append(entry);
    taken.push(performance.now() - begunMs);
  };
  const start = (session: string): void => {
    cycleCount += 1;
    const cycle = `01KBENCH${String(cycleCount).padStart(18, '0')}`;
    cycles.set(session, { cycle, step: 0 });
    mkdirSync(paths.transcript(cycle), { recursive: true });
    append({ type: 'cycle_started', session, project: 'small', cycle, data: { ...DATA.cycle_started, ...identity } });
  };
  const goOn = (session: string): void => {
    const running = cycles.get(session);
    if (!running) return start(session);
    const { cycle } = running;
    running.step += 1;
    const mine = { session, project: 'small', cycle };
    const phase = PHASES[running.step];
    if (phase === undefined) {
      append({ type: 'ralph_cycle', ...mine, data: { ...DATA.ralph_cycle, plan: undefined } });
      cycles.delete(session);
      return;
    }
    append({ type: 'cycle_phase', ...mine, data: { phase } });
    if (phase !== 'hack') return;
    const plan = { ...DATA.plan_made.plan, title: `Mend what ${session} found in attempt ${cycleCount}` };
    append({ type: 'plan_made', ...mine, data: { plan, attempt: 1 } });
  };
  const say = (session: string): void => {
    const running = cycles.get(session);
    if (!running) return;
    const text = WORDS[lineCount % WORDS.length]!.replace('#', String(lineCount));
    const message = { type: 'assistant', message: { content: [{ type: 'text', text }] } };
    appendFileSync(join(paths.transcript(running.cycle), 'run.jsonl'), `${JSON.stringify(message)}\n`);
  };
  // Of a new session nothing is known, and so memory for a whole agent is kept free: how much is missing would be seen.
  for (const [index, session] of names.entries()) {
    const small = { session, project: 'small', cycle: `small-${index}` };
    append({ type: 'cycle_started', ...small, data: { ...DATA.cycle_started, ...identity } });
    append({ type: 'ralph_cycle', ...small, data: { ...DATA.ralph_cycle, memoryPeakBytes: 2 ** 20, plan: undefined } });
  }
  if (busy) for (const name of names) start(name);
  if (busy)
    append({
      type: 'process_started',
      data: { ...identity, version: '0', node: '0', roles: ['scheduler', 'session'] },
    });

  return {
    home,
    appends: () => taken.splice(0),
    begin: () => {
      const begunMs = performance.now();
      const [lines, entries] = [lineCount, entryCount];
      timer = setInterval(() => {
        const seconds = (performance.now() - begunMs) / 1000;
        for (; lineCount < lines + seconds * SESSIONS * LINES_PER_S; lineCount += 1) say(names[lineCount % SESSIONS]!);
        for (; entryCount < entries + (seconds * SESSIONS) / ENTRY_EVERY_S; entryCount += 1)
          // A prime apart: neighbours in the list do not change together.
          goOn(names[(entryCount * 37) % SESSIONS]!);
      }, TICK_MS);
    },
    rest: () => clearInterval(timer),
    close: () => {
      clearInterval(timer);
      journal.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
};

const WORDS = [
  'The test in question is number # and it fails because the reader stops one line too early.',
  'I look at what the caller expects.',
  'Line # of the log says that the queue was empty when it was asked, which cannot be.',
  'Done with file #; the next one is the printer.',
];
