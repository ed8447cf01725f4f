import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { type MessagesApi, startMessagesApi } from '../../../src/demo/messages-api.ts';
import type { Scenario } from '../../../src/demo/scenario.ts';
import type { RunRequest } from '../../../src/ports/claude/claude.ts';
import { createClaude } from '../../../src/ports/claude/run.ts';
import { createWalls, toolPlaces } from '../../../src/ports/machine/sandbox.ts';
import { detectReaper } from '../../../src/ports/machine/walls.ts';
import { firstOf, howMany, THOROUGH } from '../../thoroughness.ts';
import {
  commandsOf,
  eventually,
  marked,
  openBox,
  outermost,
  REAL_CLAUDE,
  ROOT,
  realClaude,
  reaper,
  sweep,
  WAIT_MAX_MS,
} from './kit.ts';

/** How runs end that do not end by themselves. */
let api: MessagesApi;
const limit = pLimit(3);
const namespace = reaper();

beforeAll(async () => {
  api = await startMessagesApi();
});
afterAll(() => api.close());

type Box = ReturnType<typeof openBox>;

const inBox = (scenario: Scenario, work: (box: Box, key: string) => Promise<void>): Promise<void> =>
  limit(async () => {
    const key = `k-${randomUUID()}`;
    api.play(key, scenario);
    const box = openBox(api.url);
    try {
      await work(box, key);
    } finally {
      box.close();
    }
  });

/** Leaves a process in a session of its own, which says itself that it is there, and works on. */
const DETACH = "setsid -f sh -c 'touch started; exec sleep 300' >/dev/null 2>&1; sleep 299";
/** Leading sleeps are refused by the tool itself, scripts that sleep are not. */
const tool = (command: string): Scenario => ({
  steps: [{ blocks: [{ tool: 'Bash', input: { command } }], usage: { input: 5000 } }, { blocks: ['Done.'] }],
});
const sleeper = (box: Box, text: string) => box.write('work/work.sh', `#!/bin/sh\n${text}\n`, 0o755);
const started = (box: Box) => eventually(() => existsSync(box.at('work/started')));
const waiting = (): Scenario => ({ steps: [{ blocks: ['Never.'], hold: 'never' }] });

/** Time that runs faster than the process it watches. */
const fastClock = (factor: number): Clock => ({
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * factor,
  sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
});

/** Time that adds up how long it was asked to wait, whether or not that wait was cut short. */
const countingClock = (clock: Clock): Clock & { waitedMs(): number } => {
  let waited = 0;
  return {
    ...clock,
    sleep: (ms, signal) => {
      waited += ms;
      return clock.sleep(ms, signal);
    },
    waitedMs: () => waited,
  };
};

/** Time that the test puts forward. */
const clockToTurn = (): Clock & { turn(ms: number): void } => {
  let ahead = 0;
  return {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + ahead,
    turn: (ms) => {
      ahead += ms;
    },
  };
};

/** Again and again: a line that the program wrote after one turn begins its silence anew. */
const turnUntilEnded = async <T>(clock: { turn(ms: number): void }, ms: number, running: Promise<T>): Promise<T> => {
  const ended = new AbortController();
  const result = running.finally(() => ended.abort());
  while (!ended.signal.aborted) {
    clock.turn(ms);
    await systemClock.sleep(1000, ended.signal);
  }
  return result;
};
const claudeWith = (clock: Clock, prefix = namespace) =>
  createClaude({ command: REAL_CLAUDE, clock, reaperPrefix: prefix, sweep });

/** All that a stop may wait for a run, so that Winnow itself is stopped within ten seconds. */
const PATIENCE_MAX_MS = 5000;

/** Stands in for the program where it must misbehave as the real one does only by defect. */
const standIn = (box: Box, script: string, clock: Clock = systemClock, prefix: string[] = []) => {
  box.write('stand-in', `#!/bin/sh\n${script}\n`, 0o755);
  return createClaude({ command: box.at('stand-in'), clock, reaperPrefix: prefix, sweep });
};
const result = (over: Record<string, unknown> = {}) =>
  JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: 'Kept.', num_turns: 1, ...over });

for (const [wrapped, prefix] of [
  ['in a process namespace', namespace],
  ['without a wrapper', []],
] as const) {
  const isTried = wrapped.startsWith('in') ? namespace.length > 0 : THOROUGH || namespace.length === 0;
  describe.runIf(isTried)(`a run ${wrapped}`, { concurrent: true }, () => {
    const claude = realClaude([...prefix]);

    it('that is aborted amid a command is given five seconds at most, and nothing of it is left', async () => {
      await inBox(tool('./work.sh'), async (box, key) => {
        sleeper(box, DETACH);
        const abort = new AbortController();
        const request = box.request(key, { signal: abort.signal });
        const clock = countingClock(systemClock);
        const running = claudeWith(clock, [...prefix]).run(request);
        await started(box);
        expect(marked(request.run).length).toBeGreaterThan(1);
        abort.abort();
        const ended = await running;
        expect(clock.waitedMs()).toBeLessThanOrEqual(PATIENCE_MAX_MS);
        expect(ended).toMatchObject({ ok: false, failure: { kind: 'interrupted' } });
        expect(ended.usage.costUsd).toBeGreaterThan(0);
        expect(marked(request.run)).toEqual([]);
      });
    });

    it('that is aborted while it waits for the API is interrupted', async () => {
      await inBox(waiting(), async (box, key) => {
        const abort = new AbortController();
        const running = claude.run(box.request(key, { signal: abort.signal }));
        await api.waitFor((request) => request.key === key, WAIT_MAX_MS);
        abort.abort();
        expect(await running).toMatchObject({ ok: false, failure: { kind: 'interrupted' } });
      });
    });

    it('takes along what the agent left in the background, also after a good end', async () => {
      await inBox(
        tool('nohup setsid sleep 300 >/dev/null 2>&1 & (sleep 301 &) ; setsid -f sleep 302; touch started'),
        async (box, key) => {
          const request = box.request(key);
          const ended = await claude.run(request);
          expect(existsSync(box.at('work/started'))).toBe(true);
          expect(ended).toMatchObject({ ok: true, text: 'Done.' });
          if (prefix.length === 0) expect(ended.survivorsKilled).toBeGreaterThanOrEqual(2);
          expect(marked(request.run)).toEqual([]);
        },
      );
    });

    it('that is killed from outside is crashed, and its command dies with it', async () => {
      await inBox(tool('./work.sh'), async (box, key) => {
        sleeper(box, 'touch started; sleep 300');
        const request = box.request(key);
        const running = claude.run(request);
        await started(box);
        process.kill(outermost(request.run), 'SIGKILL');
        const ended = await running;
        expect(ended).toMatchObject({ ok: false, failure: { kind: 'crashed' }, exitCode: null });
        expect(ended.failure?.message).toContain('signal 9');
        expect(marked(request.run)).toEqual([]);
      });
    });
  });
}

describe.concurrent('a run that does not end by itself', () => {
  it.each<[string, Scenario]>([
    ['the API says nothing', waiting()],
    ['the API does nothing but ping', { steps: [{ faults: [{ pingsEveryMs: 50 }], blocks: [] }] }],
  ])('is stopped for its silence while %s', async (_, scenario) => {
    await inBox(scenario, async (box, key) => {
      const clock = clockToTurn();
      // Far beyond the silence, so that a run whose time is turned again and again is never over time.
      const running = claudeWith(clock).run(box.request(key, { silenceMs: 300_000, timeoutMs: 1e9 }));
      await api.waitFor((request) => request.key === key, WAIT_MAX_MS);
      const ended = await turnUntilEnded(clock, 301_000, running);
      expect(ended).toMatchObject({ ok: false, failure: { kind: 'silent' } });
      const [, seconds] = /said nothing for (\d+) s/.exec(ended.failure?.message ?? '') ?? [];
      expect(Number(seconds)).toBeGreaterThanOrEqual(300);
    });
  });

  it.runIf(THOROUGH)('reports a dead API itself when it is given its own time', async () => {
    await inBox({ steps: [{ faults: [{ stall: 'headers', times: 'always' }], blocks: [] }] }, async (box, key) => {
      const ended = await realClaude().run(
        box.request(key, { silenceMs: 10_000, env: { CLAUDE_CODE_MAX_RETRIES: '0' } }),
      );
      expect(ended).toMatchObject({ ok: false, failure: { kind: 'connection' } });
    });
  });

  it('has cost what it has used, also when a conversation goes on and the run ends without a result', async () => {
    const steps = [
      { blocks: ['First.'], usage: { input: 1000, output: 100 } },
      { blocks: [{ tool: 'Bash', input: { command: './work.sh' } }], usage: { input: 5000, output: 1000 } },
    ];
    await inBox({ steps }, async (box, key) => {
      sleeper(box, 'touch started; sleep 300');
      const conversation = randomUUID();
      const first = await realClaude().run(box.request(key, { conversation: { start: conversation } }));
      const request = box.request(key, { conversation: { resume: conversation } });
      const running = realClaude([]).run(request);
      await started(box);
      process.kill(outermost(request.run), 'SIGTERM');
      const ended = await running;
      expect(ended).toMatchObject({
        ok: false,
        failure: { kind: 'crashed' },
        exitCode: 143,
        usage: { turns: 1, tokens: { input: 5000, output: 1000 } },
      });
      // Dearer than the first run by its tokens, and by no more: the first is not counted again.
      const { costUsd } = first.usage;
      expect(ended.usage.costUsd).toBeGreaterThan(costUsd * 5);
      expect(ended.usage.costUsd).toBeLessThan(costUsd * 10);
    });
  });

  it('is stopped when its time is over, however busy it is', async () => {
    const busy: Scenario = {
      steps: [{ blocks: [{ tool: 'Bash', input: { command: 'true' } }] }],
      after: 'repeat-last',
    };
    await inBox(busy, async (box, key) => {
      const clock = clockToTurn();
      const request = box.request(key, { timeoutMs: 900_000, silenceMs: 3_600_000, maxTurns: 10_000 });
      const running = claudeWith(clock).run(request);
      await api.waitFor((asked) => asked.key === key && (asked.toolResults[0]?.id ?? '').endsWith('_3_0'), WAIT_MAX_MS);
      clock.turn(901_000);
      const ended = await running;
      expect(ended).toMatchObject({ ok: false, failure: { kind: 'overtime' } });
      expect(ended.failure?.message).toMatch(/not done after 90\d s/);
      expect(ended.usage.costUsd).toBeGreaterThan(0);
    });
  });

  it('keeps the result that it has given', async () => {
    await inBox(waiting(), async (box, key) => {
      const claude = standIn(box, `echo '${result()}'; exec sleep 300`, fastClock(10));
      const request = box.request(key, { silenceMs: 600_000, timeoutMs: 600_000 });
      expect(await claude.run(request)).toMatchObject({ ok: true, text: 'Kept.' });
      expect(marked(request.run)).toEqual([]);
    });
  });

  it.each([
    ['interrupts', "trap '' INT"],
    ['everything that can be ignored', "trap '' INT TERM HUP"],
  ])('is stopped though it ignores %s', async (_, trap) => {
    await inBox(waiting(), async (box, key) => {
      // The trap is inherited by what the shell runs.
      const clock = countingClock(fastClock(10));
      const claude = standIn(box, `${trap}; touch started; while :; do sleep 0.1; done`, clock);
      const abort = new AbortController();
      const request = box.request(key, { signal: abort.signal, silenceMs: 1e9, timeoutMs: 1e9 });
      const running = claude.run(request);
      await started(box);
      abort.abort();
      expect(await running).toMatchObject({ ok: false, failure: { kind: 'interrupted' } });
      expect(clock.waitedMs()).toBeLessThanOrEqual(PATIENCE_MAX_MS);
      expect(marked(request.run)).toEqual([]);
    });
  });

  it('is never started when it was aborted before', async () => {
    await inBox(waiting(), async (box, key) => {
      const claude = standIn(box, 'touch started');
      const ended = await claude.run(box.request(key, { signal: AbortSignal.abort() }));
      expect(ended).toMatchObject({ ok: false, failure: { kind: 'interrupted' }, exitCode: null });
      expect(existsSync(box.at('work/started'))).toBe(false);
    });
  });
});

describe.concurrent('a strange program', () => {
  const cases: [string, string, Record<string, unknown>][] = [
    ['that says nothing and ends with 0', 'exit 0', { ok: false, failure: { kind: 'crashed' }, exitCode: 0 }],
    ['that gives its last line without an end', `printf '%s' '${result()}'`, { ok: true, text: 'Kept.' }],
    ['that writes Windows line ends and control characters', `printf '%s\\r\\n\\033[?25h' '${result()}'`, { ok: true }],
    ['that mixes words into the protocol', `echo Warning; echo '{"type":'; echo '${result()}'; echo bye`, { ok: true }],
    [
      'that reads its prompt',
      `read -r line; echo "{\\"type\\":\\"result\\",\\"is_error\\":false,\\"result\\":\\"$line\\"}"`,
      { ok: true, text: 'Do it.' },
    ],
    ['that floods standard error', `head -c 20000000 /dev/zero | tr '\\0' 'e' >&2; echo '${result()}'`, { ok: true }],
    ['that closes everything and goes on', `echo '${result()}'; exec <&- >&- 2>&-; exec sleep 0.3`, { text: 'Kept.' }],
    ['that kills itself', 'kill -SEGV $$', { ok: false, failure: { kind: 'crashed' }, exitCode: null }],
  ];
  it.each(firstOf(3, cases))('%s', async (_, script, wanted) => {
    await inBox(waiting(), async (box, key) => {
      const request = box.request(key);
      expect(await standIn(box, script).run(request)).toMatchObject(wanted);
      expect(box.read(`log/${request.run}.tty`).length).toBeLessThan(1_200_000);
    });
  });

  it('that grows its output without a line end costs no memory', async () => {
    await inBox(waiting(), async (box, key) => {
      const before = process.memoryUsage().rss;
      const claude = standIn(box, `head -c 300000000 /dev/zero; echo; echo '${result()}'`);
      expect(await claude.run(box.request(key))).toMatchObject({ ok: true });
      expect(process.memoryUsage().rss - before).toBeLessThan(250_000_000);
    });
  });
});

describe('a polite stop', () => {
  it.each([
    ['none', 'open'],
    ['bwrap', 'open'],
    ['bwrap', 'listed'],
  ] as const)('reaches the program behind all that Winnow puts around it: %s, %s', async (kind, network) => {
    await inBox(waiting(), async (box, key) => {
      const walls = createWalls({
        wanted: () => ({ kind, user: '', readable: [] }),
        reaper: await detectReaper(),
        disposable: box.dir,
        shown: () => toolPlaces(process.env, [join(ROOT, 'dist')], []),
        relay: join(ROOT, 'dist/relay.js'),
        hidden: [],
      });
      // Where bubblewrap is missing nothing runs, which is told elsewhere.
      if (!(await walls.stand()).ok) return;
      const script = `trap 'echo '"'"'${result()}'"'"'; exit 0' INT; touch started; while :; do sleep 0.05; done`;
      box.write('work/stand-in', `#!/bin/sh\n${script}\n`, 0o755);
      const abort = new AbortController();
      const reach = network === 'open' ? network : { hosts: [], upstream: {} };
      const request = box.request(key, { signal: abort.signal, network: reach });
      const claude = createClaude({ command: box.at('work/stand-in'), clock: systemClock, walls, sweep });
      const running = claude.run(request);
      await started(box);
      abort.abort();
      expect(await running).toMatchObject({ ok: true, text: 'Kept.', exitCode: 0 });
      expect(marked(request.run)).toEqual([]);
    });
  });
});

describe('many runs', () => {
  it('of a program that writes and exits at once lose no result', async () => {
    const box = openBox(api.url);
    // More than a pseudo-terminal holds, with the line that counts at the very end.
    const filler = JSON.stringify({ type: 'system', subtype: 'status', text: 'x'.repeat(4000) });
    const script = `for i in 1 2 3; do echo '${filler}'; done; read -r line; printf '%s' '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"'; printf '%s"}' "$line"`;
    const plain = standIn(box, script);
    const wrapped = standIn(box, script, systemClock, namespace);
    const sixteen = pLimit(16);
    const lost = await Promise.all(
      Array.from({ length: howMany(60, 200) }, (_, i) =>
        sixteen(async () => {
          const prompt = `answer ${i}`;
          const ended = await (i % 2 ? wrapped : plain).run(box.request('none', { prompt }));
          return ended.ok && ended.text === prompt ? 0 : 1;
        }),
      ),
    );
    box.close();
    expect(lost.filter((one) => one === 1)).toHaveLength(0);
  });

  it('of the real program, four at a time on one configuration, lose no result', async () => {
    const box = openBox(api.url);
    api.play('many', {
      steps: [({ prompt }) => ({ blocks: [`${prompt} ${'y'.repeat(9000)} end`] })],
      after: 'repeat-last',
    });
    const claude = realClaude();
    const four = pLimit(4);
    const count = howMany(8, 24);
    const ended = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        four(() => claude.run(box.request('many', { prompt: `answer ${i}`, tmpDir: box.at(`tmp-${i}`) }))),
      ),
    );
    box.close();
    expect(ended.map((one, i) => one.ok && one.text.startsWith(`answer ${i} y`) && one.text.endsWith(' end'))).toEqual(
      Array.from({ length: count }, () => true),
    );
  });
});

describe('the death of Winnow itself', () => {
  it.skipIf(namespace.length === 0)('ends the run and all that it started, and no request follows', async () => {
    await inBox(tool('./work.sh'), async (box, key) => {
      sleeper(box, DETACH);
      const request = box.request(key);
      const winnow = orchestrator({ command: REAL_CLAUDE, reaperPrefix: namespace, request });
      await started(box);
      const asked = api.log.filter((r) => r.key === key).length;
      winnow.kill('SIGKILL');
      await eventually(() => marked(request.run).length === 0);
      expect(api.log.filter((r) => r.key === key)).toHaveLength(asked);
    });
  });

  it('ends also a run without a wrapper; what the agent detached is found by the marker', async () => {
    await inBox(tool('./work.sh'), async (box, key) => {
      sleeper(box, DETACH);
      const request = box.request(key);
      const winnow = orchestrator({ command: REAL_CLAUDE, reaperPrefix: [], request });
      await started(box);
      winnow.kill('SIGKILL');
      await eventually(() => commandsOf(request.run).every(({ line }) => line.startsWith('sleep')));
      expect(await sweep(request.run)).toBeGreaterThan(0);
      expect(marked(request.run)).toEqual([]);
    });
  });
});

/** A process of its own that does nothing but run one request. */
const orchestrator = (input: { command: string; reaperPrefix: string[]; request: RunRequest }): ChildProcess =>
  spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('./orchestrator.ts', import.meta.url)), JSON.stringify(input)],
    {
      cwd: ROOT,
      stdio: 'ignore',
    },
  );
