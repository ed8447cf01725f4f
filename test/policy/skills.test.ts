import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duplicateOf, indexSkills, isWithheld, selectSkills, type Work } from '../../src/policy/skills.ts';
import { LIBRARY, PAIRS, WORKS } from './skill-tables.ts';

const index = indexSkills(LIBRARY);
const workOf = (work: Partial<Work>): Work => ({ text: '', around: '', failing: '', ...work });

describe('the skills for a piece of work', () => {
  it.each(WORKS)('fit: $text $failing', ({ fits, ...work }) => {
    expect(selectSkills(index, workOf(work), 5).sort()).toEqual([...fits, 'small-steps'].sort());
  });

  it.each(WORKS)('fit as well in a small library: $text $failing', ({ fits, ...work }) => {
    const wanted = fits[0];
    const few = LIBRARY.filter(({ name }) => ['small-steps', 'stale-docs', wanted].includes(name));
    expect(selectSkills(indexSkills(few), workOf(work), 5)).toEqual(
      wanted === undefined ? ['small-steps'] : [wanted, 'small-steps'],
    );
  });

  it('are at most as many as are wanted, the best first, in the order of their names where they are equal', () => {
    const alike = ['c', 'a', 'b'].map((name) => ({ name, description: 'Parses CSV with quotes.', body: 'x' }));
    const work = workOf({ text: 'Mend the CSV parser: quotes are lost' });
    expect(selectSkills(indexSkills(alike), work, 2)).toEqual(['a', 'b']);
    expect(selectSkills(indexSkills(alike), work, 0)).toEqual([]);
    expect(selectSkills(indexSkills([]), work, 5)).toEqual([]);
  });

  it('are the same in whatever order the library is read', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(LIBRARY, { minLength: LIBRARY.length }),
        fc.constantFrom(...WORKS),
        (some, work) => {
          expect(selectSkills(indexSkills(some), workOf(work), 5)).toEqual(selectSkills(index, workOf(work), 5));
        },
      ),
    );
  });
});

describe('a draft', () => {
  it.each(PAIRS)('$kind: $draft.name and $known.name', ({ kind, draft, known }) => {
    const others = LIBRARY.filter(({ name }) => name !== known.name && name !== draft.name);
    const found = duplicateOf(indexSkills([...others, known]), draft);
    if (kind === 'same') expect(found?.name).toBe(known.name);
    else expect(found).toBeUndefined();
  });

  it('is like itself, and each of the library is like no other', () => {
    for (const skill of LIBRARY) {
      expect(duplicateOf(index, { ...skill, name: `${skill.name}-2` })?.name).toBe(skill.name);
      const others = indexSkills(LIBRARY.filter(({ name }) => name !== skill.name));
      expect(duplicateOf(others, skill)).toBeUndefined();
    }
  });
});

describe('the lot', () => {
  it('is the same however often it is drawn, and another for another cycle or skill', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), (cycle, skill, share) => {
        expect(isWithheld(cycle, skill, share)).toBe(isWithheld(cycle, skill, share));
        expect(isWithheld(cycle, skill, 0)).toBe(false);
        expect(isWithheld(cycle, skill, 1)).toBe(true);
      }),
    );
  });

  it('falls on the share of the cycles that it should', () => {
    const drawn = Array.from({ length: 20_000 }, (_, n) => isWithheld(`cycle ${n}`, 'small-steps', 0.2));
    const share = drawn.filter(Boolean).length / drawn.length;
    // Four standard deviations; the lots are fixed, so this passes always or never.
    expect(Math.abs(share - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / drawn.length));
  });
});
