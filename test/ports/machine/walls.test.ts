import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { detectReaper, findOnPath, firstInside } from '../../../src/ports/machine/walls.ts';

const reaper = await detectReaper();
const withTools = async (tools: Record<string, string>, work: (path: string) => Promise<void>) => {
  const dir = mkdtempSync(join(tmpdir(), 'winnow-walls-'));
  try {
    for (const [name, script] of Object.entries(tools)) {
      writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(dir, name), 0o755);
    }
    await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

describe('the wall of this machine', () => {
  it('is the strongest that works, or none', () => {
    expect(['pid-namespace', 'user-namespace', 'sweep']).toContain(reaper.kind);
    expect(reaper.prefix.length > 0).toBe(reaper.kind !== 'sweep');
  });

  it('is not believed to stand where the tools are missing', async () => {
    await withTools({}, async (path) => expect((await detectReaper(path)).kind).toBe('sweep'));
    expect((await detectReaper('')).kind).toBe('sweep');
  });

  it.each([
    ['refuses', 'exit 1'],
    ['only pretends and runs the command as it is', `while [ "\${1#--}" != "$1" ]; do shift; done; exec "$@"`],
  ])('is not believed to stand when unshare %s', async (_how, script) => {
    const setpriv = 'shift 2; exec "$@"';
    await withTools({ setpriv, unshare: script }, async (path) => {
      expect((await detectReaper(path)).kind).toBe('sweep');
    });
  });

  it.skipIf(reaper.kind === 'sweep')(
    'tells the pid of the first process inside, to which signals must go',
    async () => {
      const [program, ...args] = reaper.prefix as [string, ...string[]];
      const child = spawn(program, [
        ...args,
        '/bin/sh',
        '-c',
        `trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done`,
      ]);
      await once(child.stdout, 'data');
      const inside = firstInside(child.pid as number) as number;
      child.kill('SIGTERM');
      process.kill(inside, 'SIGTERM');
      expect(await once(child, 'exit')).toEqual([9, null]);
      expect(firstInside(child.pid as number)).toBeUndefined();
    },
  );

  it.skipIf(reaper.kind === 'sweep')('falls with the process that built it, and buries what is inside', async () => {
    const escapee = `(env -i setsid sleep 61 &); echo up; exec sleep 61`;
    const builder = spawn('/bin/sh', ['-c', '"$@" & wait', 'sh', ...reaper.prefix, '/bin/sh', '-c', escapee]);
    await once(builder.stdout, 'data');
    const begun = systemClock.monotonic();
    builder.kill('SIGKILL');
    // Everybody inside holds the pipe, so its end is the death of the last of them.
    await once(builder.stdout, 'close');
    expect(systemClock.monotonic() - begun).toBeLessThan(2_000);
  });
});

describe('a name on PATH', () => {
  it('is the first executable file of that name; relative entries, directories and plain files do not count', async () => {
    await withTools({ tool: '' }, async (path) => {
      expect(findOnPath('tool', `:.:relative:/nowhere:${path}`)).toBe(join(path, 'tool'));
      chmodSync(join(path, 'tool'), 0o644);
      expect(findOnPath('tool', path)).toBeUndefined();
      expect(findOnPath('tmp', '/')).toBeUndefined();
    });
  });
});
