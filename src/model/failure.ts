/**
 * The catalog of everything that is expected to fail: a kind, and what a person does about it.
 * The sentence is made where the facts are; the mend belongs to the kind.
 */
export const MENDS = {
  // home and configuration
  'home-missing': 'Run `winnow init --repo PATH` to make a home, or name one with --home DIR or WINNOW_HOME.',
  'home-unusable': 'Check that this user may write there and that the disk has room: `ls -ld` and `df` on that path.',
  'config-invalid': 'Mend the named keys in winnow.config.yaml; `winnow config check` reads it again.',
  'session-file-invalid': 'Mend the front matter of the named file in sessions/.',
  'prompt-invalid': 'Mend the named file in prompts/, or delete it and run `winnow init` to get the shipped one back.',
  'argument-invalid': 'See `winnow help` for what the command takes.',
  'not-found': 'See `winnow status` for the names that exist.',
  'key-reused': 'Give every command a key of its own; the same key is for the same command once more.',
  'bot-closed': 'Use a command; `/help` lists them. What is spent on free words is `telegram.budgetPerDayUsd`.',
  'too-many': 'Wait until some of it is done, then ask again.',
  'already-running': 'Stop the other process first, or use `winnow status` to see what it does.',
  'held-back': 'Ask again when that is over; `winnow status` shows what holds it back.',
  taken: 'Wait until it is given back, or ask whoever has it; `winnow status` shows it.',
  'no-terminal': 'Run it in a terminal (over SSH: `ssh -t`), or follow with `winnow attach NAME`, which needs none.',
  'role-parked': 'Read logs/winnow.log for why, then `winnow resume --role NAME`, and start it again.',
  // repository
  'repo-missing': 'Check `repo:` in winnow.config.yaml; a path is taken relative to the home.',
  'repo-empty': 'Make a first commit in the repository.',
  'branch-missing': 'Set `branch:` in winnow.config.yaml to a branch that exists.',
  'repo-unreachable': 'Check the network and the credentials with `git ls-remote` on the same URL.',
  'push-refused': 'Look at the remote’s hooks and branch protection; the branch stays in the mirror until then.',
  'checkout-dirty':
    'Commit or stash what lies in that checkout, or finish what was begun there; Winnow goes on by itself.',
  'commit-gone': 'Apply its patch from logs/patches/ yourself, or let a session do it again: `winnow task add`.',
  'git-failed': 'Run the named git command by hand in the mirror to see more.',
  'install-failed': 'Run the install command by hand in a clean clone, or set `install:` in winnow.config.yaml.',
  // machine
  'disk-full': 'Free some disk space; Winnow goes on by itself.',
  'journal-write': 'Check the disk and the permissions of logs/; Winnow goes on by itself when it can write.',
  'entry-illegal': 'This is a defect in Winnow: please report it with the line of the log.',
  'wall-missing':
    'Do what the message says (`winnow check` climbs every wall), or set `agent.sandbox: none` in winnow.config.yaml.',
  'command-missing': 'Install the named command or correct `run:` in winnow.config.yaml.',
  // HTTP
  unauthorized: 'Send `Authorization: Bearer` with a token that winnow.config.yaml names under `http:`.',
  forbidden: 'Use a token whose `scopes:` hold it, or the unix socket of the home.',
  'too-large': 'Send less: what is asked for fits into 256 KB.',
  'branch-moved': 'Look at what is new with `winnow show`, then approve it once more.',
  'address-taken': 'Stop what listens there, or set `http.host` and `http.port` in winnow.config.yaml.',
  defect: 'This is a defect in Winnow: please report it with the lines of logs/winnow.log.',
  // Claude Code
  'claude-missing': 'Install Claude Code (`npm install -g @anthropic-ai/claude-code`) or set `agent.command`.',
  auth: 'Log in with `claude` then /login, or put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) into .env.',
  billing: 'Add credit to the account, then `winnow resume`.',
  'usage-limit': 'Nothing to do: all sessions wait and go on when the limit resets.',
  'rate-limit': 'Nothing to do: the run is repeated with back-off.',
  overloaded: 'Nothing to do: the run is repeated with back-off.',
  'server-error': 'Nothing to do: the run is repeated with back-off.',
  connection: 'Check the network if it lasts; the run is repeated with back-off.',
  'model-not-found': 'Set `agent.model` in winnow.config.yaml to a model this account may use.',
  'prompt-too-long': 'Shorten the context files or the session’s instructions.',
  'max-output': 'Nothing to do: the attempt is thrown away.',
  refusal: 'Read the transcript; rephrase the session’s instructions if it comes back.',
  'no-answer': 'Nothing to do: the attempt is thrown away.',
  'budget-run': 'Raise `agent.maxBudgetUsd` if runs end too early.',
  'max-turns': 'Nothing to do: the attempt is thrown away.',
  silent: 'Nothing to do: the run was killed and its session freed.',
  overtime: 'Raise `agent.timeout` if honest work needs longer.',
  interrupted: 'Nothing to do: the work starts again with the next cycle.',
  crashed: 'Read the transcript and its .tty file; repeated crashes park the session.',
  'conversation-lost': 'Nothing to do: a new conversation is begun.',
  'claude-config': 'Mend or delete the file named in the message.',
  'claude-unknown': 'Read the transcript; a newer Claude Code may say things this Winnow does not know.',
  // crew
  'error-looping': 'Read the letter in logs/doctor/; `winnow resume NAME` lets the session go on at once.',
} as const;

export type FailureKind = keyof typeof MENDS;

export interface Failure {
  kind: FailureKind;
  /** One sentence for a person: what happened, with names and figures. */
  message: string;
  /** What a person does about it. */
  mend: string;
  /** Raw material (stderr, a path), shown only on request. */
  detail?: string | undefined;
}

export const failure = (kind: FailureKind, message: string, detail?: string): Failure => ({
  kind,
  message,
  mend: MENDS[kind],
  ...(detail === undefined ? {} : { detail }),
});

/** A result whose failure is one of the catalog. */
export const failed = (kind: FailureKind, message: string, detail?: string): { ok: false; error: Failure } => ({
  ok: false,
  error: failure(kind, message, detail),
});

/** For the rare place where a failure must cross code that knows only exceptions. */
export class FailureError extends Error {
  readonly failure: Failure;
  constructor(f: Failure, options?: ErrorOptions) {
    super(f.message, options);
    this.name = 'FailureError';
    this.failure = f;
  }
}
