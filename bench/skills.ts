import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import type { Tally } from '../src/model/crew.ts';
import { efficacyOf, isUseless } from '../src/policy/efficacy.ts';
import { isWithheld, selectSkills, type Work } from '../src/policy/skills.ts';
import { createSkillLibrary, renderSkill } from '../src/ports/home/skills.ts';
import { LIBRARY } from '../test/policy/skill-tables.ts';
import { type BenchRow, benchRow, median, quantile, renderMs, renderSpread } from './row.ts';

/** What choosing skills costs a cycle, and how often the rule that puts them aside is wrong. */
export const skillRows = async (): Promise<BenchRow[]> => [selectionRow(), ...efficacyRows()];

const SKILLS = 1000;
const ROUNDS = 25;

const selectionRow = (): BenchRow => {
  const dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-bench-skills-'));
  try {
    const bytes = writeLibrary(dir);
    const limits = { size: 8192, redact: (text: string) => text.replaceAll('a secret of the home', '[withheld]') };
    const choose = (library: ReturnType<typeof createSkillLibrary>, round: number) =>
      selectSkills(library.read(limits).index, WORKS[round % WORKS.length]!, 5).filter(
        (name) => !isWithheld(`cycle ${round}`, name, 0.2),
      );
    const cold = time(() => choose(createSkillLibrary(dir), 0));
    const library = createSkillLibrary(dir);
    const warm: number[] = [];
    const naive: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round < ROUNDS + 2; round += 1) {
      const before = process.cpuUsage();
      const once = time(() => choose(library, round));
      const { user, system } = process.cpuUsage(before);
      const all = time(() => readAll(dir));
      if (round < 2) continue;
      warm.push(once);
      cpu.push((user + system) / 1000);
      naive.push(all);
    }
    return benchRow({
      key: 'skills.selection',
      row: `skills: selection from ${SKILLS.toLocaleString('en')}`,
      figure: `${renderMs(median(warm))}, p95 ${renderMs(quantile(warm, 0.95))} and ${renderMs(median(cpu))} of CPU (the first time in a process ${renderMs(cold)})`,
      baseline: `${renderMs(median(naive))} (reading the same files, and nothing else)`,
      value: median(warm),
      baselineValue: median(naive),
      unit: 'ms',
      tolerance: 0.3,
      goal: 'within the 50 ms of a cycle’s context',
      met: median(warm) < 50,
      method:
        `median of ${ROUNDS} interleaved rounds, ${renderSpread(warm)}; ${Math.round(bytes / 1e6)} MB of SKILL.md; ` +
        'includes the look at each file for changes, the search for secrets, ranking and the lot',
    });
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
};

const WORKS: Work[] = [
  { text: 'Cells with a line break are torn apart in the CSV export', around: 'You mend what is red.', failing: '' },
  { text: 'failing tests', around: '', failing: "src/user.ts TS2532: Object is possibly 'undefined'." },
  { text: 'documentation', around: 'You keep README and the docs true.', failing: '' },
];

/** Variations of a few skills with words of their own, about 2 KB each: nobody has a thousand to take from. */
const writeLibrary = (dir: string): number => {
  let bytes = 0;
  for (let n = 0; n < SKILLS; n += 1) {
    const base = LIBRARY[n % LIBRARY.length]!;
    const topic = Array.from({ length: 6 }, (_, at) => `topic${(n * 7 + at * 131) % 997}`).join(' ');
    const text = renderSkill({
      name: `${base.name.slice(0, 50)}-${n}`,
      description: `${base.description} About ${topic}.`,
      body: `# ${base.name}\n\n${`${base.body} ${topic}.\n`.repeat(10)}`,
    });
    bytes += text.length;
    fs.mkdirSync(join(dir, `${base.name.slice(0, 50)}-${n}`));
    fs.writeFileSync(join(dir, `${base.name.slice(0, 50)}-${n}`, 'SKILL.md'), text);
  }
  return bytes;
};

const readAll = (dir: string): number => {
  let bytes = 0;
  for (const name of fs.readdirSync(dir)) bytes += fs.readFileSync(join(dir, name, 'SKILL.md'), 'utf8').length;
  return bytes;
};

const time = (deed: () => void): number => {
  const begin = performance.now();
  deed();
  return performance.now() - begin;
};

/** Kept rate without any skill, and share of the fitting cycles that go without: as a home has them. */
const BASE_RATE = 0.35;
const WITHHELD = 0.2;
const AFTER = 20;
/** Points of kept rate that a skill adds or takes. */
const EFFECTS = { helpful: 0.15, neutral: 0, harmful: -0.15 } as const;
const CAREERS = 500;
/** Fitting cycles of a skill that is often of use, and of one that is rare. */
const COMMON_CYCLES = 1000;
const RARE_CYCLES = 50;
/** The rule looks after so many fitting cycles: more looks are more chances to err. */
const LOOK_EVERY = 5;

type Rule = (figures: { with: Tally; without: Tally }) => boolean;

const ours: Rule = (figures) => isUseless(efficacyOf({ ...figures, after: AFTER }));
/** What one would write first: after enough uses it goes as soon as less is kept with it than without. */
const naive: Rule = ({ with: used, without }) =>
  used.ended >= AFTER && without.ended > 0 && used.kept / used.ended < without.kept / without.ended;

/** With how many uses each career of a skill ended; infinite: it never did. */
const careers = (effect: number, cycles: number, rules: Rule[]): number[][] => {
  const ends: number[][] = rules.map(() => []);
  for (let seed = 1; seed <= CAREERS; seed += 1) {
    const random = mulberry(seed * 7919 + Math.round(effect * 1000));
    const used = { kept: 0, ended: 0 };
    const without = { kept: 0, ended: 0 };
    const over = rules.map(() => Number.POSITIVE_INFINITY);
    for (let cycle = 1; cycle <= cycles; cycle += 1) {
      const lent = random() >= WITHHELD;
      const side = lent ? used : without;
      side.ended += 1;
      if (random() < BASE_RATE + (lent ? effect : 0)) side.kept += 1;
      if (cycle % LOOK_EVERY !== 0) continue;
      for (const [index, rule] of rules.entries()) {
        if (over[index] === Number.POSITIVE_INFINITY && rule({ with: used, without })) over[index] = used.ended;
      }
      if (over.every(Number.isFinite)) break;
    }
    for (const [index, end] of over.entries()) ends[index]!.push(end);
  }
  return ends;
};

/** Mulberry32: small, and the same on every machine. */
const mulberry = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const efficacyRows = (): BenchRow[] => {
  const rules = [ours, naive];
  const [helpful, helpfulNaive] = careers(EFFECTS.helpful, COMMON_CYCLES, rules) as [number[], number[]];
  const [neutral, neutralNaive] = careers(EFFECTS.neutral, COMMON_CYCLES, rules) as [number[], number[]];
  const [harmful, harmfulNaive] = careers(EFFECTS.harmful, COMMON_CYCLES, rules) as [number[], number[]];
  const [rare, rareNaive] = careers(EFFECTS.helpful, RARE_CYCLES, rules) as [number[], number[]];
  const method =
    `${CAREERS.toLocaleString('en')} careers each, looked at after every ${LOOK_EVERY} fitting cycles; ` +
    `base rate ${BASE_RATE * 100} %, withheld ${WITHHELD * 100} %, judged from ${AFTER} uses on`;
  const row = (
    key: 'helpful' | 'harmful' | 'rare' | 'neutral',
    name: string,
    told: [figure: string, baseline: string],
    shares: [ours: number, naive: number],
    goal: string,
    met: boolean | undefined,
  ): BenchRow =>
    benchRow({
      key: `skills.${key}`,
      row: `skills: ${name}`,
      figure: told[0],
      baseline: `${told[1]} (naive: less kept with it than without)`,
      value: shares[0],
      baselineValue: shares[1],
      unit: 'share',
      tolerance: 0,
      goal,
      met,
      method,
    });
  const kept = (ends: number[], uses: number) => 1 - shareBy(ends, uses);
  const [wrong, wrongNaive] = [shareBy(helpful, Number.MAX_VALUE), shareBy(helpfulNaive, Number.MAX_VALUE)];
  const [late, lateNaive] = [kept(harmful, 200), kept(harmfulNaive, 200)];
  const [early, earlyNaive] = [shareBy(rare, Number.MAX_VALUE), shareBy(rareNaive, Number.MAX_VALUE)];
  const [idle, idleNaive] = [kept(neutral, 600), kept(neutralNaive, 600)];
  return [
    row(
      'helpful',
      `helpful (+15 points) wrongly retired within ${COMMON_CYCLES} fitting cycles`,
      [percent(wrong), percent(wrongNaive)],
      [wrong, wrongNaive],
      'at most 5 %',
      wrong <= 0.05,
    ),
    row(
      'harmful',
      'harmful (−15 points) still lent after 200 uses',
      [
        `${percent(late)} (after 100 uses ${percent(kept(harmful, 100))}, 400 ${percent(kept(harmful, 400))}; median end after ${median(harmful)} uses)`,
        percent(lateNaive),
      ],
      [late, lateNaive],
      'at most 10 %',
      late <= 0.1,
    ),
    row(
      'rare',
      `rare and helpful, ${RARE_CYCLES} fitting cycles in all: judged too early`,
      [percent(early), percent(earlyNaive)],
      [early, earlyNaive],
      'at most 2 %',
      early <= 0.02,
    ),
    row(
      'neutral',
      'neutral still lent after 600 uses',
      [`${percent(idle)} (after 200 uses ${percent(kept(neutral, 200))})`, percent(idleNaive)],
      [idle, idleNaive],
      'none set; it costs a few lines of a prompt',
      undefined,
    ),
  ];
};

const shareBy = (ends: readonly number[], uses: number): number =>
  ends.filter((end) => end <= uses).length / ends.length;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
