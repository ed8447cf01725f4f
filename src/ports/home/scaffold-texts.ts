import { parse } from 'yaml';
import type { Detected } from '../../policy/detect.ts';
import type { DetectedCheck } from '../../policy/detect-part.ts';

/** The files of a new home as text: what a person reads first of Winnow. */

export const IGNORED_LINES = ['.winnow/', '.env', 'logs/*', '!logs/.gitkeep'];

export const ENV_EXAMPLE_TEXT = `# Copy this file to .env, which git ignores. winnow.config.yaml refers to these values as env:NAME.
# What the environment already has wins over this file.

# How Claude Code logs in, unless \`claude\` is logged in on this machine: one of these two.
# ANTHROPIC_API_KEY=
# CLAUDE_CODE_OAUTH_TOKEN=

# Bearer token of the HTTP interface: any long random text, for example from \`openssl rand -hex 24\`.
# WINNOW_TOKEN=

# The Telegram bot, from @BotFather.
# TELEGRAM_BOT_TOKEN=
`;

export const CONFIG_TEXT = (input: { name: string; repo: string; branch: string; detected: Detected }): string => {
  const { name, repo, branch, detected } = input;
  const { install, context, checks, protect, env, notes } = detected;
  const slots = new Map([
    ['tsc', 2],
    ['test', 1],
  ]);
  for (const { slot } of checks) if (slot !== undefined && !slots.has(slot)) slots.set(slot, 1);
  const lines = [
    '# yaml-language-server: $schema=./.winnow/config.schema.json',
    '# One factory. `winnow config check` reads this file; a saved change is picked up without a restart.',
    '# Secrets never stand here: env:NAME refers to the environment or to .env.',
    '',
    '# The repositories under care, each with the checks that judge a change.',
    'projects:',
    `  - name: ${scalar(name)}`,
    '    # URL, or path relative to this file.',
    `    repo: ${scalar(repo)}`,
    '    # Where winners land.',
    `    branch: ${scalar(branch)}`,
    ...(install === undefined
      ? ['    # Nothing is installed; a command here runs when a lockfile changes.', '    # install: npm ci']
      : ['    # Run when the content of a lockfile changes.', `    install: ${scalar(install)}`]),
    '    # What a session reads first.',
    ...list('    context', context),
    '    # What judges a change, one by one, against the same check on the branch before it.',
    '    checks:',
    ...checks.flatMap(checkLines),
    '    # Paths that no session may touch: what configures the checks, and what has power over the machine.',
    ...list('    protect', protect),
    ...(Object.keys(env).length === 0
      ? []
      : [
          '    # Environment of install and checks, beside a short allow-list.',
          '    env:',
          ...Object.entries(env).map(([key, value]) => `      ${key}: ${JSON.stringify(value)}`),
        ]),
    '    # push moves the branch; pull-request proposes.',
    '    merge: { mode: push, style: squash, maxDiffLines: 500 }',
    ...(notes.length === 0 ? [] : ['', '    # Found while looking at the repository:']),
    ...notes.flatMap((note) => wrapped(note, '    # - ', '    #   ')),
    '',
    '# How Claude Code is run. The budgets are dollars.',
    'agent:',
    '  model: sonnet',
    '  timeout: 30m',
    '  maxBudgetUsd: 1',
    '  maxBudgetPerCycleUsd: 3',
    '  # A wall around sessions, checks and installs: bubblewrap, see docs/walls.md. Sessions then reach the service of',
    '  # Claude Code and installs their registries; further hosts are named here and under the project.',
    '  # sandbox: bwrap',
    '  # hosts: [docs.example.com]',
    '',
    '# What happens when; cron expressions are in UTC.',
    'schedule:',
    '  tick: 5m',
    '  cycle: 15m',
    '  review: "0 */2 * * *"',
    '  standup: "0 1-23/2 * * *"',
    '  doctor: "30 */3 * * *"',
    '',
    '# Conditions that hold back new work.',
    'gates:',
    '  memory: 85%',
    '  disk: 2GB',
    '  budgetPerDayUsd: 20',
    '  maxSessions: 8',
    '',
    '# How many checks of each kind may run at the same time, over all sessions.',
    'slots:',
    ...[...slots].map(([slot, count]) => `  ${slot}: ${count}`),
    '',
    '# How long things are kept; `winnow gc` shows what has had its time.',
    'retention:',
    '  transcripts: 30d',
    '  reports: 90d',
    '  branches: 30d',
    '',
    '# The HTTP interface. Give it a token before you let it listen beyond this machine.',
    'http:',
    '  host: 127.0.0.1',
    '  port: 7420',
    '  # token: env:WINNOW_TOKEN',
    '',
    '# The Telegram bot; only these chats may speak to it.',
    '# telegram:',
    '#   token: env:TELEGRAM_BOT_TOKEN',
    '#   chats: []',
    '',
    '# When you are left in peace, and who else is told.',
    '# notify:',
    '#   quiet: { from: "22:00", to: "07:30", timezone: Europe/Berlin }',
    '#   discord: env:DISCORD_WEBHOOK',
  ];
  return `${lines.join('\n')}\n`;
};

const checkLines = (check: DetectedCheck): string[] => [
  `      - name: ${scalar(check.name)}`,
  ...(['run', 'parse', 'slot', 'timeout', 'report', 'rerun'] as const).flatMap((key) =>
    check[key] === undefined ? [] : [`        ${key}: ${scalar(check[key])}`],
  ),
];

const list = (key: string, values: string[]): string[] =>
  values.length === 0
    ? [`${key}: []`]
    : [`${key}:`, ...values.map((value) => `${' '.repeat(key.search(/\S/))}  - ${JSON.stringify(value)}`)];

/** Plain where YAML reads it back as the same text, else in double quotes. */
const scalar = (value: string): string => {
  try {
    if (
      /^[\w./@:~ +=,{}&>|;$'"*()?!-]+$/.test(value) &&
      (parse(`k: ${value}`, { logLevel: 'error' }) as { k?: unknown }).k === value
    )
      return value;
  } catch {
    // Not readable plainly.
  }
  return JSON.stringify(value);
};

const COMMENT_COLUMNS = 110;

const wrapped = (text: string, first: string, next: string): string[] => {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.replace(/\s+/g, ' ').split(' ')) {
    if (!empty && line.length + 1 + word.length > COMMENT_COLUMNS) {
      lines.push(line);
      line = next + word;
    } else line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
};

/** Three sessions that do not get into each other's way: one mends, one tests, one tidies. */
export const SESSION_TEXTS = (input: { name: string; detected: Detected }): [string, string][] => {
  const { name, detected } = input;
  const names = detected.checks.map((check) => check.name);
  const all = names.join(', ');
  const tested = detected.checks.some(({ slot }) => slot === 'test');
  const typed = names.includes('tsc');
  const linted = names.includes('lint');
  const head = (focus: string) => `---\nproject: ${scalar(name)}\nfocus: ${JSON.stringify(focus)}\n---\n`;

  const kinds = [
    ...(typed ? ['type errors'] : []),
    ...(tested ? ['failing tests'] : []),
    ...(linted ? ['lint findings'] : []),
  ];
  const fixer = `${head(`Problems that the checks report: ${kinds.length === 0 ? all : kinds.join(', ')}`)}
Mend what the checks (${all}) report, one cause at a time.

- Take the problem whose cause you understand best, not the first in the list. Several reports with one cause are one
  task; two causes are two.
- Find the cause before you edit. A change that makes a message go away without removing its reason is worse than
  none: no casts, no suppressions, no wider types, no swallowed errors.
${tested ? '- When a test fails, decide first whether the code or the test is wrong. If the test is wrong, leave it and say so.\n' : ''}- When the checks are clean, look for bugs that they do not see: unhandled errors, wrong edge cases, promises that
  nobody waits for. Prove each with a ${tested ? 'test that fails before your change' : 'command whose output shows it'}.
`;

  const tester = `${head(tested ? 'Behaviour that no test protects' : 'A first set of tests for the most important behaviour')}
${
  tested
    ? 'Write tests for behaviour that matters and that no test protects yet.'
    : `The checks of this project (${all}) run no tests. Propose them in small steps: first the plainest runner that fits\nthe language and is there already, with one real test; then one behaviour at a time. A human adds the check.`
}

- One unit of behaviour per cycle: one function, one route, one command. Begin with what has many callers, what
  changed lately, and what handles input from outside.
- Test what a caller can observe. No test of private helpers, of mocks, or of the text of messages.
- Cover the edges: empty, one, many, malformed, twice. A test that cannot fail is a defect; break the code for a
  moment to see it fail, then undo that.
- Follow the existing tests in place, names and style. Real collaborators before mocks; no sleeping, no network.
- A test that uncovers a bug is worth most: if the mend is small and plain, make it in the same change.
`;

  const tidier = `${head('Dead code, duplication, and names that mislead')}
Make the code easier to read without changing what it does.

- One thing per cycle: remove what nothing uses, join what is written twice, split what does two things, give a name
  that tells the truth, replace a comment by clearer code.
- Prove that code is dead before you remove it: search for its name in the whole repository, scripts, configuration
  and documentation included. What a package exports is used by people you cannot see.
- Behaviour stays the same, also for errors and edge cases. The checks (${all}) must say
  exactly what they said before.
- No reformatting, no new abstraction for one caller, no change of style against the conventions of the file.
- If nothing is worth a reviewer's two minutes, say so.
`;

  return [
    ['fixer', fixer],
    ['tester', tester],
    ['tidier', tidier],
  ];
};
