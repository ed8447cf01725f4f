import { type FileProblem, renderProblem } from '../base/file-problem.ts';
import type { Result } from '../base/result.ts';
import type { Workshop } from '../flow/workshop.ts';
import type { Journal } from '../journal/journal.ts';
import { type Failure, failure } from '../model/failure.ts';
import { problemsKind } from '../model/problems.ts';
import type { State } from '../model/state.ts';
import type { MachineFacts } from '../policy/gates.ts';
import type { Reach } from '../policy/hosts.ts';
import type { Climbed } from '../ports/machine/climb.ts';
import type { Reaper } from '../ports/machine/walls.ts';
import type { Counter } from './counter.ts';

/** What the composition root opens for the faces: a home to read and write to, or a whole factory to run. */
export interface Doors {
  version: string;
  openCounter(home: string | undefined): Promise<Result<OpenCounter, CannotOpen>>;
  /** The journal of a home whose configuration may be broken: it can be read all the same. */
  openJournal(home: string | undefined): Promise<Result<{ journal: Journal<State>; close: () => void }, CannotOpen>>;
  openFactory(home: string | undefined): Promise<Result<Factory, CannotOpen>>;
}

/** Why a home cannot be opened: one failure, or every mistake in its files. */
export type CannotOpen = { failure: Failure } | { problems: FileProblem[] };

/** In one sentence for who asked for something that needs the home. */
export const failureOf = (error: CannotOpen): Failure =>
  'failure' in error
    ? error.failure
    : failure(problemsKind(error.problems), error.problems.map(renderProblem).join('; '));

export interface OpenCounter extends Counter {
  /** Reads the home's files again; a broken edit changes nothing and says what is wrong. */
  reload: () => Promise<Result<boolean, CannotOpen>>;
  /** Calls back when the home's files change. */
  watch: (onChange: () => void, signal: AbortSignal) => void;
  close: () => Promise<void>;
}

export interface Factory extends OpenCounter {
  shop: Workshop;
  /** Behind which wall runs and checks work. */
  reaper: Reaper;
  /** Tries to climb the walls of a room with this network, for real; what was reached behind each. */
  climb: (network: Reach) => Promise<Result<Climbed, Failure>>;
  facts: () => Promise<MachineFacts>;
  /** Names the configuration in force. */
  configHash: () => string;
  /** A line for the process log, logs/winnow.log. */
  log: (line: string) => void;
}
