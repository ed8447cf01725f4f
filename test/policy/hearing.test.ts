import { describe, expect, it } from 'vitest';
import { Config } from '../../src/model/config.ts';
import { emptyState, type QueuedBranch, type State } from '../../src/model/state.ts';
import { hearingOf } from '../../src/policy/hearing.ts';

const NOW = Date.parse('2026-03-14T10:00:00.000Z');
const config = Config.parse({
  projects: [{ name: 'api', repo: '.', checks: [{ name: 't', run: 'true', parse: 'exit' }] }],
});
const hear = (state: State) =>
  hearingOf(state, { config, sessions: [{ name: 'alpha' }, { name: 'beta' }], skills: ['week-cost'], now: NOW });

describe('what the bot knows while it listens', () => {
  it('is nothing in particular where nothing has happened', () => {
    const { views, ...names } = hear(emptyState());
    expect(names).toEqual({
      ...{ sessions: ['alpha', 'beta'], projects: ['api'], branches: [], closed: [], tasks: [], skills: ['week-cost'] },
    });
    expect(views).toMatchInlineSnapshot(`
      {
        "cost.left": "$20.00",
        "cost.today": "$0.00",
        "day.ends": "00:00 UTC",
        "doctor.line": "the doctor has not looked yet",
        "gates.line": "no gate is closed",
        "kept.today": "no cycle has ended today",
        "main.line": "nobody has looked at main yet",
        "queue.line": "no branch waits",
        "sessions.names": "alpha, beta",
        "standup.line": "no standup was held yet",
        "status.line": "none of 2 sessions works at this moment",
        "tasks.line": "no task is queued",
      }
    `);
  });

  it('is one line of each matter, whatever others wrote into it', () => {
    const state = emptyState();
    state.days['2026-03-14'] = { costUsd: 7.5, bySession: {}, byProject: {}, counts: { pushed: 2, discarded: 1 } };
    const running = {
      cycle: 'c',
      session: 'alpha',
      project: 'api',
      phase: 'hack',
      planTitle: 'Mend\u001b[31m the\nparser',
    };
    state.running.c = running as State['running'][string];
    const branch = (name: string, status: string, at: string) =>
      ({ branch: name, session: 'alpha', title: name, at, status: { state: status } }) as unknown as QueuedBranch;
    state.queue = {
      b: branch('brl/b', 'needs-human', '2'),
      a: branch('brl/a', 'approved', '1'),
      c: branch('brl/c', 'landed', '0'),
    };
    state.projects.api = { name: 'api', red: {} } as State['projects'][string];
    state.gates.memory = { reason: '91 % used', at: '', figures: {} };
    state.standup = { summary: 'x'.repeat(2_000) } as State['standup'] & object;
    state.doctor = { id: '', at: '', file: '', classes: { alpha: 'stuck' } };
    const { views, branches, closed } = hear(state);
    expect(branches.map((each) => each.branch)).toEqual(['brl/a', 'brl/b']);
    expect(closed).toEqual(['brl/c']);
    expect(views['standup.line']).toHaveLength(500);
    expect({ ...views, 'standup.line': '' }).toMatchInlineSnapshot(`
      {
        "cost.left": "$12.50",
        "cost.today": "$7.50",
        "day.ends": "00:00 UTC",
        "doctor.line": "alpha is stuck",
        "gates.line": "closed: memory (91 % used)",
        "kept.today": "2 pushed, 1 discarded",
        "main.line": "main of api is red",
        "queue.line": "2 branches open: 1 for a person, 0 for the reviewer, 1 for the train",
        "sessions.names": "alpha, beta",
        "standup.line": "",
        "status.line": "1 of 2 sessions at work: alpha (Mend the parser)",
        "tasks.line": "no task is queued",
      }
    `);
  });
});
