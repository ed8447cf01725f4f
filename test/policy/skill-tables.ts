import type { SkillDraft } from '../../src/model/skill.ts';

/** Skills as a home collects them, work that some of them fit, and pairs of drafts that say the same or do not. */

const skill = (name: string, description: string, body: string): SkillDraft => ({ name, description, body });

export const LIBRARY: SkillDraft[] = [
  skill(
    'small-steps',
    'Keeps a change small enough to be judged. Use when planning or making any change to a repository.',
    'Say in one sentence what will be different. Name the evidence before the edit. Read the diff as a stranger.',
  ),
  skill(
    'empty-results',
    'How functions of this project return nothing: an empty list, never null. Use when a search, a filter or a lookup is changed.',
    'Callers iterate without asking. Return `[]`, and let the type say so. Look for `?? []` at the callers and remove it.',
  ),
  skill(
    'flaky-timers',
    'Makes tests that wait for timers deterministic. Use when a test is flaky, uses setTimeout or sleeps, or times out now and then.',
    'Use fake timers, or poll for the condition. Advance the clock by hand. Await the promise that the timer resolves.',
  ),
  skill(
    'strict-null-errors',
    'Mends TypeScript compiler errors about undefined and null (TS2531, TS2532, TS18048) at their origin.',
    'Follow the value to where it is declared. Narrow once at the border, with an early return. No non-null assertions.',
  ),
  skill(
    'sql-migrations',
    'Writes database migrations that can be rolled back. Use when a table, a column or an index changes in SQL.',
    'One change a migration. Add columns as nullable, backfill in batches, then set NOT NULL. Test the down migration.',
  ),
  skill(
    'react-effects',
    'Mends React hooks: missing dependencies of useEffect, stale closures, effects that run twice.',
    'Derive during render what can be derived. Put handlers into refs or callbacks. Clean up subscriptions.',
  ),
  skill(
    'csv-quoting',
    'How CSV and TSV exports are quoted and parsed here: separators, quotes, line breaks inside a cell.',
    'Quote when a cell holds a separator, a quote or a line break. Double the quotes. Write CRLF.',
  ),
  skill(
    'http-retries',
    'Retries of HTTP requests with back-off and jitter. Use when a client calls a remote API that may be down or answers 429 or 503.',
    'Repeat only what is idempotent. Respect Retry-After. Bound the attempts and the total time.',
  ),
  skill(
    'date-zones',
    'Dates and time zones: store UTC, format at the edge. Use when a date is off by one day or an hour, or DST is involved.',
    'Never parse a date without its zone. Compare instants. Tests set TZ explicitly.',
  ),
  skill(
    'stale-docs',
    'Brings README and API documentation in line with the code. Use when docs, examples or docstrings are outdated.',
    'Run each example. Take signatures from the source. Link instead of repeating.',
  ),
  skill(
    'python-imports',
    'Breaks circular imports in Python packages. Use when ImportError or a partially initialized module appears.',
    'Move shared names to a module that imports nothing. Import inside the function as the last resort.',
  ),
  skill(
    'bounded-concurrency',
    'Limits how many promises run at once. Use when Promise.all over many items exhausts memory, sockets or file handles.',
    'Use p-limit. Keep the order of the results. Let the first error abort the rest.',
  ),
  skill(
    'regex-backtracking',
    'Finds regular expressions that backtrack catastrophically (ReDoS) and makes them linear.',
    'Look for nested quantifiers. Anchor, use possessive classes, bound repetitions, or write a scanner.',
  ),
  skill(
    'cache-keys',
    'Chooses keys for caches so that stale values are never served. Use when memoisation, a cache or invalidation is wrong.',
    'Everything that the result depends on is in the key. Version the key. Bound the size.',
  ),
  skill(
    'rust-lifetimes',
    'Mends borrow checker errors in Rust (E0502, E0505, E0597) without cloning everything.',
    'Shorten the borrow with a block. Split the struct. Return owned values at borders.',
  ),
];

export const WORKS: { text: string; around?: string; failing?: string; fits: string[] }[] = [
  { text: 'The search returns null when nothing is found; return an empty list', fits: ['empty-results'] },
  { text: 'flaky tests', fits: ['flaky-timers'] },
  {
    text: 'failing tests and compiler errors',
    failing:
      "src/user.ts TS2532: Object is possibly 'undefined'.\nsrc/user.ts TS18048: 'user' is possibly 'undefined'.",
    fits: ['strict-null-errors'],
  },
  { text: 'Add a column last_seen to the table users', fits: ['sql-migrations'] },
  { text: 'The useEffect of the search box runs twice', fits: ['react-effects'] },
  { text: 'Cells with a line break are torn apart in the CSV export', fits: ['csv-quoting'] },
  { text: 'Calls of the payment API fail with 503 now and then: retry them', fits: ['http-retries'] },
  { text: 'The invoice shows the day before in New York: the date is off by one', fits: ['date-zones'] },
  { text: 'documentation', around: 'You keep README and the docs true.', fits: ['stale-docs'] },
  {
    text: 'failing tests',
    failing: "tests/test_app.py > test_app: ImportError: cannot import name 'app' from partially initialized module",
    fits: ['python-imports'],
  },
  { text: 'Uploading 10,000 files opens too many sockets at once', fits: ['bounded-concurrency'] },
  { text: 'The validation of e-mail addresses hangs: a regular expression backtracks', fits: ['regex-backtracking'] },
  { text: 'Users see the old price: the cache is not invalidated', fits: ['cache-keys'] },
  { text: 'cargo check: error[E0502]: cannot borrow `items` as mutable', fits: ['rust-lifetimes'] },
  { text: 'failing tests', failing: 'sum.test.js > adds: 3 !== -1', fits: [] },
  { text: 'performance', around: 'You make it faster, a measurement at a time.', fits: [] },
  { text: 'Rename the module billing to invoices', fits: [] },
  { text: 'missing tests', around: 'You add tests where behaviour has none.', fits: [] },
];

const known = (name: string): SkillDraft => LIBRARY.find((each) => each.name === name)!;

export const PAIRS: { kind: 'same' | 'other'; draft: SkillDraft; known: SkillDraft }[] = [
  ...(
    [
      [
        'empty-results',
        skill(
          'return-empty-lists',
          'Functions that search, filter or look something up return an empty list instead of null.',
          'Return `[]` when nothing was found, so that callers can iterate.',
        ),
      ],
      [
        'flaky-timers',
        skill(
          'deterministic-timer-tests',
          'Use fake timers when a flaky test sleeps or waits for setTimeout.',
          'Advance the fake clock by hand instead of sleeping, and poll for the condition.',
        ),
      ],
      [
        'strict-null-errors',
        skill(
          'possibly-undefined',
          'Fixing TypeScript errors TS2532 and TS18048: values that are possibly undefined or null.',
          'Narrow at the border with an early return. Avoid non-null assertions.',
        ),
      ],
      [
        'sql-migrations',
        skill(
          'reversible-migrations',
          'Database migrations must be reversible. Use when SQL tables or columns change.',
          'Add the column nullable, backfill, then make it NOT NULL. Check the down migration.',
        ),
      ],
      [
        'react-effects',
        skill(
          'use-effect-dependencies',
          'Missing useEffect dependencies and stale closures in React hooks.',
          'Derive values during render. Clean up subscriptions in the effect.',
        ),
      ],
      [
        'csv-quoting',
        skill(
          'quoted-csv-cells',
          'Quoting of cells in CSV exports: separators, quotes and line breaks.',
          'A cell with a quote, a separator or a line break is quoted; quotes are doubled.',
        ),
      ],
      [
        'http-retries',
        skill(
          'retry-with-backoff',
          'Retry HTTP requests to remote APIs with jittered back-off on 429 and 503.',
          'Honour Retry-After, bound the attempts, repeat only idempotent requests.',
        ),
      ],
      [
        'date-zones',
        skill(
          'utc-dates',
          'Store dates in UTC and format them in the time zone at the edge, so that no date is off by one day.',
          'Parse with the zone. Set TZ in tests.',
        ),
      ],
      [
        'stale-docs',
        skill(
          'docs-in-sync',
          'Keeping the README and API docs in line with the code: outdated examples and docstrings.',
          'Run every example of the documentation. Copy signatures from source.',
        ),
      ],
      [
        'python-imports',
        skill(
          'circular-import-fix',
          'Circular imports in Python: ImportError, partially initialized modules.',
          'Move what both need to a third module. Import within the function if nothing else helps.',
        ),
      ],
      [
        'bounded-concurrency',
        skill(
          'limit-promise-all',
          'Limit concurrency of Promise.all when many promises exhaust sockets or memory.',
          'Use p-limit and keep the order of results.',
        ),
      ],
      [
        'regex-backtracking',
        skill(
          'redos',
          'Regular expressions that backtrack catastrophically are made linear.',
          'Nested quantifiers are the sign. Bound or anchor them.',
        ),
      ],
      [
        'cache-keys',
        skill(
          'cache-key-completeness',
          'Everything a cached result depends on belongs in the cache key, so that stale values are not served.',
          'Version the key and bound the cache.',
        ),
      ],
      [
        'rust-lifetimes',
        skill(
          'borrow-checker',
          'Borrow checker errors of Rust such as E0502 and E0597 mended without clones.',
          'Shorten borrows by blocks, split structs, return owned values.',
        ),
      ],
      [
        'small-steps',
        skill(
          'keep-changes-small',
          'Keep each change small enough that it can be judged when planning a change to a repository.',
          'One sentence says what differs. Evidence before the edit. Read the diff.',
        ),
      ],
    ] as [string, SkillDraft][]
  ).map(([name, draft]) => ({ kind: 'same' as const, draft, known: known(name) })),
  ...(
    [
      [
        'empty-results',
        skill(
          'search-ranking',
          'Ranks the hits of a search by relevance. Use when the order of search results is wrong.',
          'Sort by score, then by name. Test with ties.',
        ),
      ],
      [
        'flaky-timers',
        skill(
          'slow-tests',
          'Makes slow test suites faster by sharing set-up. Use when the tests take minutes.',
          'Share the database between files. Run files in parallel.',
        ),
      ],
      [
        'flaky-timers',
        skill(
          'flaky-network',
          'Tests that call the network are flaky: record the answers and replay them.',
          'Use a local server with recorded answers.',
        ),
      ],
      [
        'strict-null-errors',
        skill(
          'generic-constraints',
          'Mends TypeScript compiler errors about generics (TS2344, TS2322) with constraints.',
          'Constrain the type parameter at its declaration. Infer instead of annotating.',
        ),
      ],
      [
        'sql-migrations',
        skill(
          'sql-indexes',
          'Finds slow SQL queries and the index that is missing.',
          'EXPLAIN the query first. Cover the filter and the order.',
        ),
      ],
      [
        'react-effects',
        skill(
          'react-keys',
          'Lists in React need stable keys: state jumps between rows otherwise.',
          'Use the id of the row, never its position.',
        ),
      ],
      [
        'csv-quoting',
        skill(
          'json-lines',
          'How JSON Lines exports are written: one object a line, UTF-8, no trailing comma.',
          'Escape U+2028. End with a newline.',
        ),
      ],
      [
        'http-retries',
        skill(
          'http-timeouts',
          'Every HTTP request has a timeout and is aborted with its caller.',
          'Pass an AbortSignal down. Tell timeouts from refusals.',
        ),
      ],
      [
        'date-zones',
        skill(
          'durations',
          'Durations are numbers of milliseconds with the unit in the name.',
          'Name it timeoutMs. Convert at the edge.',
        ),
      ],
      [
        'stale-docs',
        skill(
          'changelog',
          'Writes the entry of the changelog for a change that users notice.',
          'One line, in the imperative, under Unreleased.',
        ),
      ],
      [
        'python-imports',
        skill(
          'python-typing',
          'Adds type hints to Python functions so that mypy passes.',
          'Begin at the leaves. Use Protocol for duck types.',
        ),
      ],
      [
        'bounded-concurrency',
        skill(
          'stream-large-files',
          'Reads large files as streams when memory is exhausted.',
          'Use pipeline and respect back-pressure.',
        ),
      ],
      [
        'regex-backtracking',
        skill(
          'regex-unicode',
          'Regular expressions over names need the u flag and \\p{L}.',
          'Test with Größe and 日本語.',
        ),
      ],
      [
        'cache-keys',
        skill(
          'http-cache-headers',
          'Sets Cache-Control and ETag of HTTP responses.',
          'Immutable for hashed assets, no-store for accounts.',
        ),
      ],
      [
        'rust-lifetimes',
        skill(
          'rust-errors',
          'Error types of Rust crates with thiserror instead of unwrap.',
          'One enum a crate. Keep the source.',
        ),
      ],
      [
        'small-steps',
        skill(
          'commit-messages',
          'Writes commit messages: imperative subject, the reason in the body.',
          'At most 72 characters a line.',
        ),
      ],
    ] as [string, SkillDraft][]
  ).map(([name, draft]) => ({ kind: 'other' as const, draft, known: known(name) })),
];
