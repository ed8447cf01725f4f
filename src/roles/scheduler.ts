import pLimit from 'p-limit';
import type { Workshop } from '../flow/workshop.ts';
import type { EntryOf } from '../model/entry.ts';
import { FailureError } from '../model/failure.ts';
import type { Session } from '../model/session.ts';
import type { State } from '../model/state.ts';
import type { MachineFacts } from '../policy/gates.ts';
import { type Decision, decide } from '../policy/schedule.ts';
import { recover } from './recovery.ts';
import { runCycle } from './session.ts';

/**
 * Who works when: a tick looks at the state, asks the policy, opens and closes gates, and starts cycles. A tick may
 * run twice or at the wrong moment; what it decides comes from the journal alone.
 */
export interface SchedulerDeps {
  shop: Workshop;
  sessions: () => readonly Session[];
  facts: () => Promise<MachineFacts>;
  /** Ends all cycles. */
  signal: AbortSignal;
  /** What a person at a terminal or in a log wants to know of. */
  tell: (line: string) => void;
  /** Called with the summary of each cycle. */
  onCycle?: (entry: EntryOf<'ralph_cycle'>) => void;
}

export interface Scheduler {
  tick(): Promise<Decision>;
  /** Resolves when no cycle of this process is running. */
  idle(): Promise<void>;
  running(): number;
}

export const createScheduler = (deps: SchedulerDeps): Scheduler => {
  const { shop } = deps;
  const underWay = new Map<string, Promise<void>>();
  const oneTick = pLimit(1);
  // The policy already counts; this bounds what a fault in it could start.
  const limit = pLimit(shop.config().gates.maxSessions);

  const start = (session: Session, state: Readonly<State>, taskId: string | undefined): void => {
    const task = taskId === undefined ? undefined : state.tasks[taskId];
    const work = limit(async () => {
      if (deps.signal.aborted) return;
      const result = await runCycle(shop, {
        session,
        trigger: task ? 'task' : 'schedule',
        ...(task ? { task } : {}),
        signal: deps.signal,
      });
      if (result.ok) deps.onCycle?.(result.value);
      else deps.tell(`${session.name}: ${result.error.message}`);
    })
      .catch((error: unknown) =>
        deps.tell(`${session.name}: ${error instanceof Error ? error.message : String(error)}`),
      )
      .finally(() => underWay.delete(session.name));
    underWay.set(session.name, work);
  };

  const tick = async (): Promise<Decision> => {
    limit.concurrency = shop.config().gates.maxSessions;
    await recover(shop, deps.sessions());
    const facts = await deps.facts();
    const state = shop.journal.state();
    const decision = decide({
      state,
      config: shop.config(),
      // A session whose cycle has not written its first line yet is not free.
      sessions: deps.sessions().filter((session) => !underWay.has(session.name)),
      facts,
      now: shop.clock.now(),
    });
    carryOut(shop, deps, decision);
    if (deps.signal.aborted) return decision;
    for (const { session: name, task } of decision.start) {
      const session = deps.sessions().find((s) => s.name === name);
      if (session) start(session, state, task);
    }
    return decision;
  };

  return {
    tick: () => oneTick(tick),
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    running: () => underWay.size,
  };
};

const carryOut = (shop: Workshop, deps: SchedulerDeps, decision: Decision): void => {
  try {
    for (const { gate, reason, figures, until } of decision.close) {
      shop.journal.append<'gate_closed'>({
        type: 'gate_closed',
        data: { gate, reason, figures, ...(until ? { until } : {}) },
      });
      deps.tell(`gate ${gate} closed: ${reason}`);
    }
    for (const gate of decision.open) {
      const at = shop.journal.state().gates[gate]?.at;
      const closedMs = at === undefined ? 0 : Math.max(0, shop.clock.now() - Date.parse(at));
      shop.journal.append<'gate_opened'>({ type: 'gate_opened', data: { gate, closedMs } });
      deps.tell(`gate ${gate} opened after ${Math.round(closedMs / 1000)} s`);
    }
    for (const { session, reason } of decision.unpark) {
      shop.journal.append<'session_unparked'>({ type: 'session_unparked', session, data: { reason } });
    }
  } catch (error) {
    // The disk is full: nothing can be recorded, so nothing is started; the next tick tries again.
    if (!(error instanceof FailureError)) throw error;
    decision.start = [];
    deps.tell(`${error.failure.message}. ${error.failure.mend}`);
  }
};
