import type { FileProblem } from '../base/file-problem.ts';
import type { Result } from '../base/result.ts';
import type { Workshop } from '../flow/workshop.ts';
import type { Journal } from '../journal/journal.ts';
import type { Failure } from '../model/failure.ts';
import type { State } from '../model/state.ts';
import type { MachineFacts } from '../policy/gates.ts';
import type { Climbed } from '../ports/machine/climb.ts';
import type { Reaper } from '../ports/machine/walls.ts';
import type { Counter } from './counter.ts';

/** What the composition root opens for the faces: a home to read and write to, or a whole factory to run. */
export interface Doors {
  version: string;
  openCounter(home: string | undefined): Promise<Result<Counter & { close: () => Promise<void> }, CannotOpen>>;
  /** The journal of a home whose configuration may be broken: it can be read all the same. */
  openJournal(home: string | undefined): Promise<Result<{ journal: Journal<State>; close: () => void }, CannotOpen>>;
  openFactory(home: string | undefined): Promise<Result<Factory, CannotOpen>>;
}

/** Why a home cannot be opened: one failure, or every mistake in its files. */
export type CannotOpen = { failure: Failure } | { problems: FileProblem[] };

export interface Factory extends Counter {
  shop: Workshop;
  /** Behind which wall runs and checks work. */
  reaper: Reaper;
  /** Tries to climb the walls around checks, for real; what was reached behind each. */
  climb: (network: 'open' | 'none') => Promise<Result<Climbed, Failure>>;
  facts: () => Promise<MachineFacts>;
  /** Reads the home's files again; a broken edit changes nothing and says what is wrong. */
  reload: () => Promise<Result<boolean, CannotOpen>>;
  /** Names the configuration in force. */
  configHash: () => string;
  /** Calls back when the home's files change. */
  watch: (onChange: () => void, signal: AbortSignal) => void;
  /** A line for the process log, logs/winnow.log. */
  log: (line: string) => void;
  close: () => Promise<void>;
}
