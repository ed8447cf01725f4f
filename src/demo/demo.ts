import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { ok, type Result } from '../base/result.ts';
import type { CannotOpen, Factory } from '../desk/doors.ts';
import type { Entry, EntryOf } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { QueuedBranch } from '../model/state.ts';
import { selfIdentity } from '../ports/machine/processes.ts';
import { recover } from '../roles/recovery.ts';
import { createScheduler } from '../roles/scheduler.ts';
import { AFTER_ALPHA, ATTEMPTS, type Attempt, type Fate, REVIEWER } from './attempts.ts';
import { type CrewShown, showCrew } from './crew.ts';
import { checkFreshClone, type FreshClone, reviewAndLand, wrongFates } from './land.ts';
import { type MessagesApi, startMessagesApi } from './messages-api.ts';
import { createDemoRepository, type DemoRepository } from './repository.ts';

/**
 * The main job in a minute: a repository with planted faults, a bare remote, a home, and sessions in parallel with
 * the real Claude Code. Scripted are the model's words alone.
 */
export interface DemoInput {
  /** An empty directory. */
  dir: string;
  /** With the owner's own login instead of the scripted model. */
  live: boolean;
  /** Goes on with standup, doctor and a cycle that works by what came of them; not with the owner's own login. */
  crew: boolean;
  /** Directory with typescript, vitest and Claude Code: Winnow's own node_modules. */
  modules: string;
  version: string;
  openFactory: (home: string) => Promise<Result<Factory, CannotOpen>>;
  signal: AbortSignal;
  onEntry: (entry: Entry) => void;
}

export interface DemoRow {
  session: string;
  shows: string;
  expected: string | undefined;
  entry: EntryOf<'ralph_cycle'>;
  /** What became of its branch in review and train; absent where none was pushed. */
  branch?: QueuedBranch;
}

export interface DemoResult {
  rows: DemoRow[];
  live: boolean;
  /** What is not as it must be; empty: the demo proved what it shows. */
  wrong: string[];
  home: string;
  remote: string;
  /** Main of the remote at the end, as a fresh clone of it shows it. */
  main: FreshClone;
  /** Standup, doctor, and the cycle after them; absent unless asked for. */
  crew?: CrewShown;
  /** Check executions, and what a cycle without shared results would have needed. */
  checks: { ran: number; reused: number };
  journal: string;
  durationMs: number;
}

/** Cycles run at once; the checks wait for slots of their own. */
const DEMO_SESSIONS_MAX = 8;

export const runDemo = async (input: DemoInput): Promise<Result<DemoResult, Failure | CannotOpen>> => {
  const claude = join(input.modules, '.bin/claude');
  for (const needed of ['typescript', 'vitest']) {
    if (!existsSync(join(input.modules, needed))) {
      return failed(
        'command-missing',
        `the demo needs ${needed}, which is a development dependency of Winnow: run npm ci in its checkout`,
      );
    }
  }
  if (!input.live && !existsSync(claude)) {
    return failed(
      'claude-missing',
      'the demo needs Claude Code, which is a development dependency of Winnow: run npm ci in its checkout',
    );
  }
  const startedMs = performance.now();
  const repository = await createDemoRepository(input.dir);
  const home = join(input.dir, 'home');
  const api = input.live
    ? undefined
    : await startMessagesApi({
        scenarios: { ...Object.fromEntries(ATTEMPTS.map((a) => [a.session, a.scenario])), reviewer: REVIEWER },
      });
  try {
    await writeHome(home, repository, input, api, claude);
    const opened = await input.openFactory(home);
    if (!opened.ok) return opened;
    const factory = opened.value;
    try {
      const before = await tipOf(repository);
      tellStarted(factory, input);
      const watch = watchJournal(factory, input, api);
      const rows = await runCycles(factory, input, watch.ended);
      const wrong = await wrongCycles(factory, repository, input, rows, before);
      await reviewAndLand(factory, input.signal);
      const main = await checkFreshClone(repository, input.dir, input.modules, before);
      wrong.push(...(await wrongLandings(factory, repository, input, main, before)));
      const crew = input.crew && api ? await showCrew(factory, api, input.signal) : undefined;
      await watch.stop();
      wrong.push(...(crew?.wrong ?? []));
      const { queue } = factory.journal.state();
      for (const row of rows) {
        const branch = queue[row.entry.data.branch ?? ''];
        if (branch) row.branch = branch;
      }
      return ok({
        rows,
        live: input.live,
        wrong,
        home,
        remote: repository.remote,
        main,
        ...(crew?.shown ? { crew: crew.shown } : {}),
        checks: {
          ran: factory.journal.state().checks.ran,
          reused: rows.reduce((sum, row) => sum + row.entry.data.checks.reused, 0),
        },
        journal: factory.paths.journal,
        durationMs: performance.now() - startedMs,
      });
    } finally {
      await factory.close();
    }
  } finally {
    await api?.close();
  }
};

/** It is a running factory while it lasts: whoever looks at the sessions must not find them abandoned. */
const tellStarted = ({ journal }: Factory, { version }: DemoInput): void => {
  journal.append<'process_started'>({
    type: 'process_started',
    data: { ...selfIdentity(), version, node: process.version, roles: ['demo'] },
  });
};

interface Watch {
  /** The end of each session's cycle, as it is journalled. */
  ended: Map<string, EntryOf<'ralph_cycle'>>;
  stop(): Promise<void>;
}

const watchJournal = (factory: Factory, input: DemoInput, api: MessagesApi | undefined): Watch => {
  const ended: Watch['ended'] = new Map();
  const watching = new AbortController();
  const told = (async () => {
    for await (const entry of factory.journal.follow({ from: 'start', signal: watching.signal })) {
      input.onEntry(entry);
      if (entry.type === 'claim_taken' && entry.session === 'alpha') api?.release(AFTER_ALPHA);
      // Without alpha's claim there is nothing to wait for.
      if (entry.type === 'ralph_cycle' && entry.session === 'alpha') api?.release(AFTER_ALPHA);
      if (entry.type === 'ralph_cycle') ended.set(entry.session ?? '', entry as EntryOf<'ralph_cycle'>);
    }
  })();
  return {
    ended,
    stop: () => {
      watching.abort();
      return told;
    },
  };
};

const runCycles = async (factory: Factory, input: DemoInput, ended: Watch['ended']): Promise<DemoRow[]> => {
  await recover(factory.shop, factory.sessions());
  const scheduler = createScheduler({
    shop: factory.shop,
    sessions: factory.sessions,
    facts: factory.facts,
    signal: input.signal,
    tell: factory.log,
  });
  const missing = () => factory.sessions().filter((session) => !ended.has(session.name));
  while (missing().length > 0 && !input.signal.aborted) {
    const decision = await scheduler.tick();
    await scheduler.idle();
    for (const entry of factory.journal.tail(factory.sessions().length * 2, { types: ['ralph_cycle'] })) {
      ended.set(entry.session ?? '', entry as EntryOf<'ralph_cycle'>);
    }
    if (decision.start.length === 0) break;
  }
  return factory.sessions().flatMap((session) => {
    const entry = ended.get(session.name);
    const attempt = ATTEMPTS.find((a) => a.session === session.name);
    if (!entry || !attempt) return [];
    return [
      {
        session: session.name,
        shows: input.live ? attempt.focus : attempt.shows,
        expected: input.live ? undefined : attempt.expected,
        entry,
      },
    ];
  });
};

/** Everything is looked up in git and in the journal; nothing is taken from what was scripted. */
const wrongCycles = async (
  factory: Factory,
  repository: DemoRepository,
  input: DemoInput,
  rows: DemoRow[],
  before: string,
): Promise<string[]> => {
  const wrong: string[] = [];
  for (const session of factory.sessions()) {
    if (!rows.some((row) => row.session === session.name)) wrong.push(`${session.name} did not finish its cycle`);
  }
  for (const { session, expected, entry } of rows) {
    const { outcome, reason, branch, commit } = entry.data;
    if (expected !== undefined && outcome !== expected)
      wrong.push(`${session}: ${outcome}, expected ${expected} (${reason})`);
    const there = branch ? await remoteCommit(repository, branch) : undefined;
    if (outcome === 'pushed' && there !== commit) wrong.push(`${session}: ${branch} is not at ${commit} in the remote`);
    if (outcome !== 'pushed' && there !== undefined)
      wrong.push(`${session}: ${branch} is in the remote although it was ${outcome}`);
  }
  if ((await tipOf(repository)) !== before) wrong.push('main moved, although nothing was reviewed');
  if (input.live) {
    for (const { session, entry } of rows) {
      const { outcome, reason } = entry.data;
      // What a real model tries is its own affair; that it could not try is not.
      if (outcome === 'failed' || outcome === 'unevaluated' || outcome === 'interrupted')
        wrong.push(`${session}: ${outcome}: ${reason}`);
    }
    return wrong;
  }
  const retried = factory.journal.tail(1, { types: ['run_retry_planned'] });
  if (retried.length === 0) wrong.push('no run was repeated after the fault of the service');
  const clash = factory.journal
    .tail(10, { types: ['plan_refused'] })
    .some((e) => e.type === 'plan_refused' && e.data.why === 'claim');
  if (!clash) wrong.push('no plan was sent back for clashing with a claim');
  return wrong;
};

const wrongLandings = async (
  factory: Factory,
  repository: DemoRepository,
  input: DemoInput,
  main: FreshClone,
  before: string,
): Promise<string[]> => {
  const { queue } = factory.journal.state();
  const wrong: string[] = [];
  const tip = await tipOf(repository);
  if (main.commit !== tip) wrong.push(`the fresh clone is at ${main.commit}, the remote's main at ${tip}`);
  const landings = factory.journal.tail(LANDINGS_READ_MAX, { types: ['merged'] });
  const landed = landings.flatMap((entry) => (entry.type === 'merged' ? entry.data.landings : []));
  if (main.landed.length !== landed.length)
    wrong.push(`${main.landed.length} commits on main since ${before.slice(0, 10)}, ${landed.length} in the journal`);
  for (const { branch, status } of Object.values(queue)) {
    const there = await remoteCommit(repository, branch);
    if (status.state !== 'needs-human' && there !== undefined)
      wrong.push(`${branch} is ${status.state} and still in the remote`);
  }
  if (input.live) return wrong;
  const fates = new Map(ATTEMPTS.flatMap((a): [string, Fate][] => (a.fate ? [[a.session, a.fate]] : [])));
  wrong.push(...wrongFates(queue, fates));
  for (const { name, ok: green, says } of main.checks) if (!green) wrong.push(`${name} is red on main: ${says}`);
  return wrong;
};

/** Far more than there are attempts. */
const LANDINGS_READ_MAX = 100;

const remoteCommit = async ({ remote }: DemoRepository, branch: string): Promise<string | undefined> => {
  const { exitCode, stdout } = await execa(
    'git',
    ['--git-dir', remote, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`],
    {
      reject: false,
    },
  );
  return exitCode === 0 ? stdout.trim() : undefined;
};

const tipOf = async (repository: DemoRepository): Promise<string> =>
  (await remoteCommit(repository, repository.branch)) ?? '';

const writeHome = async (
  home: string,
  { remote, branch }: DemoRepository,
  { live, modules }: DemoInput,
  api: MessagesApi | undefined,
  claude: string,
): Promise<void> => {
  const config = {
    projects: [
      {
        name: 'tally',
        repo: remote,
        branch,
        install: 'node install.mjs',
        lockfiles: ['package.json', 'install.mjs'],
        context: ['CLAUDE.md'],
        checks: [
          { name: 'tsc', run: 'tsc --noEmit --pretty false', parse: 'tsc', slot: 'tsc' },
          {
            name: 'tests',
            run: 'vitest run --reporter=json',
            rerun: 'vitest run --reporter=json {files}',
            parse: 'vitest-json',
            slot: 'test',
          },
        ],
        protect: ['.github/**', 'tsconfig*.json', 'vitest.config.*', 'package.json', 'install.mjs'],
        env: { TALLY_TOOLCHAIN: modules },
      },
    ],
    agent: {
      ...(live
        ? {}
        : { command: claude, env: { ANTHROPIC_BASE_URL: `${api?.url}/s/{session}`, ANTHROPIC_API_KEY: 'demo' } }),
      timeout: '5m',
      maxBudgetUsd: 0.5,
      iterations: 2,
    },
    schedule: { cycle: '1d' },
    // With one cycle each nothing could be told apart by the thresholds of a real home.
    doctor: { loopAfter: 2 },
    skills: { withhold: '0%' },
    gates: { maxSessions: DEMO_SESSIONS_MAX, memory: '98%', disk: '100MB', budgetPerDayUsd: 5 },
    slots: { tsc: 2, test: 2 },
  };
  await mkdir(join(home, 'sessions'), { recursive: true });
  await mkdir(join(home, 'logs'), { recursive: true });
  await writeFile(join(home, 'winnow.config.yaml'), stringify(config));
  for (const attempt of ATTEMPTS)
    await writeFile(join(home, 'sessions', `${attempt.session}.md`), sessionFile(attempt));
};

const sessionFile = ({ session, focus }: Attempt): string => `---
project: tally
focus: ${focus}
---
You are ${session}. Find one small thing within your focus that can be improved, and improve it.
`;
