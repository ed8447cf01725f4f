import fs from 'node:fs';
import { dirname } from 'node:path';
import { monotonicFactory } from 'ulid';
import { renderLine } from '../src/journal/line.ts';
import type { Entry, EntryData, EntryType } from '../src/model/entry.ts';
import { CYCLE, DATA } from '../test/model/examples.ts';

/** Past cycles as a long-lived crew would have left them: a few words and files that are everywhere, and many rare ones. */

const VOCABULARY = 8000;
const TESTS = 5000;

/** The same numbers every time. */
const createRandom = (seed: number) => {
  let state = seed * 2_654_435_761 + 1;
  return (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return ((state >>> 8) ^ (state & 0xff)) / 2 ** 24;
  };
};

const wordsBy = (random: () => number) => {
  const word = () => `w${Math.floor(VOCABULARY * random() ** 3).toString(36)}`;
  const words = (count: number) => Array.from({ length: count }, word);
  const file = () => `src/${word()}/${word()}.ts`;
  const identity = () => {
    const number = Math.floor(TESTS * random());
    return `tests: test/t${number % 400}.test.ts > ${wordsBy(createRandom(number)).words(4).join(' ')}`;
  };
  return { words, file, identity };
};

export const queryOf = (number: number) => {
  const { words, file, identity } = wordsBy(createRandom(number + 1));
  return { file: file(), identity: identity(), words: words(10) };
};

const cycleOf = (number: number): EntryData<'ralph_cycle'> => {
  const { words, file, identity } = wordsBy(createRandom(number));
  const discarded = number % 3 === 0;
  const plan = {
    title: words(7).join(' '),
    why: words(20).join(' '),
    kind: 'fix',
    files: [file(), file()],
    expects: identity(),
  };
  const named = identity();
  return {
    ...CYCLE,
    outcome: discarded ? 'discarded' : 'pushed',
    reason: discarded ? `breaks 1 test: ${words(4).join(' ')}` : 'better: 1 failing test fixed, nothing broken',
    verdict: discarded ? 'worse' : 'better',
    plan,
    files: plan.files,
    fixed: discarded ? [] : [named],
    broken: discarded ? [named] : [],
  };
};

/** What one cycle writes of what is not searched, as far as it matters to a scan. */
const OTHERS: EntryType[] = ['cycle_started', 'agent_ran', 'check_ran'];

export const writePastCycles = (file: string, count: number): void => {
  fs.mkdirSync(dirname(file), { recursive: true });
  const fd = fs.openSync(file, 'a');
  // Ids of which none has to be unguessable.
  const ids = monotonicFactory(Math.random);
  const beginMs = Date.now() - count * 60_000;
  let lines: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const atMs = beginMs + number * 60_000;
    const where = { project: 'api', session: `session-${number % 8}`, cycle: ids(atMs) };
    for (const type of [...OTHERS, 'ralph_cycle'] as const) {
      const data = type === 'ralph_cycle' ? cycleOf(number) : DATA[type];
      lines.push(renderLine({ id: ids(atMs), ts: new Date(atMs).toISOString(), type, ...where, data } as Entry), '\n');
    }
    if (lines.length < 4000 && number < count - 1) continue;
    fs.writeSync(fd, lines.join(''));
    lines = [];
  }
  fs.closeSync(fd);
};
