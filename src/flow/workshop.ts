import type { Clock } from '../base/clock.ts';
import type { IdFactory } from '../base/ids.ts';
import type { Result } from '../base/result.ts';
import type { Journal } from '../journal/journal.ts';
import type { Config, ProjectConfig } from '../model/config.ts';
import type { Outcome, Phase, RalphCycle, Tokens, Trigger } from '../model/entry.ts';
import type { Failure } from '../model/failure.ts';
import type { Plan } from '../model/plan.ts';
import type { Session } from '../model/session.ts';
import type { State } from '../model/state.ts';
import type { Task } from '../model/task.ts';
import type { CheckCache } from '../ports/checks/cache.ts';
import type { Dependencies } from '../ports/checks/dependencies.ts';
import type { Claude, RunProgress } from '../ports/claude/claude.ts';
import type { Mirror, Workspaces } from '../ports/git/mirror.ts';
import type { BotLibrary } from '../ports/home/bot-skills.ts';
import type { HomePaths } from '../ports/home/home.ts';
import type { Prompts } from '../ports/home/prompts.ts';
import type { SkillLibrary } from '../ports/home/skills.ts';
import type { Commands } from '../ports/machine/command.ts';
import type { Environments } from '../ports/machine/environment.ts';
import type { MemoryWatch } from '../ports/machine/memory-watch.ts';
import type { Walls } from '../ports/machine/sandbox.ts';
import type { Slots } from '../ports/machine/slots.ts';
import type { Purse } from './purse.ts';

/** Everything a deed may use: one bag, filled by the composition root. */
export interface Workshop {
  journal: Journal<State>;
  clock: Clock;
  ids: IdFactory;
  /** The configuration in force now; a reload changes what the next call returns. */
  config: () => Config;
  paths: HomePaths;
  /** Where the owner's own login of Claude Code lives; used when the environment holds no credential. */
  ownerClaudeConfig: string;
  prompts: () => Prompts;
  slots: Slots;
  commands: Commands;
  /** What stands around runs and checks. */
  walls: Walls;
  claude: Claude;
  workspaces: Workspaces;
  dependencies: Dependencies;
  cache: CheckCache;
  skills: SkillLibrary;
  botSkills: BotLibrary;
  environments: Environments;
  purse: Purse;
  /** Opens, or returns the already open, mirror of a project. */
  mirrorOf: (project: ProjectConfig) => Promise<Result<Mirror, Failure>>;
  /** Makes values that must not leave the machine unreadable in a text. */
  redact: (text: string) => string;
  random: () => number;
  memory: MemoryWatch;
  /** What a run is doing right now, for whoever watches. */
  onProgress: (cycle: string, progress: RunProgress) => void;
}

/** One cycle under way: what is fixed at its start, and what it adds up. */
export interface Cycle {
  id: string;
  session: Session;
  project: ProjectConfig;
  trigger: Trigger;
  task: Task | undefined;
  branch: string;
  startedMs: number;
  signal: AbortSignal;
  /** Absent where nobody can take the session from it. */
  handOver?: HandOver;
  sum: CycleSum;
}

/**
 * A person wants a session that is in a cycle, in whichever process: a run or a check that is under way goes on to its
 * end, a wait ends, and nothing is begun after it. The journal says so; asked at each boundary, it may also have been
 * given back by then.
 */
export interface HandOver {
  /** Aborts when the session is taken: ends waits, and nothing that works. Another one when it was given back. */
  readonly signal: AbortSignal;
  /** Who has taken it; undefined: nobody, and the cycle goes on. */
  to(): string | undefined;
  end(): void;
}

/** What a cycle adds up while it goes; it becomes the `ralph_cycle` entry whatever the end. */
export interface CycleSum {
  costUsd: number;
  tokens: Tokens;
  checks: { ran: number; reused: number };
  times: Partial<Record<Phase, number>>;
  runs: number;
  iterations: number;
  /** Names of the skills that are lent to its runs. */
  skills: string[];
  /** Those that fitted and that the lot withheld. */
  withheld: string[];
  memoryPeakBytes: number;
  known: Partial<RalphCycle> & { plan?: Plan };
}

/** Why a cycle ends before its last phase, or how it ends after it. */
export interface CycleEnd {
  outcome: Outcome;
  reason: string;
  failure?: Failure;
  /** The session is at fault and rests until then. */
  parkUntilMs?: number;
  /** The account is at fault: nobody starts until a person has acted. */
  stopAll?: boolean;
  /** The project is at fault: its sessions wait. */
  projectUnready?: boolean;
  /** Whether an assigned task counts this as one of its attempts. */
  countsAsAttempt: boolean;
  /** The conversation of the run that was given up: it can be gone on with. */
  conversation?: string;
}

export const endBy = (failure: Failure, outcome: Outcome = 'failed'): CycleEnd => ({
  outcome,
  reason: failure.message,
  failure,
  countsAsAttempt: false,
});

export const newSum = (): CycleSum => ({
  costUsd: 0,
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  checks: { ran: 0, reused: 0 },
  times: {},
  runs: 0,
  iterations: 0,
  skills: [],
  withheld: [],
  memoryPeakBytes: 0,
  known: {},
});

/** The envelope of every entry that belongs to a cycle. */
export const envelopeOf = (cycle: Cycle): { project: string; session: string; cycle: string } => ({
  project: cycle.project.name,
  session: cycle.session.name,
  cycle: cycle.id,
});
