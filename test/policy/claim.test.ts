import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import { clashOf, standupClash } from '../../src/policy/claim.ts';
import { at, NOW, runningOf, stateOf, taskOf } from './situations.ts';

const plan = (...files: string[]): Plan => ({
  title: 'Mend it',
  why: 'it is red',
  kind: 'fix',
  files,
  expects: 'green',
});
const others = (...claim: string[]) => ({ c: runningOf('beta', { cycle: 'c', claim, claimTitle: 'Sort the list' }) });

describe('clashOf', () => {
  it.each<[what: string, wanted: string[], claimed: string[], clashes: boolean]>([
    ['the same file', ['src/a.ts'], ['src/a.ts'], true],
    ['one of several', ['src/x.ts', 'src/a.ts'], ['src/b.ts', 'src/a.ts'], true],
    ['another file', ['src/a.ts'], ['src/b.ts'], false],
    ['a file in a claimed directory', ['src/lib/a.ts'], ['src/lib/'], true],
    ['a directory that holds a claimed file', ['src'], ['src/lib/a.ts'], true],
    ['a name that only begins alike', ['src/a.ts.bak'], ['src/a.ts'], false],
    ['a directory that only begins alike', ['src/library/a.ts'], ['src/lib'], false],
    ['the same file, spelt otherwise', ['./src//lib/../a.ts '], ['/src/a.ts'], true],
    ['nothing in particular', [], ['src/a.ts'], false],
    ['nothing claimed', ['src/a.ts'], [], false],
    ['the whole repository, which names nothing', ['.', './', ''], ['src/a.ts'], false],
    ['a claim on the whole repository, which names nothing', ['src/a.ts'], ['.', ''], false],
  ])('%s', (_, wanted, claimed, clashes) => {
    expect(clashOf(plan(...wanted), 'own', others(...claimed), 'api') !== undefined).toBe(clashes);
  });

  it('says who works on what', () => {
    expect(clashOf(plan('src/a.ts'), 'own', others('src/a.ts'), 'api')).toEqual({
      cycle: 'c',
      session: 'beta',
      reason: 'beta is working on src/a.ts right now (“Sort the list”)',
    });
    const untitled = { c: runningOf('beta', { cycle: 'c', claim: ['a'] }) };
    expect(clashOf(plan('a'), 'own', untitled, 'api')?.reason).toBe('beta is working on a right now (“its plan”)');
  });

  it('is never with itself, nor with another project', () => {
    expect(clashOf(plan('a'), 'c', others('a'), 'api')).toBeUndefined();
    expect(clashOf(plan('a'), 'own', others('a'), 'web')).toBeUndefined();
  });

  it('is mutual: who clashes with another is clashed with', () => {
    const path = fc.array(fc.constantFrom('a', 'b', '.', '..'), { minLength: 1, maxLength: 3 }).map((p) => p.join('/'));
    const paths = fc.array(path, { maxLength: 3 });
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const there = clashOf(plan(...left), 'own', others(...right), 'api') !== undefined;
        const back = clashOf(plan(...right), 'own', others(...left), 'api') !== undefined;
        expect(there).toBe(back);
      }),
    );
  });
});

describe('a claim of the standup', () => {
  const state = stateOf((s) => {
    const held = {
      session: 'beta',
      project: 'api',
      task: 'T',
      title: 'Sort the list',
      files: ['src/a.ts'],
      until: at(1),
    };
    s.standup = {
      ...{ id: 'MEETING', at: at(-60_000), summary: '', priorities: [], file: 'f', form: 'full', runs: 7, costUsd: 1 },
      ...{ heldAt: [at(-60_000)], owed: [], claims: [held] },
    };
  });
  const own: Parameters<typeof standupClash>[2] = { session: 'alpha', project: 'api', task: undefined, now: NOW };

  it('says who holds the file, until when and for what', () => {
    expect(standupClash(plan('src/x.ts', './src/a.ts'), state, own)).toEqual({
      cycle: 'MEETING',
      session: 'beta',
      reason: 'beta holds src/a.ts since the standup, until 10:00 UTC, for its commitment “Sort the list”',
    });
  });

  it.each<[what: string, more: Partial<typeof own>, clashes: boolean]>([
    ['another session', {}, true],
    ['its holder', { session: 'beta' }, false],
    ['another project', { project: 'web' }, false],
    ['somebody who comes when the time is over', { now: NOW + 1 }, false],
    ['a person’s task', { task: taskOf('A', { origin: 'person' }) }, false],
    ['a task that a person imported', { task: taskOf('A', { origin: 'import' }) }, false],
    ['work that mends main', { task: taskOf('A', { origin: 'main-red' }) }, false],
    ['another commitment', { task: taskOf('A', { origin: 'standup' }) }, true],
    ['a conflict to redo', { task: taskOf('A', { origin: 'conflict' }) }, true],
  ])('towards %s', (_, more, clashes) => {
    expect(standupClash(plan('src/a.ts'), state, { ...own, ...more }) !== undefined).toBe(clashes);
  });

  it.each([
    ['another file', ['src/b.ts'], false],
    ['the directory that holds it', ['src'], true],
    ['nothing in particular', [], false],
  ])('for %s', (_, files, clashes) => {
    expect(standupClash(plan(...files), state, own) !== undefined).toBe(clashes);
    expect(standupClash(plan(...files), stateOf(), own)).toBeUndefined();
  });
});
