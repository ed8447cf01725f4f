import type { Result } from '../../base/result.ts';
import type { Tokens } from '../../model/entry.ts';
import type { Failure } from '../../model/failure.ts';
import type { Reach } from '../../policy/hosts.ts';

/** One `claude -p` process, from spawn to the last descendant's death. */
export interface RunRequest {
  /** Unique; also the marker by which survivors are found, and the base name of the transcript files. */
  run: string;
  cwd: string;
  prompt: string;
  /** Appended to Claude Code's own system prompt; a conversation that goes on keeps the one it began with. */
  system?: string;
  model: string;
  /** A new conversation under this id, or an existing one to go on with. */
  conversation: { start: string } | { resume: string };
  /** Names for --tools; nothing else exists in the run. */
  tools: string[];
  /** 'read': nothing is written. 'edit': the tools above run without asking. */
  access: 'read' | 'edit';
  /** JSON Schema of the answer; the answer is then `structured`. */
  schema?: Record<string, unknown>;
  maxBudgetUsd: number;
  maxTurns: number;
  timeoutMs: number;
  silenceMs: number;
  /** The whole environment of the run but for what the port itself sets. */
  env: Record<string, string>;
  /** CLAUDE_CONFIG_DIR; the conversation lives there. Undefined: the user's own. */
  configDir: string | undefined;
  /** What it needs to read behind a wall, beside its workspace. */
  readable?: string[];
  /** What it reaches behind a wall that holds back the network; default: everything. */
  network?: Reach;
  /** A plugin for this run alone. */
  pluginDir?: string;
  /** Of this run alone: wrapped runs all have the same process number, which names their sockets here. */
  tmpDir: string;
  /** Directory of the transcript: <run>.jsonl, <run>.prompt.md, <run>.tty. */
  transcriptDir: string;
  signal?: AbortSignal;
  /** Called as lines arrive, for live display: a short line for people. */
  onProgress?: (progress: RunProgress) => void;
}

export interface RunProgress {
  /** e.g. "Edit src/a.ts", "Bash npm test", or the start of what the model says. */
  line: string;
  /** So far; estimated from earlier runs of the model until the run itself tells it. */
  costUsd: number;
  at: number;
}

export interface RunUsage {
  costUsd: number;
  tokens: Tokens;
  turns: number;
}

/** How a run ended. A failed run has the shape of a finished one, so callers have one path. */
export interface RunResult {
  ok: boolean;
  /** Present when not ok. */
  failure?: Failure & {
    /** Milliseconds since the epoch; for a usage limit: when it resets. */
    resetsAtMs?: number;
    retryAfterMs?: number;
  };
  /** The answer's text. */
  text: string;
  /** The answer by schema, as parsed JSON; validated by the caller against its own zod schema. */
  structured: unknown;
  conversation: string;
  usage: RunUsage;
  exitCode: number | null;
  durationMs: number;
  /** Path of the transcript. */
  transcript: string;
  survivorsKilled: number;
  /** Tools that were denied, for the record. */
  denied: { tool: string; reason: string }[];
  /** Hosts, with their ports, that were asked for in vain where the network is a list. */
  refused: string[];
}

/** Claude Code as a person uses it, in a terminal of its own that the person's is connected with. */
export interface InteractionRequest
  extends Pick<
    RunRequest,
    | 'run'
    | 'cwd'
    | 'model'
    | 'conversation'
    | 'tools'
    | 'env'
    | 'configDir'
    | 'pluginDir'
    | 'readable'
    | 'network'
    | 'tmpDir'
    | 'transcriptDir'
  > {
  /** The configuration directory is Winnow's own: what a first start asks a person is answered in it. */
  ownsConfigDir: boolean;
  size: { columns: number; rows: number };
  /** What the person's terminal says of itself: TERM and the like. */
  screen: Record<string, string>;
}

export interface Interaction {
  /** What is to be shown, as it comes; set before anything is lost. */
  onData(listener: (data: string) => void): void;
  write(data: string): void;
  resize(size: { columns: number; rows: number }): void;
  /** A terminal that does not read holds back the one that writes. */
  pause(): void;
  resume(): void;
  /** Ends it, also in the middle of its work. */
  end(): void;
  over: Promise<InteractionEnd>;
}

export interface InteractionEnd {
  exitCode: number | null;
  /** In which the last word was said; undefined: none was. */
  conversation: string | undefined;
  /** Undefined: it could not be learned. */
  cost: { costUsd: number; tokens: Tokens } | undefined;
  /** Replies of the model. */
  turns: number;
  durationMs: number;
  /** What was said, as a transcript of a run. */
  transcript: string;
  survivorsKilled: number;
  refused: string[];
}

export interface Claude {
  run(request: RunRequest): Promise<RunResult>;
  /** Opens it; failure kinds claude-missing, crashed. */
  interact(request: InteractionRequest): Promise<Result<Interaction, Failure>>;
  /** Where the program is and what it says of itself; failure kind claude-missing. */
  probe(): Promise<{ ok: true; path: string; version: string } | { ok: false; error: Failure }>;
}
