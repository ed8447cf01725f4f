import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/model/entry.ts';
import type { State } from '../../src/model/state.ts';
import { dayOf, dayText, digestDue, isEmptyDay } from '../../src/policy/day.ts';
import { at, NOW, stateOf } from './situations.ts';

const HOUR = 3_600_000;
const FROM = NOW - 24 * HOUR;

let id = 0;
const entry = (type: string, offsetMs: number, data: object, project = 'api'): Entry => {
  id += 1;
  return { id: `01${id}`, ts: at(offsetMs), type, project, data } as unknown as Entry;
};
const cycle = (outcome: string, offsetMs = -HOUR) => entry('ralph_cycle', offsetMs, { outcome });
const queued = (state: State, branch: string, status: object): void => {
  state.queue[branch] = {
    branch,
    title: `Title of ${branch}`,
    at: at(-HOUR),
    status,
  } as unknown as State['queue'][string];
};

describe('the day', () => {
  it('is counted from the entries of its hours and told so that the first line says it all', () => {
    const state = stateOf((it) => {
      queued(it, 'one', { state: 'landed' });
      queued(it, 'brl/alpha/x', { state: 'needs-human', at: at(-HOUR) });
      it.projects.web = { name: 'web', flaky: {}, recent: [], landings: [], red: { at: at(-2 * HOUR) } as never };
    });
    const entries = [
      cycle('pushed', -25 * HOUR),
      ...['pushed', 'pushed', 'discarded', 'discarded', 'discarded', 'failed', 'empty'].map((outcome) =>
        cycle(outcome),
      ),
      entry('agent_ran', -HOUR, { costUsd: 1.5 }),
      entry('agent_ran', -2 * HOUR, { costUsd: 0.25 }),
      entry('agent_ran', -30 * HOUR, { costUsd: 100 }),
      entry('merged', -HOUR, { landings: [{ branch: 'one' }, { branch: 'forgotten' }] }),
      entry('cto_review', -HOUR, { decision: 'reject' }),
      entry('cto_review', -HOUR, { decision: 'approve' }),
      entry('branch_dropped', -HOUR, {}),
      entry('main_green', -22 * HOUR, { redMs: 10 * HOUR }),
      entry('main_red', -6 * HOUR, {}),
      entry('main_red', -5 * HOUR, {}),
      entry('main_green', -4 * HOUR, { redMs: 2 * HOUR }),
      entry('main_red', -2 * HOUR, {}, 'web'),
    ];
    const day = dayOf(entries, state, FROM, NOW);
    expect(dayText(day)).toMatchInlineSnapshot(`
      "The last day: 2 landed, 3 discarded, $1.75 spent, 1 for you to decide.
      - Title of one
      - forgotten
      7 cycles: 2 pushed, 3 discarded, 1 failed.
      1 rejected in review, 1 dropped before landing.
      main of api was red for 4 h.
      main of web was red for 2 h.
      For you: brl/alpha/x. \`winnow queue\` shows them."
    `);
  });

  it('on which nothing happened is empty, and one on which anything did is not', () => {
    const state = stateOf();
    expect(isEmptyDay(dayOf([], state, FROM, NOW))).toBe(true);
    for (const one of [
      cycle('empty'),
      entry('agent_ran', -HOUR, { costUsd: 0.01 }),
      entry('branch_dropped', -HOUR, {}),
    ]) {
      expect(isEmptyDay(dayOf([one], state, FROM, NOW))).toBe(false);
    }
  });

  it('stays empty when it is told late and a branch has come to wait for a person since', () => {
    const state = stateOf((it) => queued(it, 'brl/alpha/x', { state: 'needs-human', at: at(-HOUR) }));
    expect(isEmptyDay(dayOf([], state, FROM - 2 * HOUR, NOW - 2 * HOUR))).toBe(true);
    expect(dayOf([], state, FROM, NOW).needsHuman).toEqual(['brl/alpha/x']);
  });

  it.each([
    ['0 7 * * *', '2026-03-14T07:00:00.000Z', '2026-03-14T07:00:00.000Z'],
    ['0 7 * * *', '2026-03-14T12:59:00.000Z', '2026-03-14T07:00:00.000Z'],
    ['0 7 * * *', '2026-03-14T13:01:00.000Z', undefined],
    ['0 7 * * *', '2026-03-14T06:59:59.000Z', undefined],
    ['0 */2 * * *', '2026-03-14T07:30:00.000Z', '2026-03-14T06:00:00.000Z'],
  ])('by %s is due at %s: %s', (cron, now, due) => {
    const ms = digestDue(cron, Date.parse(now));
    expect(ms === undefined ? undefined : new Date(ms).toISOString()).toBe(due);
  });
});
