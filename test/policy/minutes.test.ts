import { expect, it } from 'vitest';
import { type Minutes, renderMinutes } from '../../src/policy/minutes.ts';

const AT = Date.parse('2026-03-14T09:15:00.000Z');

const full: Minutes = {
  at: AT,
  ...{
    form: 'full',
    trigger: 'schedule',
    since: '2026-03-14T07:15:00.000Z',
    runs: 9,
    costUsd: 0.314,
    durationMs: 64_300,
  },
  tokens: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 },
  sessions: [
    {
      ...{ session: 'alpha', project: 'api', present: true, proposal: 'Agree on what an empty result is.' },
      commitment: {
        ...{ title: 'Test the empty search', task: '01KKN3V8ZC0000000000000003' },
        ...{ files: ['test/search.test.ts', 'src/search.ts'], until: '2026-03-14T11:00:00.000Z' },
      },
    },
    {
      ...{ session: 'beta', project: 'api', present: true },
      commitment: {
        ...{
          title: 'Mend the clock',
          task: '01KKN3V8ZC0000000000000004',
          files: [],
          until: '2026-03-14T11:00:00.000Z',
        },
        renewed: true,
      },
    },
    { session: 'gamma', project: 'web', present: false, absence: 'no answer within 300 s (in the round of answers)' },
  ],
  warnings: [{ files: ['src/search.ts'], sessions: ['alpha', 'beta'], why: 'Both change what is returned.' }],
  summary: 'The search is nearly done and waits for its test; the clock test fails once in five runs.',
  priorities: ['Land the search.', 'Make clock.test.ts wait for the tick.'],
  blockers: ['beta: clock.test.ts is flaky; alpha has seen it as well.'],
  attendance: [
    {
      ...{ session: 'alpha', project: 'api' },
      report: {
        did: ['The search finds words in any case; it landed.'],
        stuck: [],
        needs: ['A word on empty results.'],
      },
      answer: {
        offers: ['beta: wait for the tick instead of a time.'],
        sharedErrors: ['clock.test.ts, with beta.'],
        fileWarnings: [],
      },
      commit: {
        commitment: {
          title: 'Test the empty search',
          text: 'In test/search.test.ts; done when it is green.',
          files: [],
        },
        proposal: 'Agree on what an empty result is.',
      },
    },
    {
      ...{ session: 'beta', project: 'api' },
      report: { did: [], stuck: ['clock.test.ts fails once in five runs.'], needs: [] },
      answer: { offers: [], sharedErrors: [], fileWarnings: [] },
      commit: { commitment: { title: 'Mend the clock', text: '', files: [] }, proposal: '' },
    },
    {
      ...{ session: 'gamma', project: 'web', absence: 'no answer within 300 s (in the round of answers)' },
      report: { did: ['The menu opens with a key.'], stuck: [], needs: [] },
    },
  ],
  transcripts: 'logs/transcripts/standup-1f2e-01KKN3-*',
};

it('are minutes of a meeting: who came, what comes of it, and what each one said', () => {
  expect(renderMinutes(full)).toMatchInlineSnapshot(`
    "# Standup of 14 March 2026, 09:15 UTC

    2 of 3 sessions spoke to the end, at the appointed time. It took one minute and 4 seconds, 9 runs and $0.31.
    It speaks of what happened since 14 March 2026, 07:15 UTC.

    ## Summary

    The search is nearly done and waits for its test; the clock test fails once in five runs.

    ## Priorities

    1. Land the search.
    2. Make clock.test.ts wait for the tick.

    ## Blockers

    - beta: clock.test.ts is flaky; alpha has seen it as well.

    ## Commitments

    - alpha: Test the empty search (task …000003). It has \`test/search.test.ts\`, \`src/search.ts\` until 11:00.
    - beta: goes on with “Mend the clock”, which is still open (task …000004).

    ## Files that two must not both touch

    - \`src/search.ts\` (alpha and beta): Both change what is returned.

    ## Proposals

    - alpha: Agree on what an empty result is.

    ## Absent

    - gamma: no answer within 300 s (in the round of answers)

    ## What each one said

    ### alpha (api)

    **Did:** The search finds words in any case; it landed.

    **Needs:** A word on empty results.

    **Offers:** beta: wait for the tick instead of a time.

    **Meets as well:** clock.test.ts, with beta.

    **Commits to:** Test the empty search. In test/search.test.ts; done when it is green.

    **Proposes:** Agree on what an empty result is.

    ### beta (api)

    **Is stuck:** clock.test.ts fails once in five runs.

    **Commits to:** Mend the clock

    ### gamma (web)

    **Did:** The menu opens with a key.

    Transcripts: \`logs/transcripts/standup-1f2e-01KKN3-*\`
    "
  `);
});

it('say of a short meeting why it was, and of a chair that said nothing that it did', () => {
  const { since: _, ...first } = full;
  const page = renderMinutes({
    ...first,
    ...{ form: 'short', why: 'three rounds would cost about $0.50, and $0.40 of the budget of the day are left' },
    ...{
      chairAbsence: 'gate budget is closed',
      trigger: 'manual',
      durationMs: 1_000,
      runs: 1,
      sessions: full.sessions.slice(0, 1),
    },
    ...{ attendance: [], warnings: [], priorities: [], blockers: [] },
  });
  expect(page).toMatchInlineSnapshot(`
    "# Standup of 14 March 2026, 09:15 UTC

    One session spoke, called by a person. It took one second, one run and $0.31.
    It was the first one.
    It was held in short form, the last round and the chair only: three rounds would cost about $0.50, and $0.40 of the budget of the day are left.
    The chair said nothing (gate budget is closed): these minutes were made without it.

    ## Summary

    The search is nearly done and waits for its test; the clock test fails once in five runs.

    ## Commitments

    - alpha: Test the empty search (task …000003). It has \`test/search.test.ts\`, \`src/search.ts\` until 11:00.

    ## Proposals

    - alpha: Agree on what an empty result is.

    Transcripts: \`logs/transcripts/standup-1f2e-01KKN3-*\`
    "
  `);
});

it('are Markdown that loads nothing and runs nothing, whatever was said', () => {
  const evil = '![x](http://evil.invalid/?q) <img src=x onerror=alert(1)> [go](javascript:1)';
  const page = renderMinutes({
    ...full,
    ...{ summary: evil, priorities: [evil], blockers: [evil] },
    warnings: [{ files: ['a`b](x)'], sessions: ['alpha', 'beta'], why: evil }],
  });
  expect(page.replace(/`[^`\n]*`/g, '')).not.toMatch(/(?<!\\)<img|\]\(/);
});
