import { describe, expect, it } from 'vitest';
import { SESSION_CLASSES } from '../../src/model/crew.ts';
import { classifyCrew, type DoctorRules } from '../../src/policy/classify.ts';
import { HISTORIES, NOW } from './histories.ts';

const HOUR = 3_600_000;

/** As the configuration has them when it says nothing. */
const RULES: DoctorRules = { window: 12 * HOUR, idleAfter: 2 * HOUR, stuckAfter: 5, loopAfter: 3 };

const judge = (n: number) => {
  const labelled = HISTORIES[n]!;
  return { labelled, said: classifyCrew(labelled.crew, RULES, NOW)[0]! };
};

describe('the class of a session, by rule alone', () => {
  it.each(HISTORIES.map(({ label, name }, n) => ({ label, name, n })))('$label: $name', ({ n }) => {
    const { labelled, said } = judge(n);
    expect({ class: said.class, rule: said.rule }).toEqual({ class: labelled.label, rule: labelled.rule });
  });

  it('is tried on every class, on at least 45 histories, and no two of one name', () => {
    expect(HISTORIES.length).toBeGreaterThanOrEqual(45);
    expect(new Set(HISTORIES.map(({ label }) => label))).toEqual(new Set(SESSION_CLASSES));
    expect(new Set(HISTORIES.map(({ name }) => name)).size).toBe(HISTORIES.length);
  });

  it('is given with evidence: the rule and its figures, one line each', () => {
    const rules = [...new Set(HISTORIES.map(({ rule }) => rule))];
    const rows = rules.map((rule) => HISTORIES.findLastIndex((labelled) => labelled.rule === rule));
    const lines = rows.map((n) => [HISTORIES[n]!.name, ...judge(n).said.evidence].join('\n  '));
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "the gate opened ten minutes ago after a night
        kept: 1 of 1 cycles: 1 landed
      a person let it go on after a loop, and it has not run since
        nothing against it: 0 not kept in a row (stuck from 5)
      the factory does not run
        held: its quiet says nothing about it
        held back: no factory runs
      one big refactoring: its first cycle runs for five hours
        working: a long cycle is no fault; the limits of its runs end it
        a cycle is under way for 5 h, phase hack
      a task that is still open among the misses
        unkept: 5 cycles in a row without anything kept (stuck from 5): 5 discarded
      busy in circles: two approaches that fail, A-B-A-B
        circles: two misses by turns, 4 cycles long: breaks: tests: sum.test.ts > adds; breaks: tests: parse.test.ts > parses a date
      the gate opened three hours ago and it did not begin
        silent: due for 3 h and nothing holds it back (idle from 2 h); its last cycle ended 8 h ago
      a loop that ended in nothing worth doing
        nothing to do: 3 cycles in a row found nothing worth doing (idle from 3)
      three of seven sessions loop by one error: a minority’s error is its own
        loop: the same error 3 times in a row (a loop from 3): breaks: tests: sum.test.ts > adds"
    `);
  });

  it('says how many cycles were set aside, and why', () => {
    const aside = HISTORIES.flatMap((_, n) => judge(n).said.evidence.filter((line) => line.startsWith('set aside')));
    expect([...new Set(aside)].join('\n')).toMatchInlineSnapshot(`
      "set aside: 8 interrupted
      set aside: 12 interrupted
      set aside: 5 ended from outside
      set aside: 3 ended from outside
      set aside: 4 ended from outside
      set aside: 6 ended from outside
      set aside: 4 with an error that most of the crew met
      set aside: 6 with an error that most of the crew met
      set aside: 6 with flaky tests alone
      set aside: 2 for a task that was put aside
      set aside: 4 for a task that was put aside
      set aside: 3 interrupted
      set aside: 2 interrupted
      set aside: 2 ended from outside"
    `);
  });
});
