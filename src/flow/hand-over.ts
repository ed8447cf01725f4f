import { failure } from '../model/failure.ts';
import { type Cycle, type CycleEnd, endBy, type HandOver, type Workshop } from './workshop.ts';

/** The boundaries of a cycle: who watches for the person that wants its session, and what is said there. */

export const watchHandOver = ({ journal }: Workshop, session: string): HandOver => {
  let controller = new AbortController();
  const to = () => journal.state().sessions[session]?.taken?.by;
  const stop = journal.onChange(() => {
    if (to() !== undefined) controller.abort();
    // Given back before the cycle came to a boundary: it goes on, and may wait again.
    else if (controller.signal.aborted) controller = new AbortController();
  });
  return {
    get signal() {
      return controller.signal;
    },
    to,
    end: stop,
  };
};

/** Asked at a boundary: how the cycle ends there, when a person has taken its session. */
export const handedOver = ({ handOver }: Pick<Cycle, 'handOver'>): CycleEnd | undefined => {
  const by = handOver?.to();
  return by === undefined ? undefined : endBy(failure('interrupted', `taken by ${by}`), 'interrupted');
};

/** Whether something that did not come to its end was made to end. */
export const isStopped = ({ signal, handOver }: Pick<Cycle, 'signal' | 'handOver'>): boolean =>
  signal.aborted || handOver?.signal.aborted === true;
