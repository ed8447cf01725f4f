import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type CommandRequest, createCommands, parseReport } from '../../../src/ports/machine/command.ts';
import { findMarked } from '../../../src/ports/machine/processes.ts';
import { detectReaper, type Reaper, SWEEP_ONLY } from '../../../src/ports/machine/walls.ts';
import { howMany } from '../../thoroughness.ts';

const walled = await detectReaper();
const reapers: [string, Reaper][] = [['sweep alone', SWEEP_ONLY]];
if (walled.kind !== 'sweep') reapers.push([`a ${walled.kind}`, walled]);

/** Far more than any machine takes, and less than what was started would have taken. */
const AT_ONCE_MAX_MS = 40_000;

let dir: string;
let runs = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-command-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const request = (command: string, more: Partial<CommandRequest> = {}): CommandRequest => ({
  command,
  cwd: dir,
  env: { PATH: process.env.PATH ?? '' },
  timeoutMs: 120_000,
  outputMaxBytes: 1_000_000,
  marker: `test-command-${process.pid}-${Math.random()}-${runs++}`,
  ...more,
});

/** Pids written by a command's escapees that still live: looked up by their unique sleep, since some have no marker. */
const alive = async (seconds: string): Promise<number> => {
  const { stdout } = await createCommands({ clock: systemClock }).run(
    request(`ps -eo args | grep -c '^sleep ${seconds}$'`),
  );
  return Number(stdout);
};

describe.each(reapers)('a command behind %s', (_, reaper) => {
  const { run } = createCommands({ clock: systemClock, reaper });

  it('gives its output, its errors and its exit code', async () => {
    const result = await run(request('echo out; echo bad >&2; exit 3'));
    expect(result).toMatchObject({
      exitCode: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'bad\n',
      timedOut: false,
      aborted: false,
      outputExceeded: false,
      spawnError: undefined,
      survivorsKilled: 0,
    });
  });

  it.each([126, 127, 128, 137, 255])('passes exit code %i on as it is', async (code) => {
    expect(await run(request(`exit ${code}`))).toMatchObject({ exitCode: code, signal: null });
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGSEGV'])(
    'tells a command killed by %s from one that exits above 128',
    async (signal) => {
      const result = await run(request(`kill -${signal.slice(3)} $$`));
      expect(result).toMatchObject({ exitCode: null, signal, stderr: '' });
    },
  );

  it('has no environment but the given one and its marker', async () => {
    const asked = request('env', { env: { PATH: '/usr/bin:/bin', GREETING: 'hi there' } });
    const names = (await run(asked)).stdout.trim().split('\n').sort();
    expect(names).toEqual(
      expect.arrayContaining(['GREETING=hi there', 'PATH=/usr/bin:/bin', `WINNOW_RUN=${asked.marker}`]),
    );
    expect(
      names.map((line) => line.split('=')[0]).filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name!)),
    ).toEqual(['GREETING', 'PATH', 'WINNOW_RUN']);
  });

  it('executes a file with arguments that no shell sees', async () => {
    const result = await run(request('printf', { args: ['%s|', 'a b', '$HOME', '*', '"', "'", ''] }));
    expect(result).toMatchObject({ exitCode: 0, stdout: `a b|$HOME|*|"|'||` });
  });

  it('executes the file and not a shell builtin of the same name', async () => {
    const result = await run(request('kill', { args: ['--version'] }));
    expect(result.stdout).toMatch(/kill from/);
  });

  it('says ENOENT for a file that is nowhere, EACCES for one that may not be executed', async () => {
    writeFileSync(join(dir, 'plain'), 'echo hi', { mode: 0o644 });
    expect(await run(request('no-such-tool', { args: [] }))).toMatchObject({ spawnError: 'ENOENT', exitCode: null });
    expect(await run(request('./plain', { args: [] }))).toMatchObject({ spawnError: 'EACCES' });
    expect(await run(request('./missing', { args: [] }))).toMatchObject({ spawnError: 'ENOENT' });
    expect(await run(request(dir, { args: [] }))).toMatchObject({ spawnError: 'EACCES' });
  });

  it('says what is wrong with a directory that is missing or none, and with what cannot be passed on', async () => {
    expect(await run(request('true', { cwd: join(dir, 'nowhere') }))).toMatchObject({ spawnError: 'ENOENT' });
    expect(await run(request('true', { cwd: '/etc/passwd' }))).toMatchObject({ spawnError: 'ENOTDIR' });
    expect(await run(request('a\0b'))).toMatchObject({ spawnError: 'ERR_INVALID_ARG_VALUE' });
    expect(await run(request(`: ${'x'.repeat(200_000)}`))).toMatchObject({ spawnError: 'E2BIG' });
  });

  it('leaves a missing command of a shell line to the shell: 127', async () => {
    const result = await run(request('no-such-tool'));
    expect(result).toMatchObject({ exitCode: 127, spawnError: undefined });
    expect(result.stderr).toContain('not found');
  });

  it('reads the given input, and nothing when none is given', async () => {
    expect((await run(request('cat', { input: 'grüße' }))).stdout).toBe('grüße');
    expect((await run(request('cat'))).stdout).toBe('');
  });

  it('bears a command that does not want its input', async () => {
    expect(await run(request('exec 0<&-; echo done', { input: 'x'.repeat(5_000_000) }))).toMatchObject({
      exitCode: 0,
      stdout: 'done\n',
    });
  });

  it('puts characters together that arrive in pieces and replaces what is none', async () => {
    const pieces = String.raw`printf '\303'; sleep 0.05; printf '\274\360\237'; sleep 0.05; printf '\230\200\377!'`;
    expect((await run(request(pieces))).stdout).toBe('ü😀\uFFFD!');
  });

  it('keeps the end of the errors and begins it with a whole character', async () => {
    const result = await run(
      request(`node -e "process.stderr.write('ü'.repeat(100001) + 'the end')"`, { timeoutMs: 120_000 }),
    );
    expect(Buffer.byteLength(result.stderr)).toBeLessThanOrEqual(64 * 1024);
    expect(Buffer.byteLength(result.stderr)).toBeGreaterThan(64 * 1024 - 4);
    expect(result.stderr).toMatch(/^ü+the end$/);
  });

  it('kills at the timeout what runs on, and its children', async () => {
    const asked = request('sleep 1111 & sleep 1112', { timeoutMs: 200 });
    const result = await run(asked);
    expect(result).toMatchObject({ timedOut: true, aborted: false });
    expect(result.durationMs).toBeGreaterThanOrEqual(195);
    expect(result.durationMs).toBeLessThan(AT_ONCE_MAX_MS);
    expect(await findMarked(asked.marker)).toEqual([]);
  });

  it('lets a command that was told to stop say its last words', async () => {
    const result = await run(
      request(`trap 'echo farewell; exit 7' TERM; echo ready; while :; do sleep 0.05; done`, { timeoutMs: 300 }),
    );
    expect(result).toMatchObject({ timedOut: true, exitCode: 7, stdout: 'ready\nfarewell\n' });
  });

  it('kills what ignores the polite signal two seconds later', async () => {
    const asked = request(`trap '' TERM INT HUP; while :; do sleep 0.1; done`, { timeoutMs: 100 });
    const result = await run(asked);
    expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL', exitCode: null });
    expect(result.durationMs).toBeGreaterThan(2_000);
    expect(result.durationMs).toBeLessThan(AT_ONCE_MAX_MS);
    expect(await findMarked(asked.marker)).toEqual([]);
  });

  it('starts nothing when it was aborted before', async () => {
    const result = await run(request('echo started', { signal: AbortSignal.abort() }));
    expect(result).toMatchObject({ aborted: true, stdout: '', exitCode: null, spawnError: undefined });
  });

  it('stops when it is aborted meanwhile', async () => {
    const abort = new AbortController();
    const asked = request('sleep 1113', { signal: abort.signal });
    const running = run(asked);
    while ((await findMarked(asked.marker)).length === 0) await systemClock.sleep(5);
    abort.abort();
    const result = await running;
    expect(result).toMatchObject({ aborted: true, timedOut: false });
    expect(result.durationMs).toBeLessThan(AT_ONCE_MAX_MS);
    expect(await findMarked(asked.marker)).toEqual([]);
  });

  it.each([
    ['in the background', 'sleep $S &'],
    ['with nohup', 'nohup sleep $S >/dev/null 2>&1 &'],
    ['in a session of its own', 'setsid sleep $S &'],
    ['detached twice in a session of its own', '(setsid sh -c "sleep $S & exit" &)'],
    ['deaf to TERM', `(trap '' TERM HUP INT; sleep $S; sleep $S) &`],
  ])('leaves no process that it started %s', async (_how, line) => {
    const seconds = `2${Math.random().toString().slice(2, 8)}`;
    const asked = request(`${line.replaceAll('$S', seconds)}\necho started; sleep 0.05`);
    const result = await run(asked);
    expect(result).toMatchObject({ exitCode: 0, stdout: 'started\n' });
    if (reaper.kind === 'sweep') expect(result.survivorsKilled).toBeGreaterThan(0);
    expect(await alive(seconds)).toBe(0);
    expect(result.durationMs).toBeLessThan(AT_ONCE_MAX_MS);
  });

  it.skipIf(reaper.kind === 'sweep')('leaves not even one that forked twice and cleared its environment', async () => {
    for (const timeoutMs of [120_000, 150]) {
      const seconds = `3${Math.random().toString().slice(2, 8)}`;
      const rest = timeoutMs === 150 ? `trap '' TERM; sleep 1114` : 'sleep 0.1';
      await run(request(`(env -i setsid sh -c 'sleep ${seconds} & exit' &) ; ${rest}`, { timeoutMs }));
      expect(await alive(seconds)).toBe(0);
    }
  });

  it('ends with the command though a grandchild holds its pipes', async () => {
    // Without a wall the one that cleared its environment is beyond reach: it must at least not delay anybody.
    const result = await run(request(`(env -i setsid sleep 60 &); echo said`));
    expect(result).toMatchObject({ exitCode: 0, stdout: 'said\n' });
    expect(result.durationMs).toBeLessThan(AT_ONCE_MAX_MS);
  });

  it('ends a flood of 100 MB early and keeps what it was asked to keep', async () => {
    const before = process.memoryUsage.rss();
    const result = await run(request('yes 0123456789 | head -c 100000000', { outputMaxBytes: 2_000_000 }));
    expect(result).toMatchObject({ outputExceeded: true, timedOut: false });
    expect(result.stdout.length).toBe(2_000_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('bears a flood of errors to its end and keeps its end', async () => {
    const result = await run(request('yes 0123456789 | head -c 50000000 >&2; echo last >&2'));
    expect(result).toMatchObject({ exitCode: 0, outputExceeded: false });
    expect(result.stderr.endsWith('last\n')).toBe(true);
    expect(result.stderr.length).toBe(64 * 1024);
  });

  it('does not lose the end of the output of quick commands', async () => {
    const line = `i=0; while [ $i -lt 1200 ]; do echo "line $i of a quick command"; i=$((i+1)); done; printf end`;
    const expected = `${Array.from({ length: 1200 }, (_unused, i) => `line ${i} of a quick command\n`).join('')}end`;
    const each = howMany(6, 30);
    let whole = 0;
    const quick = async () => {
      for (let n = 0; n < each; n++) {
        if ((await run(request(line))).stdout === expected) whole++;
      }
    };
    await Promise.all(Array.from({ length: 10 }, quick));
    expect(whole).toBe(10 * each);
  });

  it('does not lose output when the event loop stalled at the end of the command', async () => {
    const running = run(request(`head -c 100000 /dev/zero | tr '\\0' x`));
    await systemClock.sleep(3);
    const until = performance.now() + 600;
    while (performance.now() < until);
    expect((await running).stdout.length).toBe(100_000);
  });

  it('tells the processor time of the tree', async () => {
    const { cpuMs, durationMs } = await run(
      request(`node -e "while (process.cpuUsage().user < 300000);" & node -e 1; wait`),
    );
    expect(cpuMs).toBeGreaterThan(290);
    expect(cpuMs).toBeLessThan(durationMs * 2 + 500);
  });
});

describe('the report of the watching shell', () => {
  it.each([
    ['', { begun: false, exitCode: undefined, killed: false, cpuMs: undefined }],
    ['begun\n', { begun: true, exitCode: undefined, killed: false, cpuMs: undefined }],
    ['begun\n0m0.00s 0m0.00s\n1m2.5s 0m0.250s\nended 0\n', { begun: true, exitCode: 0, killed: false, cpuMs: 62_750 }],
    ['begun\nKilled\n0m0.0s 0m0.0s\n0m0.01s 0m0.0s\nended 137\n', { exitCode: 137, killed: true, cpuMs: 10 }],
    ['begun\nended 12', { begun: true, exitCode: 12, killed: false, cpuMs: undefined }],
    ['unshare: failed', { begun: false, exitCode: undefined, killed: false, cpuMs: undefined }],
  ])('%j is understood', (text, expected) => {
    expect(parseReport(text)).toMatchObject(expected);
  });
});

describe('a command in a directory that is read-only', () => {
  const { run } = createCommands({ clock: systemClock, reaper: walled });
  const readOnly = (): string => {
    const place = mkdtempSync(join(dir, 'sealed-'));
    writeFileSync(join(place, 'there'), 'as it was', { mode: 0o444 });
    chmodSync(place, 0o555);
    return place;
  };

  it('writes nothing there, also as root, and reads everything', async () => {
    const place = readOnly();
    const result = await run(request(`cat there; echo x > new; echo x > there`, { cwd: place }));
    expect(result.stdout).toBe('as it was');
    expect(result.exitCode).not.toBe(0);
    expect(readdirSync(place)).toEqual(['there']);
    expect(readFileSync(join(place, 'there'), 'utf8')).toBe('as it was');
  });

  it.skipIf(process.geteuid?.() !== 0)('keeps the power of root when the owner wrote it', async () => {
    const place = readOnly();
    expect(await run(request('echo x > new', { cwd: place, trusted: true }))).toMatchObject({ exitCode: 0 });
    expect(readdirSync(place).sort()).toEqual(['new', 'there']);
  });
});
