import { failure } from '../model/failure.ts';
import { type Cycle, type CycleEnd, endBy, type Workshop } from './workshop.ts';

/**
 * A person wants a session that is in a cycle, in whichever process: a run or a check that is under way goes on to its
 * end, a wait ends, and nothing is begun after it. The journal says so; asked at each boundary, it may also have been
 * given back by then.
 */
export interface HandOver {
  /** Aborts when the session is taken: ends waits, and nothing that works. */
  signal: AbortSignal;
  /** Who has taken it; undefined: nobody, and the cycle goes on. */
  to(): string | undefined;
  end(): void;
}

export const watchHandOver = ({ journal }: Workshop, session: string): HandOver => {
  const controller = new AbortController();
  const to = () => journal.state().sessions[session]?.taken?.by;
  const stop = journal.onChange(() => {
    if (to() !== undefined) controller.abort();
  });
  return { signal: controller.signal, to, end: stop };
};

/** Asked at a boundary: how the cycle ends there, when a person has taken its session. */
export const handedOver = ({ handOver }: Pick<Cycle, 'handOver'>): CycleEnd | undefined => {
  const by = handOver?.to();
  return by === undefined ? undefined : endBy(failure('interrupted', `taken by ${by}`), 'interrupted');
};

/** Whether something that did not come to its end was made to end. */
export const isStopped = ({ signal, handOver }: Pick<Cycle, 'signal' | 'handOver'>): boolean =>
  signal.aborted || handOver?.signal.aborted === true;
