import { describe, expect, it } from 'vitest';
import { chosenGroups, GROUPS } from '../../bench/groups.ts';
import { BASELINE, type Options, parseOptions, USAGE } from '../../bench/options.ts';

const PLAIN: Omit<Options, 'groups'> = {
  deed: 'run',
  form: 'table',
  only: undefined,
  from: undefined,
  compare: undefined,
  save: false,
};

describe('what the benchmark is asked for', () => {
  it.each<[words: string, asked: Partial<Options>]>([
    ['', {}],
    ['--json', { form: 'json' }],
    ['--markdown', { form: 'markdown' }],
    ['--save', { save: true }],
    ['--compare', { compare: BASELINE }],
    ['--compare old.json', { compare: 'old.json' }],
    ['--compare --only slots', { compare: BASELINE, only: 'slots' }],
    ['--from new.json --compare old.json --json', { from: 'new.json', compare: 'old.json', form: 'json' }],
    ['--list', { deed: 'list' }],
    ['-h', { deed: 'help' }],
  ])('understands %j', (words, asked) => {
    const parsed = parseOptions(words.split(' ').filter(Boolean));
    expect(parsed).toMatchObject({ ok: true, value: { ...PLAIN, ...asked } });
  });

  it.each<[words: string[], said: RegExp]>([
    [['--nonsense'], /nonsense/],
    [['--from'], /from/],
    [['old.json'], /not understood: old.json/],
    [['--compare', 'a.json', 'b.json'], /not understood: a.json b.json/],
    [['--json', '--markdown'], /one of them/],
    [['--only', 'nobody is called that'], /no group and no row is called that/],
    [['--only', ' '], /--only needs a text/],
    [['--save', '--only', 'slots'], /--save is for a whole run/],
    [['--save', '--from', 'a.json'], /--save is for a whole run/],
    [['--save', '--compare'], /--save is for a whole run/],
  ])('refuses %j', (words, said) => {
    expect(parseOptions(words)).toEqual({ ok: false, error: expect.stringMatching(said) });
  });

  it('is all in the help', () => {
    for (const word of ['only', 'from', 'compare', 'save', 'json', 'markdown', 'list', 'help'])
      expect(USAGE).toContain(`--${word} `.trimEnd());
  });
});

describe('the groups', () => {
  it('have keys that no other row has', () => {
    const keys = GROUPS.flatMap((group) => group.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each<[only: string | undefined, keys: string[]]>([
    [undefined, GROUPS.flatMap((group) => [...group.keys])],
    ['SLOTS', GROUPS.find(({ name }) => name === 'slots')!.keys as string[]],
    ['cli.status', ['cli.status', 'cli.status-json']],
    ['memory', [...keysOf('memory by sessions'), ...keysOf('memory by role'), 'dashboard.memory']],
  ])('are chosen by name and key: %s', (only, keys) => {
    expect(chosenGroups(only).flatMap((group) => group.keys)).toEqual(keys);
  });
});

function keysOf(group: string): readonly string[] {
  return GROUPS.find(({ name }) => name === group)!.keys;
}
