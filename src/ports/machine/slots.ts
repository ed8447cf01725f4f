import type { Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';

/**
 * Named semaphores across all processes of a home, first come first served; the holder's death releases at once.
 * With capacity 1 they are also the locks: one cycle per session, one scheduler per home, one flight per check.
 */
export interface SlotLease {
  name: string;
  waitedMs: number;
  release(): void;
}

export interface SlotView {
  name: string;
  capacity: number;
  held: { who: string; pid: number; sinceMs: number }[];
  waiting: { who: string; pid: number; sinceMs: number }[];
}

export interface Slots {
  /** Waits in the queue of `name` for at most `waitMs`; failure kind `interrupted` when aborted or out of time. */
  acquire(
    name: string,
    capacity: number,
    options: { who: string; waitMs: number; signal?: AbortSignal },
  ): Promise<Result<SlotLease, Failure>>;
  /** Takes it only if it is free now. */
  tryAcquire(name: string, capacity: number, who: string): Promise<SlotLease | undefined>;
  view(): Promise<SlotView[]>;
  close(): Promise<void>;
}
