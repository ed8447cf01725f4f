import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { openHomeJournal } from '../src/home.ts';
import { createWorkbench, type Started, type Workbench } from '../test/factory/workbench.ts';
import { DATA } from '../test/model/examples.ts';
import { createGround, type Ground } from './ground.ts';
import { createJournal, type Journal } from './journal.ts';

/**
 * One home with many sessions over four repositories, the compiled `winnow up`, real git, and real checks through
 * slots. Only the agent is given: a shell script that waits. What is on record is read here without Winnow.
 */
export interface World {
  bench: Workbench;
  ground: Ground;
  journal: Journal;
  sessions: readonly string[];
  /** Changes the configuration while Winnow runs, as its owner would: the file is replaced. */
  configure(gates: Partial<Gates>): void;
  gates(): Gates;
  /** Starts `winnow up`, within the ground's limits. */
  start(): Started & { pid: number };
  /** Every run that begins from now on waits for ever. */
  hold(): void;
  /** Sessions whose run waits for ever. */
  held(): number;
  /** Puts the stop file there; resolves with what takes it away. */
  stopFile(): () => Promise<void>;
  /** Takes the wait away for runs that begin from now on, and forgets who waited. */
  release(): void;
  /** What each start of a check noted: its slot, and the how manyth holder it was at that moment. */
  holders(): { slot: string; place: number }[];
  /** The figures for Prometheus, by the socket of the home. */
  metrics(): Promise<string>;
  /** Queues a task of each priority for each repository by the command line; their ids. */
  addTasks(priorities: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

export interface Gates {
  memory: string;
  disk: string;
  budgetPerDayUsd: number;
  maxSessions: number;
}

/** Seconds that a run of the tests takes in each repository: one that answers at once, and slower ones. */
export const PROJECTS: Record<string, number> = { quick: 0, brisk: 0.1, steady: 0.3, slow: 1 };
export const SLOTS: Record<string, number> = { test: 2, lint: 1 };

const AGENT = join(import.meta.dirname, 'agent.sh');
/** Each run is promised a dollar of it until it reports: less than that for each session, and the rest would wait. */
const BUDGET_USD = 200;
/** The next 29th of February. */
const NEVER = '0 0 29 2 *';
/** Nothing is known of a new session, so memory for a whole agent is kept free for it, which few machines have for 64. */
const AGENT_BYTES = 20 * 2 ** 20;

export const createWorld = async (options: { sessions: number; maxSessions: number; seed: number }): Promise<World> => {
  const sessions = Array.from({ length: options.sessions }, (_, n) => `session-${String(n + 1).padStart(2, '0')}`);
  const names = Object.keys(PROJECTS);
  const projectOf = (n: number): string => names[n % names.length]!;
  const ground = await createGround();
  const bench = await ground.within(() =>
    createWorkbench({
      files: filesFor(sessions),
      sessions: [],
      homeFiles: Object.fromEntries(
        sessions.map((name, n) => [
          `sessions/${name}.md`,
          `---\nproject: ${projectOf(n)}\nfocus: notes\n---\nWrite notes.\n`,
        ]),
      ),
    }),
  );
  const own = join(bench.dir, 'crowd');
  for (const dir of ['agents', 'holders']) mkdirSync(join(own, dir), { recursive: true });
  const remoteOf = (project: string): string => join(bench.dir, `${project}.git`);
  for (const project of names) await execa('git', ['clone', '--quiet', '--bare', bench.remote, remoteOf(project)]);

  let gates: Gates = {
    memory: ground.isLimited ? '80%' : '99%',
    disk: ground.isSmallDisk ? '80MB' : '1MB',
    budgetPerDayUsd: BUDGET_USD,
    maxSessions: options.maxSessions,
  };
  const config = join(bench.home, 'winnow.config.yaml');
  const write = (): void => {
    const whole = configOf({ gates, own, remoteOf, seed: options.seed });
    writeFileSync(`${config}.new`, stringify(whole));
    renameSync(`${config}.new`, config);
  };
  write();
  rememberPast(
    bench.home,
    sessions.map((name, n) => [name, projectOf(n)]),
  );
  const hold = join(own, 'hold');
  const journal = createJournal(join(bench.home, 'logs/experiment-log.jsonl'));
  const heldFiles = (): string[] => readdirSync(join(own, 'agents')).filter((name) => name.endsWith('.held'));
  return {
    ...{ bench, ground, journal, sessions },
    gates: () => gates,
    configure: (changed) => {
      gates = { ...gates, ...changed };
      write();
    },
    start: () => {
      const started = bench.start('up');
      const pid = started.child.pid!;
      ground.take(pid);
      return { ...started, pid };
    },
    hold: () => writeFileSync(hold, ''),
    held: () => heldFiles().length,
    stopFile: () => {
      const file = join(bench.home, '.winnow/STOP');
      writeFileSync(file, '');
      return async () => rmSync(file);
    },
    release: () => {
      rmSync(hold, { force: true });
      for (const name of heldFiles()) rmSync(join(own, 'agents', name));
    },
    holders: () => readHolders(join(own, 'holders.log')),
    metrics: () => get(join(bench.home, '.winnow/http.sock'), '/metrics'),
    addTasks: async (priorities) => {
      const list = priorities.flatMap((priority) =>
        names.map((project) => ({ text: `CROWD-TASK: write a note of ${priority} priority`, project, priority })),
      );
      const file = join(own, 'tasks.json');
      writeFileSync(file, JSON.stringify(list));
      const added = await bench.start('task', 'import', file, '--json').done;
      if (added.code !== 0) throw new Error(`no task could be queued: ${added.err}`);
      return (JSON.parse(added.out) as { id: string }[]).map(({ id }) => id);
    },
    close: async () => {
      await bench.close();
      await ground.close();
    },
  };
};

/** Judged in a moment; notes are added, and a part that holds anything but a number is wrong. */
const filesFor = (sessions: readonly string[]): Record<string, string> => ({
  'README.md': '# Notes\n\nNumbers, a file each.\n',
  'check.sh': CHECK,
  ...Object.fromEntries(sessions.map((name) => [`parts/${name}.txt`, '1\n'])),
});

/**
 * Before it looks at anything it takes a place among the holders of its slot, the first that is free: a lock of the
 * kernel's, which ends with its process. A place above the size of the slot is one holder too many.
 */
const CHECK = `#!/bin/bash
slot=$1
for place in 1 2 3 4 5 6 7 8 9; do
  exec 9>"$CROWD_DIR/holders/$slot.$place"
  flock --nonblock 9 && break
done
echo "$slot $place" >>"$CROWD_DIR/holders.log"
[ "$slot" = test ] && [ "$CROWD_PAUSE" != 0 ] && sleep "$CROWD_PAUSE"
echo TAP version 13
n=0
for file in parts/*.txt notes/*.txt; do
  [ -e "$file" ] || continue
  n=$((n + 1))
  read -r word <"$file"
  case $word in
    '' | *[!0-9]*) echo "not ok $n - $slot $file is a number" ;;
    *) echo "ok $n - $slot $file is a number" ;;
  esac
done
echo "1..$n"
`;

interface Place {
  gates: Gates;
  /** Directory of what agents and checks note. */
  own: string;
  remoteOf: (project: string) => string;
  seed: number;
}

const configOf = ({ gates, own, remoteOf, seed }: Place): unknown => ({
  projects: Object.entries(PROJECTS).map(([name, seconds]) => ({
    name,
    repo: remoteOf(name),
    checks: Object.keys(SLOTS).map((slot) => ({
      ...{ name: slot, run: `bash check.sh ${slot}`, parse: 'tap', slot, timeout: '60s' },
    })),
    env: { CROWD_DIR: own, CROWD_PAUSE: String(seconds) },
  })),
  agent: {
    command: AGENT,
    env: { CROWD_DIR: own, CROWD_SEED: String(seed), AGENT_NAME: '{session}', ANTHROPIC_API_KEY: 'none' },
    iterations: 1,
  },
  gates,
  slots: SLOTS,
  http: { port: 0 },
  schedule: { tick: '5s', cycle: '1s', standup: NEVER, doctor: NEVER },
});

/** A cycle of each session that took little memory, and a meeting: as in a home that has been at work for a day. */
const rememberPast = (home: string, sessions: readonly (readonly [string, string])[]): void => {
  const { journal } = openHomeJournal(home);
  // Or the first thing would be a meeting of all, which was missed.
  const nobody = { sessions: [], warnings: [], priorities: [], blockers: [], runs: 0, costUsd: 0 };
  journal.append<'team_standup'>({ type: 'team_standup', data: { ...DATA.team_standup, ...nobody } });
  for (const [session, project] of sessions) {
    const where = { project, session, cycle: `earlier-${session}` };
    journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: DATA.cycle_started });
    const data = { ...DATA.ralph_cycle, outcome: 'empty' as const, costUsd: 0, memoryPeakBytes: AGENT_BYTES };
    journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data });
  }
  journal.close();
};

const readHolders = (file: string): { slot: string; place: number }[] =>
  (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n').flatMap((line) => {
    const [slot = '', place] = line.split(' ');
    return place === undefined ? [] : [{ slot, place: Number(place) }];
  });

const get = (socketPath: string, path: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = http.get({ socketPath, path }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => resolve(text));
    });
    asked.on('error', reject);
  });
