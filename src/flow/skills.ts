import { join } from 'node:path';
import { decodeTime } from 'ulid';
import { sha256 } from '../base/hash.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { SkillFault } from '../model/crew.ts';
import type { EntryOf } from '../model/entry.ts';
import { type Failure, failed } from '../model/failure.ts';
import type { TreeReport } from '../model/report.ts';
import type { Skill, SkillDraft } from '../model/skill.ts';
import type { SkillState } from '../model/state.ts';
import { type Efficacy, efficacyOf, isUseless } from '../policy/efficacy.ts';
import { oneLine } from '../policy/placeholders.ts';
import { duplicateOf, indexSkills, isWithheld, selectSkills } from '../policy/skills.ts';
import {
  isTaken,
  judgeDraft,
  PLUGIN,
  quarantine,
  restoreFiles,
  retiredFile,
  retiredSkills,
  retireFiles,
  type SkillLimits,
  type SkillShelf,
  WHOLE_SHELF,
  writeSkillFile,
} from '../ports/home/skills.ts';
import type { Cycle, Workshop } from './workshop.ts';

/**
 * Skills through their life: chosen for a cycle, written down, measured, put aside and brought back. The files are the
 * truth about what a skill says, the journal about what it did; what differs between them is noticed and noted.
 */

const limitsOf = (shop: Workshop): SkillLimits => ({ size: shop.config().skills.size, redact: shop.redact });

export const readShelf = (shop: Workshop): SkillShelf => shop.skills.read(limitsOf(shop));

/** Decides which skills a cycle has, before its first run: those that fit, but for those that the lot withholds. */
export const chooseSkills = async (shop: Workshop, cycle: Cycle, baseline: TreeReport): Promise<void> => {
  await noticeSkills(shop);
  const { perCycle, withhold } = shop.config().skills;
  const { session, task } = cycle;
  const fitting = selectSkills(
    readShelf(shop).index,
    { text: task?.text ?? session.focus, around: session.instructions, failing: failingText(baseline) },
    perCycle,
  );
  cycle.sum.withheld = fitting.filter((name) => isWithheld(cycle.id, name, withhold));
  cycle.sum.skills = fitting.filter((name) => !cycle.sum.withheld.includes(name));
};

/** Of what is red the first tell what it is about; a thousand compiler errors are about the same. */
const FAILING_MAX = 60;

const failingText = ({ checks }: TreeReport): string =>
  checks
    .flatMap((check) => {
      if (check.state === 'unevaluated') return [];
      const tests = check.tests.filter(({ status }) => status === 'failed');
      return [
        ...check.problems.map(({ file, code, message }) => `${file} ${code} ${message}`),
        ...tests.map(({ file, name, message }) => `${file} ${name} ${message?.split('\n')[0] ?? ''}`),
      ].slice(0, FAILING_MAX);
    })
    .join('\n');

const DESCRIPTION_SHOWN_MAX = 300;

/** The chosen skills by the names under which Claude Code knows them. */
export const skillsText = (shop: Workshop, { sum }: Pick<Cycle, 'sum'>, asPlugin: boolean): string => {
  const skills = readShelf(shop).skills.filter(({ name }) => sum.skills.includes(name));
  if (skills.length === 0) return 'None of the skills of this home fits.';
  return skills
    .map(({ name, description }) => {
      const said = oneLine(description);
      const cut = said.length > DESCRIPTION_SHOWN_MAX ? `${said.slice(0, DESCRIPTION_SHOWN_MAX)}…` : said;
      return `- ${asPlugin ? `${PLUGIN}:` : ''}${name}: ${cut}`;
    })
    .join('\n');
};

export interface SkillWritten {
  /** `gained`: it was known, and has more evidence now; `known`: nothing of it is new. */
  state: 'written' | 'gained' | 'known';
  /** Its name, which may be that of the one that says the same. */
  skill: string;
  file: string;
}

export interface SkillRefusal {
  /** `retired`: it was put aside, and nothing new speaks for it; `busy`: another process is at the skills. */
  fault: SkillFault | 'retired' | 'busy';
  reason: string;
  /** Where the draft lies in quarantine. */
  file?: string;
}

/**
 * Writes down what a model drafted, or adds its evidence to the skill that says the same. What is no skill, or
 * instructs, goes into quarantine. Done twice it does nothing the second time.
 * @param evidence ids of the cycles that it comes from
 */
export const writeSkill = async (
  shop: Workshop,
  draft: SkillDraft,
  evidence: readonly string[],
): Promise<Result<SkillWritten, SkillRefusal>> => {
  const done = await withLock(shop, LOCK_WAIT_MS, async () => {
    const wrong = judgeDraft(draft, limitsOf(shop));
    if (wrong) return refuseDraft(shop, draft, wrong);
    const shelf = readShelf(shop);
    noteAll(shop, shelf);
    const same = duplicateOf(shelf.index, draft);
    const known = shelf.skills.find(({ name }) => name === same?.name);
    if (known) return ok(gain(shop, known, evidence));
    return writeNew(shop, draft, evidence);
  });
  return done ?? err({ fault: 'busy', reason: 'another process has been writing skills for too long' });
};

/** Writing a file takes milliseconds: whoever holds the lock longer hangs. */
const LOCK_WAIT_MS = 30_000;

const refuseDraft = (
  shop: Workshop,
  draft: SkillDraft,
  { fault, reason }: { fault: SkillFault; reason: string },
): Result<never, SkillRefusal> => {
  const clean = {
    name: shop.redact(draft.name),
    description: shop.redact(draft.description),
    body: shop.redact(draft.body),
  };
  const file = quarantine(shop.paths.skills, clean, reason);
  const hash = sha256(draft.name, draft.description, draft.body, fault);
  noteRefusal(shop, { name: oneLine(clean.name).slice(0, NAME_SHOWN_MAX) || 'unnamed', fault, reason, hash, file });
  return err({ fault, reason, file });
};

const NAME_SHOWN_MAX = 64;

/** Evidence for what is known. Only a file that nobody has edited is written again. */
const gain = (shop: Workshop, skill: Skill, evidence: readonly string[]): SkillWritten => {
  const { name, file, sealed } = skill;
  const before = shop.journal.state().skills[name]?.evidence ?? [];
  const fresh = evidence.filter((id) => !before.includes(id));
  if (fresh.length === 0) return { state: 'known', skill: name, file };
  const hash = sealed ? writeSkillFile(shop.paths.skills, withEvidence(skill, [...before, ...fresh])) : skill.hash;
  noteWritten(shop, { ...skill, hash }, fresh);
  return { state: 'gained', skill: name, file };
};

const writeNew = (
  shop: Workshop,
  draft: SkillDraft,
  evidence: readonly string[],
): Result<SkillWritten, SkillRefusal> => {
  const dir = shop.paths.skills;
  const retired = retiredAs(shop, draft);
  if (retired) {
    const at = Date.parse(retired.retired?.at ?? '');
    const fresh = evidence.filter((id) => !retired.evidence.includes(id) && timeOf(id) > at);
    if (fresh.length === 0)
      return err({ fault: 'retired', reason: `${retired.name} was put aside: ${retired.retired?.reason}` });
  }
  const name = retired && !isTaken(dir, retired.name) ? retired.name : freeName(shop, draft.name);
  const named = withEvidence({ ...draft, name }, evidence);
  const wrong = judgeDraft(named, limitsOf(shop));
  if (wrong) return refuseDraft(shop, draft, wrong);
  const hash = writeSkillFile(dir, named);
  const file = `skills/${name}/SKILL.md`;
  noteWritten(shop, { name, description: draft.description, hash, file, sealed: true }, evidence);
  return ok({ state: 'written', skill: name, file });
};

/** The retired skill that a draft repeats, by its meaning. */
const retiredAs = (shop: Workshop, draft: SkillDraft): SkillState | undefined => {
  const { skills } = shop.journal.state();
  const put = retiredSkills(shop.paths.skills, limitsOf(shop)).filter(({ name }) => skills[name]?.retired);
  const same = duplicateOf(indexSkills(put), draft);
  const known = same ? skills[same.name] : skills[draft.name];
  return known?.retired ? known : undefined;
};

/** Another technique may have the name already; what lies there is never overwritten. */
const freeName = (shop: Workshop, name: string): string => {
  const { skills } = shop.journal.state();
  for (let n = 1; ; n += 1) {
    const suffix = n === 1 ? '' : `-${n}`;
    const candidate = `${name.slice(0, NAME_SHOWN_MAX - suffix.length)}${suffix}`;
    if (!isTaken(shop.paths.skills, candidate) && !skills[candidate]?.retired) return candidate;
  }
};

/** When a cycle began; what is no cycle's id never did. */
const timeOf = (id: string): number => {
  try {
    return decodeTime(id);
  } catch {
    return Number.NEGATIVE_INFINITY;
  }
};

/** More than these say no more; all of them stand in the journal. */
const EVIDENCE_SHOWN_MAX = 10;
const EVIDENCE_HEAD = '## Evidence';

const withEvidence = <T extends SkillDraft>(draft: T, evidence: readonly string[]): T => {
  const technique = draft.body.replace(/\r\n?/g, '\n').split(`\n${EVIDENCE_HEAD}\n`)[0]!.trim();
  const cycles = [...new Set(evidence)].slice(-EVIDENCE_SHOWN_MAX).map((id) => `- cycle ${oneLine(id)}`);
  return {
    ...draft,
    body: cycles.length === 0 ? technique : `${technique}\n\n${EVIDENCE_HEAD}\n\n${cycles.join('\n')}`,
  };
};

const evidenceIn = ({ body }: Skill): string[] =>
  [...(body.split(`\n${EVIDENCE_HEAD}\n`)[1] ?? '').matchAll(/^- cycle ([0-9A-HJKMNP-TV-Z]{26})$/gm)].map(
    ([, id]) => id!,
  );

export interface Tended {
  retired: EntryOf<'skill_retired'>[];
  restored: string[];
  refused: string[];
}

/**
 * A tick: notes what people did to the files, and puts aside by rule what does not help. What a person wrote or edited
 * stays where it is; `winnow skills` says what the figures say. Undefined: another process is at it.
 */
export const tendSkills = (shop: Workshop): Promise<Tended | undefined> =>
  withLock(shop, 0, async () => {
    const noted = noteAll(shop, readShelf(shop));
    const retired: Tended['retired'] = [];
    for (const skill of readShelf(shop).skills) {
      const known = shop.journal.state().skills[skill.name];
      if (!known || known.by === 'person' || !skill.sealed) continue;
      const told = efficacyOfSkill(shop, known);
      if (isUseless(told)) retired.push(putAside(shop, known, reasonOf(known, told)));
    }
    return { ...noted, retired };
  });

export const efficacyOfSkill = (
  shop: Pick<Workshop, 'config'>,
  { with: treated, without }: Pick<SkillState, 'with' | 'without'>,
): Efficacy => efficacyOf({ with: treated, without, after: shop.config().skills.retireAfter });

/** "kept 4 of 20 with it, 9 of 22 without: …" */
const reasonOf = ({ with: treated, without }: SkillState, { verdict, confidence }: Efficacy): string => {
  const rates = `kept ${treated.kept} of ${treated.ended} with it, ${without.kept} of ${without.ended} without`;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return verdict === 'harms'
    ? `${rates}: it helps with a probability of ${percent(confidence)}`
    : `${rates}: after so many cycles no help is to be seen`;
};

/** The files first: what they say is noted after a crash, an entry without its deed would be taken for a person's. */
const putAside = (shop: Workshop, known: SkillState, reason: string): EntryOf<'skill_retired'> => {
  const { name, with: treated, without } = known;
  const file = retireFiles(shop.paths.skills, name, figuresText(shop, known, reason));
  return shop.journal.append<'skill_retired'>({
    type: 'skill_retired',
    data: { skill: name, reason, with: treated, without, file },
  });
};

const figuresText = (shop: Workshop, { name, with: treated, without, evidence }: SkillState, reason: string): string =>
  [
    `# ${name}`,
    '',
    `Put aside on ${new Date(shop.clock.now()).toISOString()}: ${reason}.`,
    '',
    '| | cycles | kept |',
    '|---|---:|---:|',
    `| with it | ${treated.ended} | ${treated.kept} |`,
    `| without it, though it fitted | ${without.ended} | ${without.kept} |`,
    '',
    evidence.length === 0 ? 'It came from no cycle.' : `It came from: ${evidence.join(', ')}.`,
    '',
    `\`winnow skills restore ${name}\`, or moving this directory back, lends it again and measures it anew.`,
    '',
  ].join('\n');

/** A person's word: it goes whoever wrote it and whatever the figures say. */
export const retireSkill = async (
  shop: Workshop,
  name: string,
  reason: string,
): Promise<Result<EntryOf<'skill_retired'>, Failure>> => {
  const done = await withLock(shop, LOCK_WAIT_MS, async () => {
    const shelf = readShelf(shop);
    noteAll(shop, shelf);
    const known = shop.journal.state().skills[name];
    if (!shelf.skills.some((skill) => skill.name === name) || !known)
      return failed('not-found', `there is no skill ${name} that is lent`);
    return ok(putAside(shop, known, oneLine(shop.redact(reason))));
  });
  return done ?? failed('already-running', 'another process is writing skills');
};

/** Brings back what was put aside; it is measured anew. */
export const restoreSkill = async (
  shop: Workshop,
  name: string,
  by: string,
): Promise<Result<EntryOf<'skill_restored'>, Failure>> => {
  const done = await withLock(shop, LOCK_WAIT_MS, async () => {
    noteAll(shop, readShelf(shop));
    if (!shop.journal.state().skills[name]?.retired) return failed('not-found', `no skill ${name} was put aside`);
    if (!restoreFiles(shop.paths.skills, name))
      return failed('not-found', `skills/.retired/${name} is gone, or something else lies under skills/${name}`);
    return ok(noteRestored(shop, name, by));
  });
  return done ?? failed('already-running', 'another process is writing skills');
};

/** What people did to the files since the last look, for the journal. Undefined: another process is looking. */
const noticeSkills = (shop: Workshop): Promise<unknown> =>
  withLock(shop, 0, async () => noteAll(shop, readShelf(shop)));

/** @param waitMs 0: only if nobody else is at it */
const withLock = async <T>(shop: Workshop, waitMs: number, deed: () => Promise<T>): Promise<T | undefined> => {
  const who = `pid ${process.pid}`;
  const lease =
    waitMs === 0
      ? await shop.slots.tryAcquire(LOCK, 1, who)
      : await shop.slots.acquire(LOCK, 1, { who, waitMs }).then((got) => (got.ok ? got.value : undefined));
  if (!lease) return undefined;
  try {
    return await deed();
  } finally {
    lease.release();
  }
};

const LOCK = 'role:skills';

const noteAll = (shop: Workshop, { skills, refused }: SkillShelf): Omit<Tended, 'retired'> => {
  const restored: string[] = [];
  for (const skill of skills) {
    const known = shop.journal.state().skills[skill.name];
    if (known?.hash === skill.hash) {
      if (!known.retired) continue;
      noteRestored(shop, skill.name, 'a person');
      restored.push(skill.name);
    } else noteWritten(shop, skill, skill.sealed ? evidenceIn(skill) : []);
  }
  for (const one of refused) noteRefusal(shop, one);
  // What cannot be seen now is not gone.
  if (refused.every(({ file }) => file !== WHOLE_SHELF))
    noteGone(shop, new Set([...skills, ...refused].map(({ name }) => name)));
  return { restored, refused: refused.map(({ name, reason }) => `${name}: ${reason}`) };
};

/** What is on the shelf no more was moved or deleted by a person, or its retirement died between file and entry. */
const noteGone = (shop: Workshop, there: ReadonlySet<string>): void => {
  const lost = Object.values(shop.journal.state().skills).filter(({ name, retired }) => !retired && !there.has(name));
  for (const { name, with: treated, without } of lost) {
    const moved = isTaken(join(shop.paths.skills, '.retired'), name);
    shop.journal.append<'skill_retired'>({
      type: 'skill_retired',
      data: {
        skill: name,
        reason: moved ? 'it was moved to skills/.retired' : 'its directory was removed',
        ...{ with: treated, without },
        file: moved ? retiredFile(name) : `skills/${name}/SKILL.md`,
      },
    });
  }
};

const noteWritten = (
  shop: Workshop,
  { name, description, hash, file, sealed }: Pick<Skill, 'name' | 'description' | 'hash' | 'file' | 'sealed'>,
  evidence: readonly string[],
): void => {
  shop.journal.append<'skill_written'>({
    type: 'skill_written',
    data: {
      skill: name,
      description: oneLine(description),
      by: sealed ? 'doctor' : 'person',
      hash,
      evidence: [...evidence],
      file,
    },
  });
};

const noteRestored = (shop: Workshop, name: string, by: string): EntryOf<'skill_restored'> =>
  shop.journal.append<'skill_restored'>({
    type: 'skill_restored',
    data: { skill: name, by, file: `skills/${name}/SKILL.md` },
  });

const noteRefusal = (
  shop: Workshop,
  refused: { name: string; fault: SkillFault; reason: string; hash: string; file: string },
): void => {
  const { name, fault, reason, hash, file } = refused;
  if (shop.journal.state().skillRefusals[hash]) return;
  shop.journal.append<'skill_refused'>({
    type: 'skill_refused',
    data: { skill: name, fault, reason: shop.redact(reason), hash, file },
  });
};
