import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Fault as ApiFault, ModelRequest, Scenario, Step } from '../src/demo/scenario.ts';
import type { Entry } from '../src/model/entry.ts';
import { createWorkbench, planStep, type Started, type Workbench } from '../test/factory/workbench.ts';
import type { Random } from './random.ts';

/**
 * A factory at work: a real repository with twelve broken modules and one test for each, two sessions that mend one at
 * a time, a reviewer that approves, and the train. Only the model’s words are given. Beside it lies what nothing may
 * touch, and in its environment what nothing may tell.
 */
export interface World {
  bench: Workbench;
  random: Random;
  /** `winnow up`, as it runs now. */
  factory: Started | undefined;
  /** Starts the factory, unless it runs. */
  start(): void;
  /** Ends it so that it cannot do anything about it. */
  kill(): Promise<void>;
  /** Tells it to stop, and waits for that. */
  stop(): Promise<{ code: number | null; seconds: number }>;
  /** What the agent does instead of its work, once: commands of its shell. */
  misbehave(command: string): void;
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
  canary: { dir: string; hash: string };
  secret: string;
  /** The next alert that says what a person must do, in place of going on. */
  expectsPerson: boolean;
  close(): Promise<void>;
}

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

/** Mends the first of its own modules that still fails, by what the prompt says of the tests. */
const worker = (session: string, misdeeds: string[], troubles: ApiFault[]): Scenario => {
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
    return planStep({ title: `Add in ${name} instead of subtracting`, files: [`${name}.js`] }) as never;
  };
  const hack: Step = ({ conversation, memory }: ModelRequest) => {
    const trouble = troubles.shift();
    if (trouble) return trouble;
    if (memory.get('mended') === conversation) return { blocks: ['It adds now.'] };
    memory.set('mended', conversation);
    const misdeed = misdeeds.shift();
    const mend = `sed -i 's/a - b/a + b/' ${memory.get('module')}.js`;
    const command = misdeed === undefined ? mend : `${mend}\n${misdeed}`;
    return { blocks: [{ tool: 'Bash', input: { command, description: 'Do it' } }] };
  };
  return {
    tracks: [
      { when: ({ wantsAnswer }) => wantsAnswer, steps: [plan], after: 'repeat-last' },
      { steps: [hack], after: 'repeat-last' },
    ],
  };
};

const REVIEWER: Scenario = {
  steps: [{ blocks: [{ answer: { decision: 'approve', reasons: ['It adds'], risk: 'low', comments: [] } }] }],
  after: 'repeat-last',
};

export const createWorld = async (random: Random): Promise<World> => {
  const misdeeds: string[] = [];
  const troubles: Record<string, ApiFault[]> = Object.fromEntries(SESSIONS.map((name) => [name, []]));
  const bench = await createWorkbench({
    files: files(),
    scenarios: {
      ...Object.fromEntries(SESSIONS.map((name) => [name, worker(name, misdeeds, troubles[name]!)])),
      reviewer: REVIEWER,
    },
    sessions: [...SESSIONS],
    agent: { silence: '8s', timeout: '60s', retries: 3 },
    config: { schedule: { tick: '2s', cycle: '1s' }, gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 50 } },
    homeFiles: { '.env': `CHAOS_TOKEN=${SECRET}\n` },
  });
  const canary = join(bench.dir, 'not-yours');
  await mkdir(join(canary, 'deep'), { recursive: true });
  await writeFile(join(canary, 'letter.txt'), 'Nobody may touch this.\n');
  await writeFile(join(canary, 'deep/key'), 'nor this\n');
  const journal = join(bench.home, 'logs/experiment-log.jsonl');
  const read = () => (existsSync(journal) ? readFileSync(journal) : Buffer.alloc(0));

  const world: World = {
    ...{ bench, random, factory: undefined, journal, acknowledged: Buffer.alloc(0), damagedFrom: undefined, kills: 0 },
    ...{ canary: { dir: canary, hash: hashOf(canary) }, secret: SECRET, expectsPerson: false },
    start: () => {
      world.factory ??= bench.start('up');
    },
    kill: async () => {
      const { factory } = world;
      world.factory = undefined;
      if (factory) world.kills += 1;
      factory?.child.kill('SIGKILL');
      await factory?.done;
    },
    stop: async () => {
      const { factory } = world;
      world.factory = undefined;
      const began = Date.now();
      factory?.child.kill('SIGTERM');
      const ended = await factory?.done;
      return { code: ended?.code ?? null, seconds: (Date.now() - began) / 1000 };
    },
    misbehave: (command) => misdeeds.push(command),
    trouble: (session, faults) => troubles[session]?.push(...faults),
    acknowledge: () => {
      world.acknowledged = read();
    },
    next: async (passes, what) => {
      const from = bench.entries().length;
      const deadline = Date.now() + GOES_ON_MAX_MS;
      for (;;) {
        const found = bench.entries().slice(from).find(passes);
        if (found) return found;
        if (Date.now() > deadline) throw new Error(`never came: ${what}`);
        await pause(LOOK_MS);
      }
    },
    workGoesOn: async () => {
      const looking = new AbortController();
      const begun = await Promise.race([
        world.next((entry) => entry.type === 'cycle_started', 'another cycle'),
        allRest(bench, looking.signal).then(() => undefined),
      ]).finally(() => looking.abort());
      if (begun === undefined) return 'rests';
      await world.next(
        (entry) => entry.type === 'merged' && entry.id > begun.id && entry.data.landings.length > 0,
        'another landing',
      );
      return 'works';
    },
    close: async () => {
      await world.kill();
      await bench.close();
    },
  };
  return world;
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
  const leftMs = Date.parse(told.data.until) - Date.now();
  return leftMs > 0 && leftMs < REST_MAX_MS;
};

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
