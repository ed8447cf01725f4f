import { describe, expect, it } from 'vitest';
import { runCrowd } from '../../crowd/crowd.ts';
import { branchesOpen, cyclesAtOnce, endsOf, gatesHeld, turnsOf } from '../../crowd/reckon.ts';
import type { Entry } from '../../src/model/entry.ts';
import { howMany, THOROUGH } from '../thoroughness.ts';

/** A journal in few words: one entry each, a second apart; what does not matter here is left out. */
const journal = (...lines: string[]): Entry[] =>
  lines.map((line, n) => {
    const [type, name = '', more = ''] = line.split(' ');
    const ts = new Date(Date.UTC(2026, 2, 14, 10, 0, n)).toISOString();
    const cycle = { session: name.replace(/\d+$/, ''), cycle: name };
    const figures = more === '' ? {} : { usedShare: 0.9, limit: 0.85 };
    const data: Record<string, unknown> = {
      gate_closed: { gate: name, reason: 'so', figures },
      gate_opened: { gate: name, closedMs: 1 },
      branch_pushed: { branch: name },
      branch_dropped: { branch: name },
      cto_review: { branch: name, decision: more },
      merged: { landings: [{ branch: name }] },
    };
    return { id: String(n), ts, type, ...cycle, data: data[type!] ?? {} } as unknown as Entry;
  });

describe('what a journal says of a crowd', () => {
  it('counts the cycles under way, and names those that began above the limit', () => {
    const entries = journal(
      'cycle_started a1',
      'cycle_started b1',
      'ralph_cycle a1',
      'cycle_started a2',
      'cycle_started c1',
    );
    expect(cyclesAtOnce(entries, [{ from: 0, max: 3 }])).toEqual({ most: 3, broken: [] });
    expect(cyclesAtOnce(entries, [{ from: 0, max: 2 }])).toEqual({ most: 3, broken: ['c began as number 3 of 2'] });
  });

  it.each<[what: string, limits: [from: number, max: number][], broken: string[]]>([
    [
      'a raised limit holds as soon as the file is changed',
      [
        [0, 1],
        [1, 2],
      ],
      [],
    ],
    [
      'a lowered one when it has been read',
      [
        [0, 2],
        [1, 1],
      ],
      ['c began as number 2 of 1'],
    ],
  ])('%s', (_, limits, broken) => {
    const entries = journal(
      'cycle_started a1',
      'cycle_started b1',
      'config_loaded',
      'ralph_cycle a1',
      'cycle_started c1',
    );
    expect(
      cyclesAtOnce(
        entries,
        limits.map(([from, max]) => ({ from, max })),
      ).broken,
    ).toEqual(broken);
  });

  it.each<[what: string, entries: Entry[], broken: string[]]>([
    [
      'a gate that is kept',
      journal('gate_closed memory figures', 'ralph_cycle a1', 'gate_opened memory', 'cycle_started a2'),
      [],
    ],
    [
      'a cycle behind a closed gate',
      journal('gate_closed stop-file', 'cycle_started a1'),
      ['a began while stop-file was closed'],
    ],
    [
      'a gate that is closed twice',
      journal('gate_closed stop-file', 'gate_closed stop-file'),
      ['stop-file was closed twice'],
    ],
    ['one that opens and was open', journal('gate_opened disk'), ['disk was opened and had not been closed']],
    ['one without figures', journal('gate_closed memory'), ['memory was closed without figures']],
  ])('sees %s', (_, entries, broken) => {
    expect(gatesHeld(entries).broken).toEqual(broken);
  });

  it('counts turns, those that never came too, and waits from the end of one to the beginning of the next', () => {
    const entries = journal('cycle_started a1', 'ralph_cycle a1', 'cycle_started b1', 'cycle_started a2');
    const { counts, waitsMs } = turnsOf(entries, ['a', 'b', 'c']);
    expect([...counts]).toEqual([
      ['a', 2],
      ['b', 1],
      ['c', 0],
    ]);
    expect(waitsMs).toEqual([2_000]);
  });

  it('finds the cycle that never ends and the one that ends twice', () => {
    const entries = journal('cycle_started a1', 'ralph_cycle a1', 'ralph_cycle a1', 'cycle_started b1');
    expect(endsOf(entries)).toEqual({ open: ['b1'], twice: ['a1'] });
  });

  it('leaves a branch open until it has landed, was dropped or was rejected', () => {
    const pushed = ['w', 'x', 'y', 'z'].map((name) => `branch_pushed ${name}`);
    const later = ['merged w', 'branch_dropped x', 'cto_review y reject', 'cto_review z approve'];
    expect(branchesOpen(journal(...pushed, ...later))).toEqual(['z']);
  });
});

describe('a crowd of sessions', () => {
  it('keeps to its gates and slots, lets nobody starve, and leaves nothing behind by a stop or a death', async () => {
    const rows = await runCrowd(
      {
        sessions: howMany(4, 64),
        few: howMany(2, 8),
        turns: howMany(1, 2),
        ...{ busyMs: 0, heldMs: 0, seed: 1 },
        ...(THOROUGH ? {} : { stages: ['few at once', 'all held', 'a stop'] as const }),
      },
      () => {},
    );
    const judged = rows.filter(({ holds, isMeasured }) => holds !== undefined && !isMeasured);
    expect(judged.filter(({ holds }) => !holds)).toEqual([]);
    expect(judged.length).toBeGreaterThan(8);
  }, 1_800_000);
});
