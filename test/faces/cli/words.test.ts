import { describe, expect, it } from 'vitest';
import {
  beforeAfter,
  cannotOpenText,
  clockText,
  cycleLine,
  entryText,
  failureText,
  figuresText,
  momentText,
  relativeText,
  seconds,
  sentence,
  shortId,
  taskLine,
  usd,
} from '../../../src/faces/cli/words.ts';
import { failure } from '../../../src/model/failure.ts';
import { CYCLE, DATA, exampleOf, FIGURES } from '../../model/examples.ts';
import { taskOf } from '../../policy/situations.ts';

describe('a failure', () => {
  it('is one sentence and what to do about it', () => {
    expect(failureText(failure('repo-empty', 'the repository ../x has no commit'))).toBe(
      'the repository ../x has no commit.\n  Make a first commit in the repository.',
    );
  });

  it('does not let a message from outside steer the terminal', () => {
    expect(failureText({ kind: 'git-failed', message: '\u001b[2Jfatal:\nno', mend: 'Look\u0007.' })).toBe(
      'fatal:\nno.\n  Look.',
    );
  });

  it('of a home names every mistake', () => {
    const problem = { file: 'winnow.config.yaml', line: 3, column: 1, key: 'slots', found: 'x', expected: 'y' };
    const message = 'found x, expected y';
    expect(cannotOpenText({ problems: [{ ...problem, message }] })).toBe(
      'the home has one mistake, and nothing starts until it is mended:\n  winnow.config.yaml:3  slots: found x, expected y\n  Mend the named keys in winnow.config.yaml; `winnow config check` reads it again.',
    );
    expect(cannotOpenText({ problems: [1, 2].map((line) => ({ ...problem, line, message })) })).toMatch(
      /^the home has 2 mistakes, and nothing starts until they are mended:\n.*:1.*\n.*:2/,
    );
    expect(cannotOpenText({ failure: failure('home-missing', 'there is no home here') })).toMatch(
      /^there is no home here\./,
    );
  });
});

describe('small words', () => {
  it.each<[ms: number, text: string]>([
    [0, '0.0s'],
    [1234, '1.2s'],
    [9949, '9.9s'],
    [10_000, '10s'],
    [59_400, '59s'],
    [59_600, '1m00s'],
    [3_599_000, '59m59s'],
    [3_600_000, '1h00m'],
    [26 * 3_600_000, '26h00m'],
    [50 * 3_600_000, '2d2h'],
  ])('%d ms are %s', (ms, text) => {
    expect(seconds(ms)).toBe(text);
  });

  it.each<[text: string, ends: string]>([
    ['it failed', 'it failed.'],
    ['it failed. ', 'it failed.'],
    ['did it?', 'did it?'],
    ['cut…', 'cut…'],
  ])('the sentence %j ends %j', (text, ends) => {
    expect(sentence(text)).toBe(ends);
  });

  it('tell figures without what is zero, but never nothing', () => {
    expect(figuresText(FIGURES)).toBe('3 problems, 1 failing, 120 passing');
    expect(figuresText({ problems: 1, passed: 0, failed: 0, skipped: 4 })).toBe('1 problem');
    expect(figuresText({ problems: 0, passed: 0, failed: 0, skipped: 4 })).toBe('nothing found');
    expect(figuresText(undefined)).toBe('');
    expect(beforeAfter(CYCLE)).toBe('3+1 → 3+0');
    expect(beforeAfter({ before: FIGURES })).toBe('3+1 → –');
    expect(beforeAfter({})).toBe('–');
  });

  it('tell times to a person', () => {
    const now = new Date(2026, 2, 14, 12).getTime();
    expect(clockText(new Date(2026, 2, 14, 8, 5, 3).toISOString(), now)).toBe('08:05:03');
    expect(clockText(new Date(2026, 2, 13, 8, 5, 3).toISOString(), now)).toBe('2026-03-13 08:05:03');
    expect(relativeText(new Date(now + 250_000).toISOString(), now)).toBe('in 4m10s');
    expect(relativeText(new Date(now - 3000).toISOString(), now)).toBe('3.0s ago');
    expect(momentText('2026-03-14T10:30:00.000Z')).toBe('2026-03-14 10:30 UTC');
    expect(usd(1.005)).toMatch(/^\$1\.0[01]$/);
  });

  it('tell a task by the end of its id', () => {
    expect(shortId('01KKN3V8ZC00000000000TASK1')).toBe('0task1');
    expect(taskLine(taskOf('01KKN3V8ZC00000000000TASK1', { session: 'alpha', reason: 'with alpha' }))).toEqual([
      '0task1',
      'queued',
      'normal',
      'alpha',
      'api',
      'do 01KKN3V8ZC00000000000TASK1',
      'with alpha',
    ]);
    expect(taskLine(taskOf('x'))[3]).toBe('any');
  });
});

describe('an entry in words, where its parts may be missing', () => {
  const said = (
    type:
      | 'check_ran'
      | 'agent_ran'
      | 'ralph_cycle'
      | 'plan_made'
      | 'paused'
      | 'resumed'
      | 'task_queued'
      | 'swept'
      | 'install_ran',
    data: object,
    more: object = {},
  ): string => entryText(exampleOf(type, { data: { ...DATA[type], ...data }, ...more } as never) as never);

  it.each<[says: string, text: string]>([
    ['tests: green (0.5s)', said('check_ran', { green: true, figures: undefined, durationMs: 500 })],
    [
      'tests: not evaluated: still running after 600 s',
      said('check_ran', { state: 'unevaluated', reason: 'timeout', message: 'tests: still running after 600 s' }),
    ],
    ['tests: not evaluated: killed', said('check_ran', { state: 'unevaluated', reason: 'killed', message: undefined })],
    ['hack run: 1 turn, $0.31, 1m28s', said('agent_ran', { turns: 1 })],
    [
      'hack run failed: the service is overloaded',
      said('agent_ran', { ok: false, message: 'the service is overloaded' }),
    ],
    [
      'hack run: 1 turn, $0.31, 1m28s; not let through to a.example:443, b.example:80',
      said('agent_ran', { turns: 1, refused: ['a.example:443', 'b.example:80'] }),
    ],
    ['hack run failed: silent', said('agent_ran', { ok: false, failure: 'silent' })],
    ['hack run failed: it did not say why', said('agent_ran', { ok: false })],
    [
      'interrupted: the process died in phase hack ($0.42)',
      said('ralph_cycle', {
        outcome: 'interrupted',
        reason: 'the process died in phase hack',
        plan: undefined,
        times: {},
      }),
    ],
    [
      'plan: nothing to do: all is green',
      said('plan_made', { plan: { ...DATA.plan_made.plan, nothing: true, why: 'all is green' } }),
    ],
    ['everything paused by mia: release day', said('paused', {}, { session: undefined })],
    ['everything resumed by mia', said('resumed', {}, { session: undefined })],
    ['task 0task1 queued (low, for beta): x', said('task_queued', { priority: 'low', for: 'beta', text: 'x' })],
    ['1 left-over process killed', said('swept', { killed: 1 })],
    [
      'dependencies installed in 34s; not let through to a.example:443',
      said('install_ran', { refused: ['a.example:443'] }),
    ],
    ['install failed: npm ci ended with 1', said('install_ran', { ok: false, message: 'npm ci ended with 1' })],
  ])('%s', (says, text) => {
    expect(text).toBe(says);
  });

  it('says of a cycle how it ended, why, and what it cost', () => {
    expect(cycleLine(exampleOf('ralph_cycle'))).toBe(
      'pushed “Return an empty list when nothing matches”: better: 1 failing test fixed, nothing broken ($0.42, 2m07s)',
    );
  });
});
