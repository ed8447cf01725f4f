import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelRequest, Scenario } from '../../src/demo/scenario.ts';
import type { Factory } from '../../src/desk/doors.ts';
import { UNTIL_RESUMED } from '../../src/model/crew.ts';
import type { EntryOf, RalphCycle } from '../../src/model/entry.ts';
import type { Session } from '../../src/model/session.ts';
import { createDoctor, type Rounded } from '../../src/roles/doctor.ts';
import { createScheduler } from '../../src/roles/scheduler.ts';
import { THOROUGH } from '../thoroughness.ts';
import { bash, createWorkbench, planStep, WAIT_MAX_MS, type Workbench } from './workbench.ts';

/** Sessions with a past in the journal, a doctor with the real Claude Code, and the scheduler that goes on from there. */

const HALF_AN_HOUR = 30 * 60_000;
const UNCHANGED = 'empty: the agent changed nothing';

let bench: Workbench;
let factory: Factory;
const asked: ModelRequest[] = [];

/** What the doctor is told to say, by what it is asked about. */
let said: Record<string, unknown> = {};
const DOCTOR: Scenario = {
  steps: [
    async (request) => {
      asked.push(request);
      const about = /session "(\w+)" of/.exec(request.prompt)?.[1] ?? 'what worked';
      const answer = said[about] ?? { diagnosis: `Nothing can be said of ${about}.`, evidence: [] };
      return { blocks: [typeof answer === 'string' ? answer : { answer }] };
    },
  ],
  after: 'repeat-last',
};

beforeEach(async () => {
  asked.length = 0;
  said = {};
});

const open = async (sessions: string[], config: Record<string, unknown> = {}): Promise<void> => {
  bench = await createWorkbench({ sessions, scenarios: { doctor: DOCTOR }, config, agent: { retries: 0 } });
  factory = await bench.open();
};

let past = 0;
const cycle = (session: string, data: Partial<RalphCycle>): string => {
  past += 1;
  const where = { project: 'small', session, cycle: `01KKN3V8ZC${String(past).padStart(16, '0')}` };
  const { journal } = factory;
  journal.append<'cycle_started'>({
    type: 'cycle_started',
    ...where,
    data: { pid: process.pid, start: '1', trigger: 'schedule', workspace: '/nowhere' },
  });
  if (data.outcome === 'pushed') {
    const commit = String(past).padStart(40, '0');
    journal.append<'branch_pushed'>({
      type: 'branch_pushed',
      ...where,
      data: { branch: data.branch!, commit, base: commit, tree: commit },
    });
  }
  journal.append<'ralph_cycle'>({
    type: 'ralph_cycle',
    ...where,
    data: {
      ...{ outcome: 'discarded', reason: 'breaks 1 test', trigger: 'schedule', iterations: 1, costUsd: 0.1 },
      tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      checks: { ran: 0, reused: 0 },
      times: { total: 1 },
      skills: [],
      ...data,
    },
  });
  return where.cycle;
};
const plan = (title: string, files: string[]): RalphCycle['plan'] => ({
  ...{ title, files, why: 'sum subtracts', kind: 'fix', expects: 'it passes' },
});
const loops = (session: string): string[] =>
  [1, 2, 3].map(() => cycle(session, { outcome: 'empty', reason: 'the agent changed nothing' }));
const strays = (session: string): string[] =>
  [1, 2, 3, 4, 5].map((n) =>
    cycle(session, {
      plan: plan(`Round in way ${n}`, ['sum.js']),
      files: ['sum.js'],
      broken: [`tests: t${'abcde'[n - 1]}`],
    }),
  );
const works = (session: string): string[] =>
  [1, 2].map((n) =>
    cycle(session, {
      outcome: 'pushed',
      reason: 'better',
      branch: `brl/${session}/20260314-09150${n}`,
      plan: plan(`Test case ${n}`, [`t${n}.js`]),
    }),
  );

const SKILL = {
  name: 'one-case-at-a-time',
  description: 'How a missing test case is added; use it when a function has untested behaviour.',
  body: '## When\n\nA function has behaviour that no test shows.\n\n## How\n\n1. Name the case.\n2. Write it next to its neighbours.\n',
};
const FIND = 'Mend what is broken.';
const REPLACE = 'Mend what is broken. Edit the file before you answer.';

const session = (name: string): Session => factory.sessions().find((each) => each.name === name)!;
const known = (name: string) => factory.journal.state().sessions[name]!;

/** The scheduler of the same home, so much later. */
const laterCycle = async (name: string, laterMs: number): Promise<void> => {
  const { shop, facts } = factory;
  const clock = { ...shop.clock, now: () => shop.clock.now() + laterMs };
  const scheduler = createScheduler({
    shop: { ...shop, clock },
    sessions: () => [session(name)],
    facts,
    signal: new AbortController().signal,
    tell: () => {},
  });
  await scheduler.tick();
  await scheduler.idle();
};

const round = (options: Parameters<ReturnType<typeof createDoctor>['tick']>[1] = {}): Promise<Rounded> => {
  const { shop, facts, sessions } = factory;
  const { signal } = new AbortController();
  return createDoctor({ shop, sessions, facts, signal, tell: () => {} }).tick('schedule', options);
};
const held = (rounded: Rounded) => {
  if (rounded.state !== 'held') throw new Error(rounded.reason);
  return rounded.entry.data;
};

describe('a doctor’s round over three sessions', () => {
  let evidence: string[];
  let entry: EntryOf<'doctor_analysis'>;
  let questions: ModelRequest[];
  beforeAll(async () => {
    await open(['alpha', 'beta', 'gamma']);
    evidence = loops('alpha');
    const kept = works('beta');
    strays('gamma');
    said = {
      alpha: {
        diagnosis: 'It answers before it edits.',
        promptChange: { file: 'sessions/alpha.md', find: FIND, replace: REPLACE, why: 'It answers without an edit.' },
        evidence: [evidence[1], 'no such cycle'],
      },
      gamma: { diagnosis: 7 },
      'what worked': { summary: 'Single test cases were kept.', patterns: [{ ...SKILL, evidence: kept }] },
    };
    const { code, out, err } = await bench.start('doctor', '--json').done;
    expect({ code, err }).toMatchObject({ code: 0 });
    entry = JSON.parse(out);
    questions = [...asked];
  });
  afterAll(() => bench.close());

  it('prints its entry alone, and the entry says what was found, done and learnt', () => {
    expect(bench.ofType('doctor_analysis')).toMatchObject([entry]);
    expect(entry.data).toMatchObject({
      trigger: 'manual',
      summary: 'Single test cases were kept.',
      skills: [SKILL.name],
      sessions: [
        { session: 'alpha', class: 'error-looping', effect: 'parked', diagnosis: 'It answers before it edits.' },
        { session: 'beta', class: 'productive', effect: 'none', proposals: [] },
        { session: 'gamma', class: 'stuck', effect: 'redirected' },
      ],
    });
    expect(entry.data.runs).toBe(3);
    // What was not by the schema is no answer: class and effect stand, and the letter says so.
    expect(entry.data.sessions[2]).not.toHaveProperty('diagnosis');
  });

  it('asks about the two that are not well and about what worked, without any tool', () => {
    const about = questions.map(({ prompt }) => /session "(\w+)" of/.exec(prompt)?.[1] ?? 'what worked');
    expect(new Set(about)).toEqual(new Set(['alpha', 'gamma', 'what worked']));
    for (const { tools } of questions)
      expect(tools.filter((tool) => tool !== 'DeferredToolPlaceholder')).toEqual(['StructuredOutput']);
    const alpha = questions[about.indexOf('alpha')]!.prompt;
    expect(alpha).toContain(FIND);
    for (const id of evidence) expect(alpha).toContain(id);
  });

  it('writes a letter', () => {
    const letter = readFileSync(join(bench.home, entry.data.file), 'utf8');
    expect(letter).toContain('## alpha (small): error-looping');
    expect(letter).toContain('It answers before it edits.');
    expect(letter).toContain('No diagnosis: ');
    expect(letter).toContain('Its first cycle after the rest is the probe');
    expect(letter).toContain(`- ${SKILL.name}: ${SKILL.description}`);
    expect(letter).toMatch(/winnow prompts apply \w{6}/);
  });

  it('writes the technique down as a skill with the cycles that it comes from', () => {
    expect(existsSync(join(bench.home, 'skills', SKILL.name, 'SKILL.md'))).toBe(true);
    expect(bench.ofType('skill_written')).toHaveLength(1);
    expect(bench.ofType('skill_written')[0]!.data.evidence).toHaveLength(2);
  });

  it('does nothing twice when it is held again', async () => {
    const data = held(await round({ rulesOnly: true }));
    expect(data).toMatchObject({ runs: 0, withoutRuns: 'the rules alone were asked for' });
    expect(data.sessions.map(({ effect }) => effect)).toEqual(['none', 'none', 'none']);
    expect(bench.ofType('session_parked')).toHaveLength(1);
    expect(bench.ofType('session_redirected')).toHaveLength(1);
  });

  it('looks at one session alone when asked to, and names those that there are for another name', async () => {
    const data = held(await round({ rulesOnly: true, only: new Set(['gamma']) }));
    expect(data.sessions.map(({ session: name }) => name)).toEqual(['gamma']);
    const unknown = await bench.start('doctor', '--session', 'omega').done;
    expect(unknown).toMatchObject({ code: 2, out: '', err: expect.stringContaining('alpha, beta, gamma') });
  });

  it('applies the proposal when a person says so', async () => {
    const [{ data: proposed } = { data: { proposal: '' } }] = bench.ofType('prompt_proposed');
    expect(proposed).toMatchObject({ evidence: [evidence[1]] });
    const file = join(bench.home, 'sessions/alpha.md');
    expect(readFileSync(file, 'utf8')).not.toContain(REPLACE);
    const shown = await bench.start('prompts', 'show', proposed.proposal.slice(-6)).done;
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining(`-${FIND}\n+${REPLACE}`) });
    const applied = await bench.start('prompts', 'apply', proposed.proposal.slice(-6), '--json').done;
    expect(applied.code).toBe(0);
    expect(bench.ofType('prompt_applied')).toMatchObject([JSON.parse(applied.out)]);
    expect(readFileSync(file, 'utf8')).toContain(REPLACE);
    const again = await bench.start('prompts', 'apply', proposed.proposal.slice(-6)).done;
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('was applied by') });
  });

  it('keeps the parked one quiet, and lets it try once when its time is over: the same error, and it rests for longer', async () => {
    bench.api.play('alpha', { steps: [planStep(), { blocks: ['I looked.'] }], after: 'restart' });
    await laterCycle('alpha', HALF_AN_HOUR - 60_000);
    expect(bench.ofType('cycle_started').filter(({ data }) => data.workspace !== '/nowhere')).toEqual([]);
    await laterCycle('alpha', HALF_AN_HOUR + 60_000);
    expect(bench.ofType('ralph_cycle').at(-1)!.data).toMatchObject({
      outcome: 'empty',
      reason: 'the agent changed nothing',
    });
    const [first, second, ...more] = bench.ofType('session_parked').map(({ data }) => data);
    expect(more).toEqual([]);
    expect(second).toMatchObject({ failure: 'error-looping', signature: UNCHANGED });
    expect(first).toMatchObject({ failure: 'error-looping', signature: UNCHANGED });
    // The scheduler's clock was half an hour ahead: an hour after that.
    expect(Date.parse(second!.until) - Date.parse(first!.until)).toBeGreaterThan(HALF_AN_HOUR * 2);
    expect(known('alpha').probation).toBeUndefined();
  });

  it('closes the matter when the next try ends otherwise', async () => {
    bench.api.play('alpha', {
      steps: [planStep(), bash(`sed -i 's/a - b/a + b/' sum.js`), { blocks: ['It adds now.'] }],
    });
    await laterCycle('alpha', 5 * HALF_AN_HOUR);
    expect(bench.ofType('ralph_cycle').at(-1)!.data.outcome).toBe('pushed');
    expect(known('alpha')).not.toHaveProperty('parked');
    expect(known('alpha')).not.toHaveProperty('probation');
    expect(held(await round({ rulesOnly: true })).sessions[0]!.class).toBe('productive');
  });

  it('sends back a plan of the stuck one about the same, says so in the prompt, and takes another', async () => {
    const prompts: string[] = [];
    bench.api.play('gamma', {
      steps: [
        async ({ prompt }) => {
          prompts.push(prompt);
          return planStep({ title: 'Add the right way', files: ['sum.js'] }) as { blocks: [] };
        },
        planStep({ title: 'Say what the functions do', files: ['README.md'] }),
        bash('echo "sum adds." >> README.md'),
        { blocks: ['Said.'] },
      ],
    });
    await laterCycle('gamma', HALF_AN_HOUR);
    expect(prompts[0]).toContain('Round in way 5');
    expect(bench.ofType('plan_refused').at(-1)!.data).toMatchObject({ why: 'avoided', title: 'Add the right way' });
    expect(bench.ofType('ralph_cycle').at(-1)!.data).toMatchObject({ outcome: 'pushed' });
    expect(known('gamma')).not.toHaveProperty('avoid');
  });
});

describe('the doctor', () => {
  beforeAll(() =>
    open(['alpha'], {
      doctor: { parksPerDay: 1, prompts: 'apply' },
      gates: { memory: '99%', disk: '1MB', budgetPerDayUsd: 0.05 },
    }),
  );
  afterAll(() => bench.close());

  it('goes by its rules when the budget is spent, asks nobody, and asks a person once after too many parks', async () => {
    loops('alpha');
    const { journal } = factory;
    journal.append<'agent_ran'>({
      type: 'agent_ran',
      data: {
        ...{ run: 'r', purpose: 'probe', model: 'm', ok: true, attempt: 1, exitCode: 0, turns: 1, costUsd: 1 },
        tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
        ...{ durationMs: 1, transcript: 't', survivorsKilled: 0 },
      },
    });
    const data = held(await round());
    expect(data).toMatchObject({ runs: 0, withoutRuns: expect.stringContaining('gate budget is closed') });
    expect(data.sessions[0]).toMatchObject({ class: 'error-looping', effect: 'escalated' });
    expect(asked).toEqual([]);
    expect(known('alpha').parked).toMatchObject({ until: UNTIL_RESUMED });
    held(await round());
    expect(bench.ofType('alert').map((entry) => [entry.session, entry.data.mend])).toEqual([
      ['alpha', expect.stringContaining('`winnow resume alpha`')],
    ]);
    await laterCycle('alpha', 300 * 24 * 3_600_000);
    expect(bench.ofType('session_unparked')).toEqual([]);
  });

  it('is not at work while everything is paused, and forgives what was before a person let a session go on', async () => {
    const { journal } = factory;
    journal.append<'paused'>({ type: 'paused', data: { by: 'mia', reason: 'lunch' } });
    expect(await round()).toEqual({ state: 'waits', reason: 'everything is paused by mia' });
    journal.append<'resumed'>({ type: 'resumed', data: { by: 'mia' } });
    journal.append<'resumed'>({ type: 'resumed', session: 'alpha', project: 'small', data: { by: 'mia' } });
    expect(held(await round()).sessions[0]).toMatchObject({ class: 'productive', effect: 'none' });
  });
});

describe('a doctor that is killed while it asks', () => {
  beforeAll(() => open(['alpha'], { doctor: { prompts: 'apply' } }));
  afterAll(() => bench.close());

  it.runIf(THOROUGH)(
    'has done what the rules say, and the next round completes it without doing anything twice',
    async () => {
      loops('alpha');
      const change = {
        file: 'sessions/alpha.md',
        find: '',
        replace: 'Edit the file before you answer.',
        why: 'It answers first.',
      };
      bench.api.play('doctor', { steps: [{ blocks: ['late'], hold: 'never' }], after: 'repeat-last' });
      const first = bench.start('doctor');
      await bench.until(({ type }) => type === 'session_parked', 'a park');
      await bench.api.waitFor(({ key }) => key === 'doctor', WAIT_MAX_MS);
      first.child.kill('SIGKILL');
      await first.done;
      expect(bench.ofType('doctor_analysis')).toEqual([]);

      bench.api.play('doctor', DOCTOR);
      said = { alpha: { diagnosis: 'It answers first.', promptChange: change, evidence: [] } };
      const second = await bench.start('doctor').done;
      expect(second).toMatchObject({ code: 0, out: expect.stringContaining('It answers first.') });
      expect(bench.ofType('session_parked')).toHaveLength(1);
      expect(bench.ofType('doctor_analysis')[0]!.data.sessions[0]).toMatchObject({
        class: 'error-looping',
        effect: 'none',
      });
      // By the configuration proposals are applied at once.
      expect(bench.ofType('prompt_applied')[0]!.data).toMatchObject({ by: 'doctor', file: 'sessions/alpha.md' });
      expect(readFileSync(join(bench.home, 'sessions/alpha.md'), 'utf8')).toMatch(
        /Edit the file before you answer\.\n$/,
      );
    },
  );
});
