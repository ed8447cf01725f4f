import { describe, expect, it } from 'vitest';
import { renderLetter } from '../../../src/faces/cli/letter.ts';
import { renderProposal, renderProposals } from '../../../src/faces/cli/prompts.ts';
import type { Proposal } from '../../../src/model/state.ts';
import { type Letter, letterPage } from '../../../src/policy/letter.ts';
import { tags } from './paper.ts';

const LETTER: Letter = {
  at: '2026-03-14T09:30:00.000Z',
  trigger: 'schedule',
  windowMs: 12 * 3_600_000,
  sessions: [
    {
      session: 'alpha',
      project: 'api',
      class: 'error-looping',
      evidence: [
        'loop: the same error 3 times in a row (a loop from 3): breaks: tests: search.test.ts > finds nothing',
      ],
      diagnosis:
        'It edits the caller, but the fault is in src/index.ts, which forgets the last page. Each attempt meets the same test.',
      effect: 'parked',
      treatment: 'It rests until 2026-03-14 10:00 UTC',
      proposals: [
        {
          id: '01KKN3V8ZC0000000000000004',
          change: {
            file: 'sessions/alpha.md',
            find: '',
            replace: 'Look at the index before you change its callers.',
            why: 'three cycles changed the caller and were discarded',
          },
          applied: false,
        },
      ],
    },
    {
      session: 'beta',
      project: 'api',
      class: 'productive',
      evidence: ['kept: 2 of 4 cycles: 2 landed, 2 discarded', 'held back: gate memory closed: 91 % are used'],
      effect: 'none',
      treatment: 'None: nothing is done by rule',
      proposals: [],
    },
    {
      session: 'gamma',
      project: 'web',
      class: 'stuck',
      evidence: ['unkept: 5 cycles in a row without anything kept (stuck from 5): 3 rejected or dropped, 2 discarded'],
      noDiagnosis: 'the answer was not by the schema',
      effect: 'redirected',
      treatment: 'A fresh conversation and something else: its next plans must not be about “Round up”, src/sum.ts',
      proposals: [],
      unproposed: 'it tells the session to push',
    },
    {
      session: 'delta',
      project: 'web',
      class: 'idle',
      evidence: ['nothing to do: 3 cycles in a row found nothing worth doing (idle from 3)'],
      diagnosis: 'Its focus names lib/, where every function has a test.',
      effect: 'none',
      treatment: 'None: nothing is done by rule',
      proposals: [],
    },
  ],
  summary: 'Small fixes with a test of their own were kept.',
  skills: [{ name: 'empty-results', what: 'How functions of this project return nothing.' }],
  runs: 4,
  costUsd: 0.24,
};

const draw = (letter: Letter, width: number) => renderLetter(letter, { width, paint: (_, text) => text });

describe('the doctor’s letter', () => {
  it('reads like a letter on a screen of 80 columns', () => {
    expect(draw(LETTER, 80)).toMatchInlineSnapshot(`
      "Doctor’s letter of 2026-03-14 09:30 UTC

          The round of the hour: 4 sessions seen, by what happened in the last 12 h.
          loops: alpha; stuck: gamma; idle: delta; in order: beta.
          4 runs asked for explanations, $0.24.

      alpha (api): error-looping
        Findings
        - loop: the same error 3 times in a row (a loop from 3): breaks: tests:
          search.test.ts > finds nothing
        Diagnosis
          It edits the caller, but the fault is in src/index.ts, which forgets the
          last page. Each attempt meets the same test.
        Treatment
          It rests until 2026-03-14 10:00 UTC.
        - proposes to change sessions/alpha.md (000004): three cycles changed the
          caller and were discarded
        Follow-up
          Its first cycle after the rest is the probe: the same error and it rests for
          longer, anything else and it is well. \`winnow resume alpha\` ends the rest at
          once.

      gamma (web): stuck
        Findings
        - unkept: 5 cycles in a row without anything kept (stuck from 5): 3 rejected
          or dropped, 2 discarded
        Diagnosis
          No diagnosis: the answer was not by the schema.
        Treatment
          A fresh conversation and something else: its next plans must not be about
          “Round up”, src/sum.ts.
        - a change of its prompt was not proposed: it tells the session to push
        Follow-up
          Plans about the same are sent back until something of it is kept.

      delta (web): idle
        Findings
        - nothing to do: 3 cycles in a row found nothing worth doing (idle from 3)
        Diagnosis
          Its focus names lib/, where every function has a test.
        Treatment
          None: nothing is done by rule.
        Follow-up
          Nothing is done to an idle session; a wider focus or a task gives it work:
          \`winnow task add --session delta …\`.

      In order
        - beta (api): kept: 2 of 4 cycles: 2 landed, 2 discarded; held back: gate
          memory closed: 91 % are used

      What worked
          Small fixes with a test of their own were kept.
        - empty-results: How functions of this project return nothing.

      Proposals
          Nothing of this changes before you say so.
        - sessions/alpha.md: three cycles changed the caller and were discarded
            winnow prompts show 000004
            winnow prompts apply 000004
            winnow prompts dismiss 000004 -m REASON"
    `);
  });

  it('reads like a letter on a screen of 120 columns', () => {
    expect(draw(LETTER, 120)).toMatchInlineSnapshot(`
      "Doctor’s letter of 2026-03-14 09:30 UTC

          The round of the hour: 4 sessions seen, by what happened in the last 12 h. loops: alpha; stuck:
          gamma; idle: delta; in order: beta.
          4 runs asked for explanations, $0.24.

      alpha (api): error-looping
        Findings
        - loop: the same error 3 times in a row (a loop from 3): breaks: tests: search.test.ts > finds
          nothing
        Diagnosis
          It edits the caller, but the fault is in src/index.ts, which forgets the last page. Each attempt
          meets the same test.
        Treatment
          It rests until 2026-03-14 10:00 UTC.
        - proposes to change sessions/alpha.md (000004): three cycles changed the caller and were
          discarded
        Follow-up
          Its first cycle after the rest is the probe: the same error and it rests for longer, anything
          else and it is well. \`winnow resume alpha\` ends the rest at once.

      gamma (web): stuck
        Findings
        - unkept: 5 cycles in a row without anything kept (stuck from 5): 3 rejected or dropped, 2
          discarded
        Diagnosis
          No diagnosis: the answer was not by the schema.
        Treatment
          A fresh conversation and something else: its next plans must not be about “Round up”,
          src/sum.ts.
        - a change of its prompt was not proposed: it tells the session to push
        Follow-up
          Plans about the same are sent back until something of it is kept.

      delta (web): idle
        Findings
        - nothing to do: 3 cycles in a row found nothing worth doing (idle from 3)
        Diagnosis
          Its focus names lib/, where every function has a test.
        Treatment
          None: nothing is done by rule.
        Follow-up
          Nothing is done to an idle session; a wider focus or a task gives it work: \`winnow task add
          --session delta …\`.

      In order
        - beta (api): kept: 2 of 4 cycles: 2 landed, 2 discarded; held back: gate memory closed: 91 % are
          used

      What worked
          Small fixes with a test of their own were kept.
        - empty-results: How functions of this project return nothing.

      Proposals
          Nothing of this changes before you say so.
        - sessions/alpha.md: three cycles changed the caller and were discarded
            winnow prompts show 000004
            winnow prompts apply 000004
            winnow prompts dismiss 000004 -m REASON"
    `);
  });

  it('is Markdown in its file', () => {
    expect(letterPage(LETTER)).toMatchInlineSnapshot(`
      "# Doctor’s letter of 2026-03-14 09:30 UTC

      The round of the hour: 4 sessions seen, by what happened in the last 12 h. loops: alpha; stuck: gamma; idle: delta; in order: beta.
      4 runs asked for explanations, $0.24.

      ## alpha (api): error-looping

      **Findings**

      - loop: the same error 3 times in a row (a loop from 3): breaks: tests: search.test.ts > finds nothing

      **Diagnosis**

      It edits the caller, but the fault is in src/index.ts, which forgets the last page. Each attempt meets the same test.

      **Treatment**

      It rests until 2026-03-14 10:00 UTC.
      - proposes to change sessions/alpha.md (000004): three cycles changed the caller and were discarded

      **Follow-up**

      Its first cycle after the rest is the probe: the same error and it rests for longer, anything else and it is well. \`winnow resume alpha\` ends the rest at once.

      ## gamma (web): stuck

      **Findings**

      - unkept: 5 cycles in a row without anything kept (stuck from 5): 3 rejected or dropped, 2 discarded

      **Diagnosis**

      No diagnosis: the answer was not by the schema.

      **Treatment**

      A fresh conversation and something else: its next plans must not be about “Round up”, src/sum.ts.
      - a change of its prompt was not proposed: it tells the session to push

      **Follow-up**

      Plans about the same are sent back until something of it is kept.

      ## delta (web): idle

      **Findings**

      - nothing to do: 3 cycles in a row found nothing worth doing (idle from 3)

      **Diagnosis**

      Its focus names lib/, where every function has a test.

      **Treatment**

      None: nothing is done by rule.

      **Follow-up**

      Nothing is done to an idle session; a wider focus or a task gives it work: \`winnow task add --session delta …\`.

      ## In order

      - beta (api): kept: 2 of 4 cycles: 2 landed, 2 discarded; held back: gate memory closed: 91 % are used

      ## What worked

      Small fixes with a test of their own were kept.
      - empty-results: How functions of this project return nothing.

      ## Proposals

      Nothing of this changes before you say so.
      - sessions/alpha.md: three cycles changed the caller and were discarded
        - \`winnow prompts show 000004\`
        - \`winnow prompts apply 000004\`
        - \`winnow prompts dismiss 000004 -m REASON\`
      "
    `);
  });

  it('says that nobody was asked, and why', () => {
    const alone: Letter = {
      ...LETTER,
      sessions: [{ ...LETTER.sessions[3]!, noDiagnosis: 'gate budget is closed: $20.00 are spent' }],
      summary: '',
      noSummary: 'gate budget is closed: $20.00 are spent',
      skills: [],
      withoutRuns: 'gate budget is closed: $20.00 are spent',
      runs: 0,
      costUsd: 0,
    };
    delete alone.sessions[0]!.diagnosis;
    expect(draw(alone, 80)).toMatchInlineSnapshot(`
      "Doctor’s letter of 2026-03-14 09:30 UTC

          The round of the hour: 1 session seen, by what happened in the last 12 h.
          idle: delta.
          Nobody was asked for explanations: gate budget is closed: $20.00 are spent.
          What follows was found and done by rule.

      delta (web): idle
        Findings
        - nothing to do: 3 cycles in a row found nothing worth doing (idle from 3)
        Diagnosis
          No diagnosis: gate budget is closed: $20.00 are spent.
        Treatment
          None: nothing is done by rule.
        Follow-up
          Nothing is done to an idle session; a wider focus or a task gives it work:
          \`winnow task add --session delta …\`.

      What worked
          Nothing was learnt: gate budget is closed: $20.00 are spent."
    `);
  });

  it('says that there is nobody to look at', () => {
    const nobody: Letter = {
      ...LETTER,
      sessions: [],
      summary: '',
      skills: [],
      noSummary: 'nothing was kept in this time',
      runs: 0,
    };
    expect(draw(nobody, 80)).toMatchInlineSnapshot(`
      "Doctor’s letter of 2026-03-14 09:30 UTC

          The round of the hour: 0 sessions seen, by what happened in the last 12 h.
          There are none.
          Nobody had to be asked.

      What worked
          Nothing was learnt: nothing was kept in this time."
    `);
  });

  it.each([20, 40, 80, 200])('fits %d columns, but for the commands, which are there to be copied', (width) => {
    for (const line of draw(LETTER, width).split('\n')) {
      if (!line.trim().startsWith('winnow ')) expect(line.length).toBeLessThanOrEqual(Math.min(width, 100));
    }
  });

  it('does not let a session’s words steer the terminal', () => {
    const evil = structuredClone(LETTER);
    evil.sessions[0]!.diagnosis = '\u001b[2Jgone\u0007\nline two \u202eback';
    expect(draw(evil, 80)).toContain('line two back');
    expect(draw(evil, 80)).not.toMatch(/[\u0007\u001b\u202e]/);
  });
});

const PROPOSAL: Proposal = {
  id: '01KKN3V8ZC0000000000000004',
  at: '2026-03-14T09:30:00.000Z',
  session: 'alpha',
  change: LETTER.sessions[0]!.proposals[0]!.change,
  evidence: ['01KKN3V8ZC0000000000000000'],
  status: { state: 'open' },
};
const NOW = Date.parse('2026-03-14T10:00:00.000Z');

describe('winnow prompts', () => {
  it('lists what waits', () => {
    const applied: Proposal = {
      ...PROPOSAL,
      id: '01KKN3V8ZC0000000000000005',
      status: { state: 'applied', by: 'mia', at: PROPOSAL.at, reason: '' },
    };
    expect(renderProposals([PROPOSAL, applied], 100, NOW)).toMatchInlineSnapshot(`
      "ID      STATE    SINCE       ABOUT  FILE               WHY
      000004  open     30m00s ago  alpha  sessions/alpha.md  three cycles changed the caller and were
                                                             discarded
      000005  applied  30m00s ago  alpha  sessions/alpha.md  three cycles changed the caller and were
                                                             discarded"
    `);
    expect(renderProposals([], 100, NOW)).toBe('Nothing is proposed.');
  });

  it('shows one with its diff and what may be done', () => {
    const diff = '--- a/sessions/alpha.md\n+++ b/sessions/alpha.md\n@@ -1,1 +1,2 @@\n Mend.\n-Old.\n+New.';
    expect(renderProposal({ proposal: PROPOSAL, diff }, { paint: tags })).toMatchInlineSnapshot(`
      "proposal  01KKN3V8ZC0000000000000004
      state     open
      file      sessions/alpha.md
      about     alpha
      why       three cycles changed the caller and were discarded
      cycles    01KKN3V8ZC0000000000000000

      <cyan>--- a/sessions/alpha.md</cyan>
      <cyan>+++ b/sessions/alpha.md</cyan>
      <cyan>@@ -1,1 +1,2 @@</cyan>
       Mend.
      <red>-Old.</red>
      <green>+New.</green>

      winnow prompts apply 000004
      winnow prompts dismiss 000004 -m REASON"
    `);
  });

  it('says why one cannot be applied, and what became of one that is closed', () => {
    const closed: Proposal = {
      ...PROPOSAL,
      status: { state: 'dismissed', by: 'mia', at: PROPOSAL.at, reason: 'it knows that' },
    };
    const paint = { paint: (_: string, text: string) => text };
    expect(
      renderProposal({ proposal: PROPOSAL, diff: '', obstacle: 'the text has gone' }, paint),
    ).toMatchInlineSnapshot(`
      "proposal  01KKN3V8ZC0000000000000004
      state     open
      file      sessions/alpha.md
      about     alpha
      why       three cycles changed the caller and were discarded
      cycles    01KKN3V8ZC0000000000000000

      the text has gone.
      winnow prompts dismiss 000004 -m REASON"
    `);
    expect(renderProposal({ proposal: closed, diff: '' }, paint)).toMatchInlineSnapshot(`
      "proposal  01KKN3V8ZC0000000000000004
      state     dismissed by mia: it knows that
      file      sessions/alpha.md
      about     alpha
      why       three cycles changed the caller and were discarded
      cycles    01KKN3V8ZC0000000000000000

      sessions/alpha.md says that already."
    `);
  });
});
