import type { Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import type { Mirror } from '../git/mirror.ts';

/**
 * Dependencies, installed once per content of the lockfiles and shared by every workspace and checkout:
 * each gets real node_modules directories whose entries are links into the store, so that what a tool writes beside
 * the packages stays local; the store itself is read-only and proven unchanged before it is used again.
 */
export interface Installed {
  /** Names the content of the store: part of every check's cache key. '' when the project installs nothing. */
  key: string;
  /** True when this call ran the install command. */
  ran: boolean;
  durationMs: number;
}

export interface Dependencies {
  /** Installs for the lockfiles at `treeish` unless that is done; one process at a time, the others wait for it. */
  ensure(input: {
    mirror: Mirror;
    treeish: string;
    project: string;
    install: string | undefined;
    lockfiles: string[] | undefined;
    env: Record<string, string>;
    timeoutMs: number;
    signal?: AbortSignal;
  }): Promise<Result<Installed, Failure>>;
  /** Gives a directory the installed dependencies of `key`; quick, idempotent, replaces what was linked before. */
  link(key: string, dir: string): Promise<Result<void, Failure>>;
  /** False when somebody wrote through into the store; it is then set aside and the next `ensure` installs anew. */
  verify(key: string): Promise<boolean>;
  /** Names that `link` makes in a checkout and that no commit may contain. */
  excluded(key: string): Promise<string[]>;
}
