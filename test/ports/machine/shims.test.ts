import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type Shims, writeShims } from '../../../src/ports/machine/shims.ts';
import { createSlots, type Slots } from '../../../src/ports/machine/slots.ts';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

let dir: string;
let home: string;
let bin: string;
let shims: Shims;
let slots: Slots;
const children: ChildProcess[] = [];

/** An executable with this shell script. */
const tool = (file: string, script: string): void => {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
};

const write = (waitMs = 60_000) =>
  writeShims({
    dir: join(dir, "shims of 'alpha'"),
    home,
    tools: [
      { tool: 'tsc', slot: 'tsc', capacity: 1 },
      { tool: 'vitest', slot: 'test', capacity: 1 },
    ],
    node: process.execPath,
    entry: join(dir, 'shim.mjs'),
    waitMs,
  });

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-shims-'));
  home = join(dir, '.winnow');
  bin = join(dir, 'bin');
  // The source instead of the compiled file, so that the test needs no build.
  const source = new URL('../../../src/shim.ts', import.meta.url).href;
  writeFileSync(join(dir, 'shim.mjs'), `import ${JSON.stringify(TSX)};\nawait import(${JSON.stringify(source)});\n`);
  shims = await write();
  slots = createSlots({ dir: home, who: 'winnow', clock: systemClock });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await slots.close();
  rmSync(dir, { recursive: true, force: true });
});

const start = (command: string[], env: Record<string, string> = {}, cwd = dir) => {
  const path = [shims.dir, bin, process.env.PATH].join(delimiter);
  const child = spawn(command[0] as string, command.slice(1), { cwd, env: { PATH: path, HOME: dir, ...env } });
  children.push(child);
  return child;
};

const run = async (command: string[], env: Record<string, string> = {}, cwd = dir, input = '') => {
  const child = start(command, env, cwd);
  // Who reads no input may be gone before it comes.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null, string | null]>,
  ]);
  return { stdout, stderr, code, signal };
};

describe('a shim', () => {
  it('runs the real tool with its arguments, its input, its outputs and its exit code', async () => {
    await slots.acquire('unrelated', 1, { who: 'winnow', waitMs: 1000 });
    tool(join(bin, 'tsc'), 'for a in "$@"; do printf "[%s]" "$a"; done; cat; echo error >&2; exit 3');
    expect(await run(['tsc', 'a b', '', '*', '$HOME', `'"`], {}, dir, 'input')).toEqual({
      stdout: `[a b][][*][$HOME]['"]input`,
      stderr: 'error\n',
      code: 3,
      signal: null,
    });
  });

  it('holds the slot as long as the tool runs', async () => {
    await slots.acquire('unrelated', 1, { who: 'winnow', waitMs: 1000 });
    tool(join(bin, 'tsc'), 'echo "held: $WINNOW_SLOTS_HELD"; read line');
    const child = start(['tsc'], { WINNOW_RUN: 'alpha-1', WINNOW_SLOTS_HELD: 'other' });
    expect(String((await once(child.stdout, 'data'))[0])).toBe('held: other,tsc\n');
    expect((await slots.view()).find(({ name }) => name === 'tsc')).toMatchObject({ held: [{ who: 'alpha-1 tsc' }] });
    expect(await slots.tryAcquire('tsc', 1, 'winnow')).toBeUndefined();
    const next = slots.acquire('tsc', 1, { who: 'winnow', waitMs: 10_000 });
    child.stdin.end('\n');
    expect((await next).ok).toBe(true);
  });

  it('waits for a slot that is taken, and then runs without it and says so', async () => {
    await write(200);
    await slots.acquire('tsc', 1, { who: 'winnow', waitMs: 1000 });
    tool(join(bin, 'tsc'), 'echo "held: $WINNOW_SLOTS_HELD"');
    const { stdout, stderr, code } = await run(['tsc']);
    expect({ stdout, code }).toEqual({ stdout: 'held: \n', code: 0 });
    expect(stderr).toMatch(
      new RegExp(
        `^winnow: waited \\d+ ms for slot tsc \\(held by winnow, pid ${process.pid}\\); running tsc without it\n$`,
      ),
    );
  });

  it('does not wait for what its caller holds already, however deep', async () => {
    await slots.acquire('test', 1, { who: 'check', waitMs: 1000 });
    tool(join(bin, 'tsc'), 'echo "tsc: $WINNOW_SLOTS_HELD"');
    tool(join(bin, 'vitest'), 'tsc; [ "$1" = deep ] || vitest deep');
    expect(await run(['vitest'], { WINNOW_SLOTS_HELD: 'test' })).toMatchObject({
      stdout: 'tsc: test,tsc\n'.repeat(2),
      stderr: '',
      code: 0,
    });
  });

  it('runs the tool at once where nobody serves slots', async () => {
    tool(join(bin, 'tsc'), 'echo "held: $WINNOW_SLOTS_HELD"');
    expect(await run(['tsc'])).toEqual({ stdout: 'held: \n', stderr: '', code: 0, signal: null });
  });

  it('is not found where the tool is not, under whatever name its own directory is on PATH', async () => {
    symlinkSync(shims.dir, join(dir, 'link'));
    const path = [join(dir, 'link'), `${shims.dir}/`, shims.dir, '/usr/bin', '/bin'].join(delimiter);
    expect(await run(['tsc'], { PATH: path })).toMatchObject({ stdout: '', stderr: 'tsc: not found\n', code: 127 });
  });

  it('finds the tool also by a relative entry of PATH', async () => {
    tool(join(bin, 'tsc'), 'echo relative');
    expect(await run([join(shims.dir, 'tsc')], { PATH: `bin:/usr/bin:/bin` })).toMatchObject({ stdout: 'relative\n' });
  });

  it('passes signals on and ends as the tool ends', async () => {
    tool(join(bin, 'tsc'), `trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.02; done`);
    const polite = start(['tsc']);
    const said = text(polite.stdout);
    await once(polite.stdout, 'data');
    polite.kill('SIGTERM');
    expect(await once(polite, 'exit')).toEqual([5, null]);
    expect(await said).toBe('ready\nbye\n');
    tool(join(bin, 'tsc'), 'kill -SEGV $$');
    expect(await run(['tsc'])).toMatchObject({ code: null, signal: 'SIGSEGV' });
  });

  it('leaves the options for Node to the tool', async () => {
    tool(join(bin, 'tsc'), 'echo "$NODE_OPTIONS|$WINNOW_NODE_OPTIONS"');
    const options = '--require /nowhere/at/all.js';
    expect(await run(['tsc'], { NODE_OPTIONS: options })).toMatchObject({ stdout: `${options}|\n`, code: 0 });
  });

  it('stands before node_modules/.bin also in npm scripts and under npx', async () => {
    await slots.acquire('unrelated', 1, { who: 'winnow', waitMs: 1000 });
    const project = join(dir, 'project');
    tool(join(project, 'node_modules/.bin/tsc'), 'echo "local $* held: $WINNOW_SLOTS_HELD"');
    const scripts = { test: 'tsc --from-script "a b"' };
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'p', version: '1.0.0', scripts }));
    const env = { npm_config_script_shell: shims.shell, npm_config_update_notifier: 'false' };
    const [script, npx] = await Promise.all([
      run(['npm', 'test', '--silent'], env, project),
      run(['npx', '--offline', 'tsc', '--noEmit', 'x y'], env, project),
    ]);
    expect(script).toMatchObject({ stdout: 'local --from-script a b held: tsc\n', code: 0 });
    expect(npx).toMatchObject({ stdout: 'local --noEmit x y held: tsc\n', code: 0 });
  });
});

describe('the directory of the shims', () => {
  it('has a script for each tool and the shell, all executable', () => {
    expect(readdirSync(shims.dir).sort()).toEqual(['tsc', 'vitest', 'winnow-shell']);
    for (const name of readdirSync(shims.dir)) expect(statSync(join(shims.dir, name)).mode & 0o111).toBe(0o111);
  });

  it('follows a changed configuration', async () => {
    const tools = [{ tool: 'jest', slot: 'test', capacity: 2 }];
    await writeShims({ dir: shims.dir, home, tools, node: process.execPath, entry: '/x' });
    expect(readdirSync(shims.dir).sort()).toEqual(['jest', 'winnow-shell']);
  });

  it.each(['', '.', '..', '../evil', 'a/b', 'a b', '.hidden', 'a\nb', 'winnow-shell'])(
    'has no script named %j',
    async (name) => {
      const tools = [{ tool: name, slot: 's', capacity: 1 }];
      await expect(writeShims({ dir: join(dir, 'd'), home, tools, node: 'n', entry: 'e' })).rejects.toThrow('no name');
    },
  );

  it('leaves what another process is writing at that moment, and removes what a dead one left', async () => {
    const ended = spawn('true');
    await once(ended, 'exit');
    const [living, dead] = [`vitest.${process.ppid}~`, `vitest.${ended.pid}~`];
    for (const name of [living, dead]) writeFileSync(join(shims.dir, name), '#!/bin/sh\n');
    await write();
    expect(readdirSync(shims.dir)).toContain(living);
    expect(readdirSync(shims.dir)).not.toContain(dead);
  });

  it('quotes whatever is in a path', async () => {
    const odd = join(dir, `o'dd "$(touch ran)`);
    mkdirSync(odd);
    const made = await writeShims({ dir: odd, home, tools: [], node: 'n', entry: 'e' });
    const { stdout } = await run([made.shell, '-c', 'echo "$PATH"']);
    expect(stdout.startsWith(`${odd}:`)).toBe(true);
    expect(readdirSync(dir)).not.toContain('ran');
  });
});
