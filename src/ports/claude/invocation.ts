/** The command line, the settings and the environment of a run: everything that decides what an agent may do. */
import type { InteractionRequest, RunRequest } from './claude.ts';

/**
 * What a planner or reviewer gets, whatever else is asked for: nothing here can write or execute. A skill is text; what
 * it would run when it is loaded is denied together with Bash.
 */
const READ_TOOLS = ['Read', 'Grep', 'Glob', 'Skill'];

/** Linux takes at most 128 KiB in one argument. */
const ARGUMENT_MAX_BYTES = 120_000;

/**
 * A seat belt, not a wall: these rules stop the file tools and plain shell commands, not a program the agent runs.
 * `Edit(…)` covers Write as well; a rule named Write has no effect.
 */
export const settingsOf = (): unknown => ({ permissions: { deny: ['Edit(.git/**)', 'Edit(**/.git/**)'] } });

export interface RunFiles {
  prompt: string;
  output: string;
  settings: string;
  /** Undefined: nothing is appended to the system prompt. */
  system: string | undefined;
}

/**
 * Only user settings are loaded: they carry the skills of CLAUDE_CONFIG_DIR, while the settings, hooks and MCP servers
 * of the target repository, which would run its code before the first word, stay unread. `dontAsk` denies what is not
 * in the list and works for root too, which bypassing permissions does not.
 */
export const argumentsOf = (request: RunRequest, files: RunFiles): string[] => {
  const { conversation, schema } = request;
  const tools = toolsOf(request).join(',');
  const options = [
    ['--output-format', 'stream-json'],
    ['--verbose'],
    ['--model', request.model],
    'start' in conversation ? ['--session-id', conversation.start] : ['--resume', conversation.resume],
    ['--max-turns', String(request.maxTurns)],
    ['--max-budget-usd', String(request.maxBudgetUsd)],
    ['--settings', files.settings],
    ['--setting-sources', 'user'],
    ['--strict-mcp-config'],
    ['--permission-mode', 'dontAsk'],
    request.pluginDir === undefined ? [] : ['--plugin-dir', request.pluginDir],
    files.system === undefined ? [] : ['--append-system-prompt-file', files.system],
    schema === undefined ? [] : ['--json-schema', JSON.stringify(schema)],
    // These take any number of values: one joined value each, and the last of them ends the line.
    ['--tools', tools],
    ['--allowedTools', tools],
  ];
  return ['-p', ...options.flat()];
};

const toolsOf = ({ access, tools }: RunRequest): string[] =>
  access === 'read' ? tools.filter((tool) => READ_TOOLS.includes(tool)) : tools;

/** The first argument that the kernel would refuse, with its size. */
export const tooLong = (args: string[]): { start: string; bytes: number } | undefined => {
  const found = args.find((arg) => Buffer.byteLength(arg) > ARGUMENT_MAX_BYTES);
  return found === undefined ? undefined : { start: found.slice(0, 40), bytes: Buffer.byteLength(found) };
};

/** Winnow repeats runs itself, for all sessions together: inside the run only the first hiccup is smoothed. */
const INNER_RETRIES = 2;
/** Wait for the headers of an answer; real ones come within seconds, unstreamed long ones within minutes. */
const API_TIMEOUT_MAX_MS = 180_000;
/** The service pings at least every few seconds: a stream that is quiet this long is dead. */
const STREAM_IDLE_MAX_MS = 60_000;
const BASH_DEFAULT_TIMEOUT_MS = 300_000;
const BASH_MAX_TIMEOUT_MS = 600_000;

/**
 * The inner time limits stay below the silence limit of the run, so that it can report a dead connection itself
 * instead of being stopped for its silence. What the request sets in its environment wins over these.
 */
export const environmentOf = (request: RunRequest): Record<string, string> => ({
  CLAUDE_CODE_MAX_RETRIES: String(INNER_RETRIES),
  API_TIMEOUT_MS: String(Math.round(Math.min(API_TIMEOUT_MAX_MS, request.silenceMs * 0.6))),
  CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: String(Math.round(Math.min(STREAM_IDLE_MAX_MS, request.silenceMs * 0.2))),
  BASH_DEFAULT_TIMEOUT_MS: String(Math.min(BASH_DEFAULT_TIMEOUT_MS, request.timeoutMs)),
  BASH_MAX_TIMEOUT_MS: String(Math.min(BASH_MAX_TIMEOUT_MS, request.timeoutMs)),
  CLAUDE_CODE_STARTUP_FAILURE_RESULTS: '1',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  TERM: 'dumb',
  ...request.env,
  // A command left in the background keeps the process alive for minutes after its answer.
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
  CLAUDE_CODE_TMPDIR: request.tmpDir,
  WINNOW_RUN: request.run,
  ...(request.configDir === undefined ? {} : { CLAUDE_CONFIG_DIR: request.configDir }),
});

// ---- with a person ------------------------------------------------------------------------------------------------

/**
 * What the agent may do without asking the person's may too, since the person is there; everything else is asked. As
 * for a run nothing of the target repository's own settings, hooks and servers is loaded.
 */
export const interactiveArgumentsOf = (request: InteractionRequest, settings: string): string[] => {
  const { conversation, pluginDir } = request;
  return [
    ...('start' in conversation ? ['--session-id', conversation.start] : ['--resume', conversation.resume]),
    ...['--model', request.model],
    ...['--settings', settings],
    ...['--setting-sources', 'user'],
    '--strict-mcp-config',
    ...['--permission-mode', 'default'],
    ...(pluginDir === undefined ? [] : ['--plugin-dir', pluginDir]),
    // Takes any number of values: last.
    ...['--allowedTools', request.tools.join(',')],
  ];
};

export const interactiveEnvironmentOf = (request: InteractionRequest): Record<string, string> => {
  // An agent's own terminal is nobody's; here it is a person's, who may have colours.
  const { NO_COLOR: _, ...env } = request.env;
  return {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    ...env,
    ...request.screen,
    CLAUDE_CODE_TMPDIR: request.tmpDir,
    WINNOW_RUN: request.run,
    ...(request.configDir === undefined ? {} : { CLAUDE_CONFIG_DIR: request.configDir }),
  };
};
