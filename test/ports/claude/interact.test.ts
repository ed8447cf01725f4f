import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { ok } from '../../../src/base/result.ts';
import type { InteractionRequest } from '../../../src/ports/claude/claude.ts';
import { openInteraction } from '../../../src/ports/claude/interact.ts';
import { sweep } from '../../../src/ports/machine/processes.ts';

/** What Winnow itself does around Claude Code in a terminal; with the real one see test/factory/attach.test.ts. */

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'winnow-interact-'));
  for (const name of ['config', 'work']) mkdirSync(join(dir, name));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const request = (more: Partial<InteractionRequest> = {}): InteractionRequest => ({
  ...{ run: `test-${process.pid}-1`, cwd: join(dir, 'work'), model: 'opus', conversation: { resume: 'old' } },
  ...{ tools: ['Read', 'Bash'], env: { PATH: process.env.PATH ?? '', NO_COLOR: '1' }, configDir: join(dir, 'config') },
  ...{ tmpDir: join(dir, 'tmp'), transcriptDir: join(dir, 'transcripts'), ownsConfigDir: false },
  ...{ size: { columns: 20, rows: 5 }, screen: { TERM: 'xterm-kitty' } },
  ...more,
});

/** The place where Claude Code keeps the conversations of the work directory. */
const talks = () => join(dir, 'config/projects', join(dir, 'work').replace(/[^A-Za-z0-9]/g, '-'));

const open = async (script: string, asked = request()) => {
  const command = join(dir, 'claude');
  writeFileSync(command, `#!/bin/sh\n${script}\n`);
  chmodSync(command, 0o755);
  const opened = await openInteraction(asked, {
    ...{ command, fallbackPath: undefined, clock: systemClock, sweep: (marker) => sweep(marker) },
    around: async () => ok({ prefix: [], leave: async () => [] }),
  });
  if (!opened.ok) throw new Error(opened.error.message);
  let shown = '';
  opened.value.onData((data) => {
    shown += data;
  });
  return { interaction: opened.value, shown: () => shown };
};

const reply = (id: string) => `{"type":"assistant","message":{"id":"${id}"}}`;
const cost = (usd: number, guess = false) =>
  `{"type":"cost-state","totalCostUSD":${usd},"hasUnknownModelCost":${guess},"modelUsage":{}}`;

describe('Claude Code in a terminal of its own', () => {
  it('has the person’s kind of terminal and its size, and what it last says is not lost', async () => {
    const { interaction, shown } = await open(`echo "$TERM \${NO_COLOR-colours} $(stty size) $WINNOW_RUN"; echo "$@"`);
    expect(await interaction.over).toMatchObject({
      exitCode: 0,
      turns: 0,
      conversation: undefined,
      survivorsKilled: 0,
    });
    expect(shown()).toContain(`xterm-kitty colours 5 20 test-${process.pid}-1`);
    expect(shown()).toMatch(/--resume old --model opus .*--setting-sources user .*--allowedTools Read,Bash/);
    // It has ended: nothing of it may throw any more.
    interaction.resize({ columns: 10, rows: 3 });
    interaction.write('x');
    interaction.end();
  });

  it('is ended also when it does not want to, with what it left behind', async () => {
    const { interaction, shown } = await open(
      `trap '' TERM HUP; (setsid sleep 300 &) ; echo here; while :; do sleep 1; done`,
    );
    await expect.poll(shown, { timeout: 20_000 }).toContain('here');
    interaction.end();
    const { exitCode, survivorsKilled } = await interaction.over;
    expect(exitCode).toBeNull();
    expect(survivorsKilled).toBeGreaterThan(0);
  });

  it('costs what all conversations of the workspace have gained, also one that was begun in it', async () => {
    mkdirSync(talks(), { recursive: true });
    writeFileSync(join(talks(), 'old.jsonl'), `${reply('a')}\n${cost(1)}\n`);
    const { interaction } = await open(`cd '${talks()}'
      printf '%s\\n' '${reply('b')}' '${reply('b')}' '${cost(1.5)}' >> old.jsonl
      sleep 0.1
      printf '%s\\n' '${reply('c')}' '${cost(0.25)}' > fresh.jsonl`);
    const ended = await interaction.over;
    expect(ended).toMatchObject({ turns: 2, conversation: 'fresh', cost: { costUsd: 0.75 } });
    expect(readFileSync(ended.transcript, 'utf8')).not.toContain('"a"');
  });

  it.each([
    ['nothing tells it', ''],
    ['it was priced by a guess', cost(2, true)],
  ])('has an unknown cost where %s', async (_, last) => {
    mkdirSync(talks(), { recursive: true });
    writeFileSync(join(talks(), 'old.jsonl'), `${reply('a')}\n${cost(1)}\n`);
    const { interaction } = await open(
      `cd '${talks()}'; printf '%s\\n' '${reply('b')}' >> old.jsonl; head -c 300000 /dev/zero | tr '\\0' x >> old.jsonl; printf '\\n%s\\n' '${last}' >> old.jsonl`,
    );
    expect(await interaction.over).toMatchObject({ turns: 1, conversation: 'old', cost: undefined });
  });
});
