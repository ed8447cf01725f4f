import { mkdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import pLimit from 'p-limit';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { err, ok, type Result } from '../base/result.ts';
import type { PromptChange } from '../model/crew.ts';
import { DiagnosisAnswer, LearnAnswer } from '../model/doctor.ts';
import type { EntryData, EntryOf, Trigger } from '../model/entry.ts';
import type { Session } from '../model/session.ts';
import { classifyCrew, type Finding, type PastCycle } from '../policy/classify.ts';
import type { MachineFacts } from '../policy/gates.ts';
import { type Letter, letterPage, type Seen, untilText } from '../policy/letter.ts';
import { asData, fillPrompt, oneLine } from '../policy/placeholders.ts';
import { factsText } from '../policy/session-facts.ts';
import { type Treatment, treat } from '../policy/treat.ts';
import { sweep } from '../ports/machine/processes.ts';
import { type Asker, ask, askerMarker, newAskerSum } from './agent.ts';
import { historiesOf, type Past } from './histories.ts';
import { askPerson, parkLooping } from './park.ts';
import { applyProposal, type PromptDesk, proposePrompt } from './prompts.ts';
import { gatherFacts } from './session-facts.ts';
import { writeSkill } from './skills.ts';
import type { Workshop } from './workshop.ts';

/**
 * One round of the doctor: classes by rule, what is done about them by rule, and only then runs that explain. Nothing
 * that a run says parks, redirects or resumes anybody; without any answer the round is as effective as with all.
 */
export interface Round {
  trigger: Trigger;
  /** All that are defined: what most of them met is told from what one met. */
  sessions: readonly Session[];
  /** These alone are treated and explained. */
  only?: ReadonlySet<string> | undefined;
  facts: MachineFacts;
  /** Why no run is asked. */
  withoutRuns?: string | undefined;
  signal: AbortSignal;
  tell: (line: string) => void;
}

export interface HeldRound {
  entry: EntryOf<'doctor_analysis'>;
  letter: Letter;
}

/** Starting Claude Code needs a core, and the sessions need them too. */
const RUNS_AT_ONCE = 2;

export const holdRound = async (shop: Workshop, round: Round): Promise<HeldRound> => {
  const startedMs = shop.clock.monotonic();
  const now = shop.clock.now();
  const patients = diagnose(shop, round, now);
  for (const patient of patients) treatOne(shop, round, patient);
  const asked = newAsked(shop);
  const seen = await explain(shop, round, patients, asked);
  const learnt = await learn(shop, round, patients, asked);
  const letter: Letter = {
    at: new Date(now).toISOString(),
    trigger: round.trigger,
    windowMs: shop.config().doctor.window,
    sessions: seen,
    ...learnt,
    ...(round.withoutRuns === undefined ? {} : { withoutRuns: round.withoutRuns }),
    runs: asked.runs,
    costUsd: asked.costUsd,
  };
  const file = writeLetter(shop, letter);
  const data: EntryData<'doctor_analysis'> = {
    trigger: round.trigger,
    sessions: seen.map((one, n) => entryOf(one, patients[n]!)),
    summary: letter.summary,
    ...(round.withoutRuns === undefined ? {} : { withoutRuns: round.withoutRuns }),
    skills: learnt.written,
    runs: asked.runs,
    costUsd: asked.costUsd,
    durationMs: Math.round(shop.clock.monotonic() - startedMs),
    file,
  };
  return { letter, entry: shop.journal.append<'doctor_analysis'>({ type: 'doctor_analysis', data }) };
};

// ---- by rule -------------------------------------------------------------------------------------------------------

interface Patient {
  session: Session;
  finding: Finding;
  past: Past;
  treatment: Treatment;
}

/** All are looked at, since what most of them met is nobody's own; those in question are returned. */
const diagnose = (shop: Workshop, { sessions, only, facts }: Round, now: number): Patient[] => {
  const { doctor } = shop.config();
  const state = shop.journal.state();
  const pasts = historiesOf(shop, sessions, facts);
  const findings = classifyCrew(
    pasts.map(({ history }) => history),
    doctor,
    now,
  );
  return sessions.flatMap((session, n) => {
    if (only && !only.has(session.name)) return [];
    const [finding, past] = [findings[n]!, pasts[n]!];
    const paused = session.paused || state.paused !== undefined || state.sessions[session.name]?.pausedBy !== undefined;
    const treatment = treat({
      ...{ finding, state, paused, now },
      stuckAfter: doctor.stuckAfter,
      parksPerDay: doctor.parksPerDay,
      redirectedMs: past.redirectedMs,
    });
    return [{ session, finding, past, treatment }];
  });
};

const treatOne = (shop: Workshop, { tell }: Round, { session, finding, treatment }: Patient): void => {
  const where = { session: session.name, project: session.project };
  if (treatment.do === 'park') {
    parkLooping(shop, where, treatment);
    tell(`${session.name} loops and rests ${untilText(treatment.until)}`);
  }
  if (treatment.do === 'redirect') {
    const { reason, titles, files, tasks } = treatment;
    shop.journal.append<'session_redirected'>({
      type: 'session_redirected',
      ...where,
      data: { reason, titles, files, tasks },
    });
    tell(`${session.name} is stuck and has to turn to something else`);
  }
  // A crash between a park and its alert is made good here.
  askPerson(shop, session.name);
  if (finding.class === 'idle') tell(`${session.name} is idle: ${finding.evidence[0]}`);
};

const effectOf = (treatment: Treatment): Seen['effect'] => {
  if (treatment.do === 'park') return treatment.escalate ? 'escalated' : 'parked';
  return treatment.do === 'redirect' ? 'redirected' : 'none';
};

const treatmentText = ({ treatment }: Patient): string => {
  switch (treatment.do) {
    case 'none':
      return treatment.why === '' ? 'None: nothing is done by rule' : `None: ${treatment.why}`;
    case 'park':
      return `${treatment.escalate ? 'A person is asked; it' : 'It'} rests ${untilText(treatment.until)}`;
    case 'redirect': {
      const { titles, files, tasks } = treatment;
      const left = [...titles.map((title) => `“${title}”`), ...files].join(', ');
      const given = tasks.length === 0 ? '' : `; ${tasks.length} of its tasks may be taken by others`;
      return `A fresh conversation and something else: its next plans must not be about ${left || 'the same'}${given}`;
    }
    default:
      return treatment satisfies never;
  }
};

// ---- by asking -----------------------------------------------------------------------------------------------------

/** What the runs of a round have cost so far. */
interface AskedSum {
  /** Begins the marker of every process of its runs. */
  marker: string;
  runs: number;
  costUsd: number;
}

const newAsked = (shop: Workshop): AskedSum => ({
  marker: askerMarker(shop, 'doctor'),
  runs: 0,
  costUsd: 0,
});

const FACTS_MAX_CHARS = 24_000;
const INSTRUCTIONS_MAX_CHARS = 16_000;
const CYCLES_MAX_CHARS = 8_000;
const CYCLES_SHOWN_MAX = 40;

const explain = async (
  shop: Workshop,
  round: Round,
  patients: readonly Patient[],
  asked: AskedSum,
): Promise<Seen[]> => {
  const ill = patients.filter(({ finding }) => finding.class !== 'productive');
  const limit = pLimit(RUNS_AT_ONCE);
  const answers = new Map<Patient, Result<DiagnosisAnswer, string>>();
  if (ill.length > 0 && round.withoutRuns === undefined) {
    await sweep(`${asked.marker}-`, 'prefix');
    const sinceMs = shop.clock.now() - shop.config().doctor.window;
    const facts = await gatherFacts(
      shop,
      ill.map(({ session }) => session),
      sinceMs,
    );
    await Promise.all(
      ill.map((patient, n) =>
        limit(async () => {
          round.tell(`asking what is the matter with ${patient.session.name}`);
          answers.set(patient, await askAbout(shop, round, patient, factsText(facts[n]!), asked));
        }),
      ),
    );
  }
  return patients.map((patient) => seenOf(shop, round, patient, answers.get(patient)));
};

const askAbout = async (
  shop: Workshop,
  round: Round,
  { session, finding }: Patient,
  facts: string,
  asked: AskedSum,
): Promise<Result<DiagnosisAnswer, string>> => {
  const told = await readFile(join(shop.paths.home, session.file), 'utf8').catch(() => session.instructions);
  const safe = (name: string, text: string, max: number) => asData(name, shop.redact(text), max);
  const prompt = fillPrompt(shop.prompts().doctor, {
    session: session.name,
    project: session.project,
    class: finding.class,
    evidence: safe('findings', finding.evidence.join('\n'), CYCLES_MAX_CHARS),
    cycles: safe('cycles', linesOf(finding.about.slice(-CYCLES_SHOWN_MAX)) || 'none', CYCLES_MAX_CHARS),
    facts: safe('facts', facts, FACTS_MAX_CHARS),
    file: session.file,
    instructions: safe(session.file, told, INSTRUCTIONS_MAX_CHARS),
  });
  return question(shop, round, asked, { purpose: 'doctor', project: session.project, prompt, schema: DiagnosisAnswer });
};

/** An answer that is not by the schema is no answer; it is not asked for twice, since nothing depends on it. */
const question = async <T>(
  shop: Workshop,
  { signal }: Round,
  asked: AskedSum,
  {
    purpose,
    project,
    prompt,
    schema,
  }: { purpose: 'doctor' | 'learn'; project: string; prompt: string; schema: z.ZodType<T> },
): Promise<Result<T, string>> => {
  const asker: Asker = {
    id: `${asked.marker}-${shop.ids(shop.clock.now())}`,
    name: 'doctor',
    role: 'doctor',
    envelope: project === '' ? {} : { project },
    owner: { session: 'doctor', project },
    model: undefined,
    lendsSkills: false,
    signal,
    sum: newAskerSum(),
  };
  // A place of its own with nothing in it: all that there is to know stands in the prompt.
  const dir = join(shop.paths.tmp, `${asker.id}-desk`);
  mkdirSync(dir, { recursive: true });
  try {
    const run = await ask(shop, asker, {
      purpose,
      cwd: dir,
      prompt,
      system: undefined,
      tools: [],
      access: 'read',
      schema: z.toJSONSchema(schema, { target: 'draft-7' }) as Record<string, unknown>,
      conversation: undefined,
      shims: undefined,
      env: { GIT_CEILING_DIRECTORIES: shop.paths.tmp },
    });
    if (!run.ok) return err(shop.redact(oneLine(run.error.reason)));
    const parsed = schema.safeParse(run.value.structured);
    return parsed.success ? ok(parsed.data) : err('the answer was not by the schema');
  } finally {
    asked.runs += asker.sum.runs;
    asked.costUsd += asker.sum.costUsd;
    rmSync(dir, { recursive: true, force: true });
  }
};

const linesOf = (cycles: readonly PastCycle[]): string => cycles.map(lineOf).join('\n');

const lineOf = ({ cycle, endedMs, outcome, fate, title, files, reason }: PastCycle): string => {
  const end = fate === undefined || fate === 'waits' ? outcome : `${outcome}, ${fate}`;
  const at = new Date(endedMs).toISOString().slice(0, 16);
  return `- ${cycle} ${at} ${end}: ${title ?? 'no plan'} [${files.slice(0, 5).join(', ')}]: ${reason}`;
};

const seenOf = (
  shop: Workshop,
  round: Round,
  patient: Patient,
  answer: Result<DiagnosisAnswer, string> | undefined,
): Seen => {
  const { session, finding, treatment } = patient;
  const plainly = (text: string) => shop.redact(oneLine(text));
  return {
    session: session.name,
    project: session.project,
    class: finding.class,
    evidence: finding.evidence.map(plainly),
    ...(answer?.ok ? { diagnosis: plainly(answer.value.diagnosis) } : {}),
    ...(answer?.ok === false ? { noDiagnosis: answer.error } : {}),
    ...(answer === undefined && round.withoutRuns !== undefined ? { noDiagnosis: round.withoutRuns } : {}),
    effect: effectOf(treatment),
    treatment: plainly(treatmentText(patient)),
    ...(answer?.ok ? propose(shop, round, patient, answer.value) : { proposals: [] }),
  };
};

/** Kept for a person, unless the configuration says that proposals are applied at once. */
const propose = (
  shop: Workshop,
  { sessions }: Round,
  { session, past, finding }: Patient,
  { promptChange, evidence }: DiagnosisAnswer,
): Pick<Seen, 'proposals' | 'unproposed'> => {
  if (!promptChange) return { proposals: [] };
  const { doctor, projects } = shop.config();
  const desk: PromptDesk = {
    ...{ journal: shop.journal, paths: shop.paths, sessions },
    projects: projects.map(({ name }) => name),
  };
  const change: PromptChange = { ...promptChange, why: shop.redact(oneLine(promptChange.why)) };
  if (shop.redact(change.replace) !== change.replace) return { proposals: [], unproposed: 'it holds a secret' };
  const cited = past.ends.map(({ cycle }) => cycle ?? '').filter((cycle) => evidence.includes(cycle));
  const made = proposePrompt(
    desk,
    { session: session.name, project: session.project },
    change,
    cited.length > 0 ? cited : finding.about.map(({ cycle }) => cycle),
  );
  if (made.state === 'refused') return { proposals: [], unproposed: shop.redact(oneLine(made.why)) };
  const proposal = shop.journal.state().proposals[made.proposal];
  const applied = doctor.prompts === 'apply' && proposal ? applyProposal(desk, proposal, 'doctor') : undefined;
  return { proposals: [{ id: made.proposal, change, applied: applied?.ok ?? false }] };
};

// ---- what worked ---------------------------------------------------------------------------------------------------

type Learnt = Pick<Letter, 'summary' | 'noSummary' | 'skills'> & { written: string[] };

const LIST_MAX_CHARS = 16_000;
const SKILLS_SHOWN_MAX = 50;

const learn = async (shop: Workshop, round: Round, patients: readonly Patient[], asked: AskedSum): Promise<Learnt> => {
  const none = (noSummary: string): Learnt => ({ summary: '', noSummary, skills: [], written: [] });
  if (round.withoutRuns !== undefined) return none(round.withoutRuns);
  const all = patients.flatMap(({ past }) => past.history.cycles);
  const kept = all.filter(({ outcome, fate }) => outcome === 'pushed' && fate !== 'lost');
  if (kept.length === 0) return none('nothing was kept in this time');
  const whys = new Map(patients.flatMap(({ past }) => past.ends.map(({ cycle, data }) => [cycle, data.plan?.why])));
  const list = (name: string, lines: string[]) =>
    lines.length === 0 ? 'None.' : asData(name, shop.redact(lines.join('\n')), LIST_MAX_CHARS);
  const missed = all.filter(({ outcome }) => outcome === 'discarded');
  const skills = Object.values(shop.journal.state().skills).filter(({ retired }) => !retired);
  round.tell('asking what worked');
  const answer = await question(shop, round, asked, {
    purpose: 'learn',
    project: '',
    prompt: fillPrompt(shop.prompts().learn, {
      kept: list(
        'kept',
        kept.slice(-CYCLES_SHOWN_MAX).map((past) => `${lineOf(past)}: ${whys.get(past.cycle) ?? ''}`),
      ),
      missed: list('missed', missed.slice(-CYCLES_SHOWN_MAX).map(lineOf)),
      skills: list(
        'skills',
        skills.slice(-SKILLS_SHOWN_MAX).map((skill) => `- ${skill.name}: ${skill.description}`),
      ),
    }),
    schema: LearnAnswer,
  });
  if (!answer.ok) return none(answer.error);
  const known = new Set(kept.map(({ cycle }) => cycle));
  const learnt: Learnt = { summary: shop.redact(oneLine(answer.value.summary)), skills: [], written: [] };
  for (const { evidence, ...draft } of answer.value.patterns) {
    const name = shop.redact(oneLine(draft.name));
    const written = await writeSkill(
      shop,
      draft,
      evidence.filter((cycle) => known.has(cycle)),
    );
    const what = written.ok
      ? shop.redact(oneLine(draft.description))
      : `not written down: ${shop.redact(oneLine(written.error.reason))}`;
    learnt.skills.push({ name: written.ok ? written.value.skill : name, what });
    if (written.ok) learnt.written.push(written.value.skill);
  }
  return learnt;
};

// ---- the record ----------------------------------------------------------------------------------------------------

/** logs/doctor/<timestamp>.md, relative to the home. */
const writeLetter = (shop: Workshop, letter: Letter): string => {
  mkdirSync(shop.paths.letters, { recursive: true });
  const file = join(shop.paths.letters, `${letter.at.slice(0, 19).replaceAll(':', '-')}.md`);
  writeFileAtomic.sync(file, shop.redact(letterPage(letter)));
  return relative(shop.paths.home, file);
};

const entryOf = (seen: Seen, { finding }: Patient): EntryData<'doctor_analysis'>['sessions'][number] => ({
  session: seen.session,
  project: seen.project,
  class: seen.class,
  evidence: seen.evidence,
  ...(finding.held === undefined ? {} : { held: finding.held }),
  ...(seen.diagnosis === undefined ? {} : { diagnosis: seen.diagnosis }),
  effect: seen.effect,
  proposals: seen.proposals.map(({ id }) => id),
});
