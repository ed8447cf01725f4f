import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Fault as ApiFault, ModelRequest, Scenario, Step } from '../src/demo/scenario.ts';
import type { Entry, EntryOf, EntryType } from '../src/model/entry.ts';
import { createWorkbench, planStep, type Started, type Workbench } from '../test/factory/workbench.ts';
import { isTorn } from './line.ts';
import type { Random } from './random.ts';

/**
 * A factory at work: a real repository with twelve broken modules and one test for each, two sessions that mend one at
 * a time, a reviewer that approves, and the train. Only the model’s words are given. Beside it lies what nothing may
 * touch, and in its environment what nothing may tell.
 */
export interface World {
  bench: Workbench;
  random: Random;
  setting: Setting;
  /** `winnow up` as it runs now, by the roles that each process has. */
  running: Map<string, Started>;
  /** Starts what does not run. */
  start(): void;
  /** Ends it, or the process of one role, so that it cannot do anything about it. */
  kill(roles?: string): Promise<void>;
  /** Tells it to stop, and waits for that; the worst code. */
  stop(): Promise<{ code: number | null; seconds: number; said: string }>;
  /** What the agent does beside its work, once: commands of its shell, or what it makes of all it has read. */
  misbehave(misdeed: Misdeed): void;
  /** What the agent calls its next plan. */
  entitle(title: string): void;
  /** What the agent’s tools answered, as the model’s service was told. */
  heard: string[];
  /** What the model’s service says to a session in place of its next answers. */
  trouble(session: string, faults: ApiFault[]): void;
  /**
   * Waits until something lands that was not under way before. Where every session rests by rule instead, since what it
   * met may come again, it says until when: that moment is not waited for.
   */
  workGoesOn(): Promise<'works' | 'rests'>;
  /** Resolves with the next entry that passes, from now on. */
  next(passes: (entry: Entry) => boolean, what: string): Promise<Entry>;
  journal: string;
  /** What lay in the journal at the last look: acknowledged, so it must be there for ever. */
  acknowledge(): void;
  acknowledged: Buffer;
  /** How often a writer of the journal was killed. */
  kills: number;
  /** Bytes of the journal that the trial itself damaged, from here on. */
  damagedFrom: number | undefined;
  /** Bits that the trial turned, each in a line of its own. */
  turnedBits: number;
  /** A whole entry that the trial made unreadable, as it was. */
  forgotten: Entry | undefined;
  canary: { dir: string; hash: string };
  secret: string;
  close(): Promise<void>;
}

type Misdeed = string | ((request: ModelRequest) => string);

/** How a trial’s home is set up; what is not said is drawn by its seed, or is as in most homes. */
export interface Setting {
  sandbox: 'none' | 'bwrap';
  /** Each role in a process of its own, as PM2 and systemd can have it. */
  apart: boolean;
  /** Modules that Winnow’s own processes load first, as URLs; of the trial’s directory. */
  preload?: (dir: string) => string[];
  /** Merged over the whole configuration. */
  config?: Record<string, unknown>;
  /** Merged over the project of the configuration. */
  project?: Record<string, unknown>;
  /** Further sessions, which are paused: what is given to them stays. */
  paused?: string[];
  /** Further files of the repository. */
  files?: Record<string, string>;
}

export const ROLES = ['scheduler', 'reviewer', 'standup', 'doctor', 'bot', 'http'] as const;
const PAUSED = '---\nproject: small\nfocus: failing tests\npaused: true\n---\nMend what is broken.\n';
const IN_ONE = 'all';

export const MODULES = 12;
export const SESSIONS = ['alpha', 'beta'] as const;
const SECRET = 'wn-chaos-8Qz4Vt1LkP7eR2mX';
/** A landing takes five to fifteen seconds when nothing is wrong; a repeated run waits for its back-off beside it. */
const GOES_ON_MAX_MS = 120_000;
const LOOK_MS = 100;

export const moduleName = (n: number): string => `m${String(n).padStart(2, '0')}`;

const files = (): Record<string, string> => {
  const names = Array.from({ length: MODULES }, (_, n) => moduleName(n + 1));
  return {
    'package.json': '{ "name": "small", "private": true, "type": "module" }\n',
    'README.md': '# small\n\nA dozen functions that should add.\n',
    ...Object.fromEntries(names.map((name) => [`${name}.js`, `export const ${name} = (a, b) => a - b;\n`])),
    'all.test.js': [
      "import assert from 'node:assert/strict';",
      "import test from 'node:test';",
      ...names.map((name) => `import { ${name} } from './${name}.js';`),
      ...names.map((name) => `test('${name} adds', () => assert.equal(${name}(1, 2), 3));`),
      '',
    ].join('\n'),
  };
};

/** What a trial makes the model say and do beside its work, and what it was told in return. */
interface Script {
  misdeeds: Misdeed[];
  titles: string[];
  troubles: Record<string, ApiFault[]>;
  heard: string[];
}

/** Mends the first of its own modules that still fails, by what the prompt says of the tests. */
const worker = (session: string, script: Script): Scenario => {
  const { misdeeds, titles, heard } = script;
  const troubles = script.troubles[session]!;
  const own = (name: string) => (Number(name.slice(1)) % 2 === 1) === (session === SESSIONS[0]);
  const plan: Step = ({ prompts, memory }: ModelRequest) => {
    const trouble = troubles.shift();
    if (trouble) return trouble;
    const failing = [...new Set(prompts.join('\n').match(/\bm\d\d(?= adds)/g) ?? [])].filter(own).sort();
    // A plan that was sent back is for the next one.
    const last = memory.get('module') as string | undefined;
    const rest = prompts.length > 1 ? failing.filter((name) => name !== last) : failing;
    const [name] = rest.length > 0 ? rest : failing;
    if (name === undefined) return planStep({ nothing: true }) as never;
    memory.set('module', name);
    const title = titles.shift() ?? `Add in ${name} instead of subtracting`;
    return planStep({ title, files: [`${name}.js`] }) as never;
  };
  const hack: Step = (request: ModelRequest) => {
    const { conversation, memory, toolResults } = request;
    heard.push(...toolResults.map(({ text }) => text));
    const trouble = troubles.shift();
    if (trouble) return trouble;
    if (memory.get('mended') === conversation) return { blocks: ['It adds now.'] };
    memory.set('mended', conversation);
    const misdeed = misdeeds.shift();
    const mend = `sed -i 's/a - b/a + b/' ${memory.get('module')}.js`;
    const beside = typeof misdeed === 'function' ? misdeed(request) : misdeed;
    const command = beside === undefined ? mend : `${mend}\n${beside}`;
    return { blocks: [{ tool: 'Bash', input: { command, description: 'Do it' } }] };
  };
  return {
    tracks: [
      { when: ({ wantsAnswer }) => wantsAnswer, steps: [plan], after: 'repeat-last' },
      { steps: [hack], after: 'repeat-last' },
    ],
  };
};

/** Approves, unless it is told that assertions were bent: code says so, and whoever is told must be able to act on it. */
const REVIEWER: Scenario = {
  steps: [
    ({ prompts }: ModelRequest) =>
      ({
        blocks: [
          {
            answer: /assertion-(?:weakened|changed)/.test(prompts.join('\n'))
              ? { decision: 'reject', reasons: ['It bends the test to the code'], risk: 'high', comments: [] }
              : { decision: 'approve', reasons: ['It adds'], risk: 'low', comments: [] },
          },
        ],
      }) as never,
  ],
  after: 'repeat-last',
};

export const createWorld = async (random: Random, setting: Setting): Promise<World> => {
  const script: Script = {
    ...{ misdeeds: [], titles: [], heard: [] },
    troubles: Object.fromEntries(SESSIONS.map((name) => [name, []])),
  };
  const made = await createWorkbench({
    files: { ...files(), ...setting.files },
    scenarios: {
      ...Object.fromEntries(SESSIONS.map((name) => [name, worker(name, script)])),
      reviewer: REVIEWER,
    },
    sessions: [...SESSIONS],
    agent: { silence: '12s', timeout: '60s', retries: 3, sandbox: setting.sandbox },
    ...(setting.project ? { project: setting.project } : {}),
    config: {
      gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 50 },
      ...setting.config,
      schedule: { tick: '2s', cycle: '1s', ...(setting.config?.schedule as object | undefined) },
    },
    nodeArgs: (dir) => (setting.preload?.(dir) ?? []).flatMap((url) => ['--import', url]),
    homeFiles: {
      '.env': `CHAOS_TOKEN=${SECRET}\n`,
      ...Object.fromEntries((setting.paused ?? []).map((name) => [`sessions/${name}.md`, PAUSED])),
    },
  });
  const journal = join(made.home, 'logs/experiment-log.jsonl');
  // Whole lines only, as any reader takes them: what is damaged still may look like an entry.
  const entries = (): Entry[] =>
    existsSync(journal)
      ? readFileSync(journal, 'utf8')
          .split('\n')
          .flatMap((line) => (line === '' || isTorn(line) ? [] : [JSON.parse(line) as Entry]))
      : [];
  const ofType = <T extends EntryType>(type: T): EntryOf<T>[] =>
    entries().filter((entry): entry is Entry & EntryOf<T> => entry.type === type) as EntryOf<T>[];
  const bench: Workbench = { ...made, entries, ofType };
  const canary = join(bench.dir, 'not-yours');
  await mkdir(join(canary, 'deep'), { recursive: true });
  await writeFile(join(canary, 'letter.txt'), 'Nobody may touch this.\n');
  await writeFile(join(canary, 'deep/key'), 'nor this\n');
  let closed = false;
  const read = () => (existsSync(journal) ? readFileSync(journal) : Buffer.alloc(0));

  const world: World = {
    ...{
      bench,
      random,
      setting,
      heard: script.heard,
      journal,
      acknowledged: Buffer.alloc(0),
      damagedFrom: undefined,
      kills: 0,
    },
    ...{
      canary: { dir: canary, hash: hashOf(canary) },
      secret: SECRET,
      forgotten: undefined,
      turnedBits: 0,
    },
    running: new Map(),
    start: () => {
      for (const roles of setting.apart ? ROLES : [IN_ONE]) {
        if (world.running.has(roles)) continue;
        world.running.set(roles, bench.start('up', ...(roles === IN_ONE ? [] : ['--roles', roles])));
      }
    },
    kill: async (only) => {
      const killed = [...world.running].filter(([roles]) => only === undefined || roles === only);
      for (const [roles, { child }] of killed) {
        world.running.delete(roles);
        world.kills += 1;
        child.kill('SIGKILL');
      }
      await Promise.all(killed.map(([, { done }]) => done));
    },
    stop: async () => {
      const running = [...world.running.values()];
      world.running.clear();
      const began = Date.now();
      for (const { child } of running) child.kill('SIGTERM');
      const ended = await Promise.all(running.map(({ done }) => done));
      const worst = ended.find(({ code }) => code !== 0) ?? ended[0];
      return { code: worst?.code ?? null, seconds: (Date.now() - began) / 1000, said: worst?.err ?? '' };
    },
    misbehave: (misdeed) => script.misdeeds.push(misdeed),
    entitle: (title) => script.titles.push(title),
    trouble: (session, faults) => script.troubles[session]?.push(...faults),
    acknowledge: () => {
      world.acknowledged = read();
    },
    next: (passes, what) => cameSince(bench, bench.entries().length, passes, what, () => closed),
    workGoesOn: async () => {
      const looking = new AbortController();
      const landing = async (): Promise<'works'> => {
        const begun = await world.next((entry) => entry.type === 'cycle_started', 'another cycle');
        // By its place and not by its id: a clock that was set back gives lower ones.
        const from = bench.entries().findIndex(({ id }) => id === begun.id);
        const lands = (entry: Entry) => entry.type === 'merged' && entry.data.landings.length > 0;
        await cameSince(bench, from, lands, 'another landing', () => closed);
        return 'works';
      };
      const resting = allRest(bench, looking.signal).then((): 'rests' => 'rests');
      return Promise.race([landing(), resting]).finally(() => looking.abort());
    },
    close: async () => {
      closed = true;
      await world.kill();
      await bench.close();
    },
  };
  return world;
};

const cameSince = async (
  bench: Workbench,
  from: number,
  passes: (entry: Entry) => boolean,
  what: string,
  isOver: () => boolean,
): Promise<Entry> => {
  const deadline = Date.now() + GOES_ON_MAX_MS;
  for (;;) {
    const found = bench.entries().slice(from).find(passes);
    if (found) return found;
    if (isOver() || Date.now() > deadline) throw new Error(`never came: ${what}`);
    await pause(LOOK_MS);
  }
};

/** A park or a project's retry lasts minutes; longer than this nobody would call it going on. */
const REST_MAX_MS = 6 * 3_600_000;
/** So long nothing may happen before a rest is believed. */
const REST_SEEN_MS = 20_000;

/** Resolves when every session has rested for a while for a reason that the journal tells, with an end of its own. */
const allRest = async (bench: Workbench, signal: AbortSignal): Promise<void> => {
  let sinceMs = Date.now();
  while (!signal.aborted) {
    await pause(LOOK_MS * 5);
    const running = bench.ofType('cycle_started').length - bench.ofType('ralph_cycle').length;
    if (running > 0 || !SESSIONS.every((name) => restsNow(bench, name))) sinceMs = Date.now();
    if (Date.now() - sinceMs > REST_SEEN_MS) return;
  }
};

const restsNow = (bench: Workbench, session: string): boolean => {
  const told = bench.entries().findLast((entry) => {
    if (entry.type === 'project_unready' || entry.type === 'project_ready') return true;
    return (entry.type === 'session_parked' || entry.type === 'session_unparked') && entry.session === session;
  });
  if (told?.type === 'project_unready') return true;
  if (told?.type !== 'session_parked') return false;
  const leftMs = Date.parse(told.data.until) - (Date.now() + aheadMs(bench.dir));
  return leftMs > 0 && leftMs < REST_MAX_MS;
};

/** Where the trial says by how much the clock of Winnow’s processes differs, in milliseconds. */
export const clockFile = (dir: string): string => join(dir, 'clock-ahead-ms');
export const aheadMs = (dir: string): number =>
  existsSync(clockFile(dir)) ? Number(readFileSync(clockFile(dir), 'utf8')) : 0;

export const pause = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));

/** Of every name, kind and content below a directory. */
export const hashOf = (dir: string): string => {
  const hash = createHash('sha256');
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()) {
    const at = join(dir, name);
    hash.update(`${name}\0`);
    if (statSync(at).isFile()) hash.update(readFileSync(at));
  }
  return hash.digest('hex');
};

/** Runs git on the remote. */
export const remoteGit = async (world: Pick<World, 'bench'>, ...args: string[]): Promise<string> =>
  (await execa('git', ['--git-dir', world.bench.remote, ...args])).stdout;
