import { z } from 'zod';
import { err, ok, type Result } from '../base/result.ts';
import { Plan } from '../model/plan.ts';
import type { CheckReport, TreeReport } from '../model/report.ts';
import { type Avoid, avoidedBy, avoidNow } from '../policy/avoid.ts';
import { clashOf, standupClash } from '../policy/claim.ts';
import { asData, fillPrompt, oneLine } from '../policy/placeholders.ts';
import { ask, askerOf, lendsAsPlugin } from './agent.ts';
import type { Analysis } from './analyze.ts';
import { repeatedBy, triedText } from './past.ts';
import { type Reading, workText } from './read.ts';
import { chooseSkills, skillsText } from './skills.ts';
import { type Cycle, type CycleEnd, envelopeOf, type Workshop } from './workshop.ts';

/** The third phase: one small thing, agreed with what the others do and with what was tried before. */
export interface Planned {
  plan: Plan;
  conversation: string;
}

const PLAN_TOOLS = ['Read', 'Grep', 'Glob', 'Skill'];
/** The first plan, and one more after it was sent back. */
const PLANS_MAX = 2;
const BASELINE_PROBLEMS_SHOWN = 40;
const BASELINE_MAX_CHARS = 12_000;

export const planPhase = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  analysis: Analysis,
): Promise<Result<Planned, CycleEnd>> => {
  await chooseSkills(shop, cycle, analysis.baseline);
  const prompts = shop.prompts();
  const schema = z.toJSONSchema(Plan, { target: 'draft-7' }) as Record<string, unknown>;
  let prompt = fillPrompt(prompts.plan, {
    session: cycle.session.name,
    project: cycle.project.name,
    focus: cycle.session.focus,
    instructions: cycle.session.instructions,
    task: [workText(cycle), ...avoidText(shop, cycle)].join('\n\n'),
    context: reading.context,
    baseline: baselineText(analysis.baseline),
    recent: reading.recent,
    claims: reading.claims,
    tried: await triedText(shop, cycle, analysis.baseline),
    skills: skillsText(shop, cycle, lendsAsPlugin(shop, cycle.session.name)),
    branch: cycle.project.branch,
  });
  let conversation: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask(shop, askerOf(cycle), {
      purpose: attempt === 1 ? 'plan' : 'replan',
      cwd: analysis.workspace.dir,
      prompt,
      system: systemText(shop, cycle),
      tools: PLAN_TOOLS,
      access: 'read',
      schema,
      conversation,
      shims: undefined,
    });
    if (!answer.ok) return answer;
    conversation = answer.value.conversation;
    const judged = await judge(shop, cycle, answer.value.structured, analysis.baseline);
    if (judged.ok) {
      const plan = judged.value;
      shop.journal.append<'plan_made'>({ type: 'plan_made', ...envelopeOf(cycle), data: { plan, attempt } });
      cycle.sum.known.plan = plan;
      if (plan.nothing)
        return err({ outcome: 'empty', reason: `nothing worth doing was found: ${plan.why}`, countsAsAttempt: true });
      shop.journal.append<'claim_taken'>({
        type: 'claim_taken',
        ...envelopeOf(cycle),
        data: { title: plan.title, files: plan.files },
      });
      return ok({ plan, conversation });
    }
    const { title, why, reason, reference } = judged.error;
    shop.journal.append<'plan_refused'>({
      type: 'plan_refused',
      ...envelopeOf(cycle),
      data: { title, why, reason, ...(reference ? { reference } : {}) },
    });
    if (attempt >= PLANS_MAX) {
      return err({ outcome: 'empty', reason: `no acceptable plan: ${reason}`, countsAsAttempt: why !== 'claim' });
    }
    prompt = fillPrompt(prompts.replan, { title, reason });
  }
};

interface Refusal {
  title: string;
  why: 'claim' | 'tried' | 'avoided' | 'schema';
  reason: string;
  reference?: string;
}

const judge = async (
  shop: Workshop,
  cycle: Cycle,
  answer: unknown,
  baseline: TreeReport,
): Promise<Result<Plan, Refusal>> => {
  const parsed = Plan.safeParse(answer);
  if (!parsed.success) {
    return err({
      title: 'an answer that is no plan',
      why: 'schema',
      reason: `the answer is not by the schema: ${z.prettifyError(parsed.error)}`,
    });
  }
  const plan = inPlainWords(shop, parsed.data);
  if (plan.nothing) return ok(plan);
  const state = shop.journal.state();
  const own = { session: cycle.session.name, project: cycle.project.name, task: cycle.task, now: shop.clock.now() };
  const clash = clashOf(plan, cycle.id, state.running, own.project) ?? standupClash(plan, state, own);
  if (clash) return err({ title: plan.title, why: 'claim', reason: clash.reason, reference: clash.cycle });
  const left = avoiding(shop, cycle);
  const again = left && avoidedBy(plan, left);
  if (again !== undefined) return err({ title: plan.title, why: 'avoided', reason: again });
  // Whoever asks for it again knows more: a person, or what happened since. The queue counts the attempts of a task.
  const isAskedFor = cycle.task !== undefined && cycle.task.origin !== 'standup';
  const tried = isAskedFor ? undefined : await repeatedBy(shop, cycle, plan, baseline);
  if (tried) return err({ title: plan.title, why: 'tried', reason: tried.reason, reference: tried.cycle });
  return ok(plan);
};

/** What the session has to leave alone; a task that it did not set itself is exempt: somebody wants it done. */
const avoiding = (shop: Workshop, cycle: Cycle): Avoid | undefined => {
  if (cycle.task && cycle.task.origin !== 'standup') return undefined;
  const { avoid } = shop.journal.state().sessions[cycle.session.name] ?? {};
  return avoidNow(avoid, shop.config().doctor.window, shop.clock.now());
};

const AVOID_MAX_CHARS = 4_000;

const avoidText = (shop: Workshop, cycle: Cycle): string[] => {
  const left = avoiding(shop, cycle);
  if (!left) return [];
  const lines = [...left.titles.map((title) => `- ${title}`), ...left.files.map((file) => `- ${file}`)];
  if (lines.length === 0) return [];
  const why = `You went in circles (${oneLine(left.reason)}). Choose something else: a plan about what follows is sent back.`;
  return [`${why}\n${asData('leave alone', lines.join('\n'), AVOID_MAX_CHARS)}`];
};

/** A plan goes into commit messages, prompts of others and screens: one line each, nothing unseen, no secret. */
const inPlainWords = (shop: Workshop, plan: Plan): Plan => {
  const plainly = (text: string) => shop.redact(oneLine(text));
  return {
    ...plan,
    title: plainly(plan.title),
    why: plainly(plan.why),
    kind: plainly(plan.kind),
    expects: plainly(plan.expects),
    files: plan.files.map(plainly),
  };
};

export const systemText = (shop: Workshop, cycle: Cycle): string =>
  fillPrompt(shop.prompts().system, {
    session: cycle.session.name,
    project: cycle.project.name,
    protect: cycle.project.protect.join(', ') || '(none)',
  });

/** The baseline for a model: what is red, by name, cut to a bounded list. */
export const baselineText = (report: TreeReport): string =>
  asData('baseline', report.checks.map(checkText).join('\n'), BASELINE_MAX_CHARS);

const checkText = (check: CheckReport): string => {
  if (check.state === 'unevaluated') return `${check.check}: could not run: ${check.message}`;
  const failedTests = check.tests.filter((test) => test.status === 'failed');
  const passed = check.tests.filter((test) => test.status === 'passed').length;
  const skipped = check.tests.length - passed - failedTests.length;
  const head = `${check.check}: ${check.green ? 'green' : 'red'}: ${check.problems.length} problems, ${passed} tests passed, ${failedTests.length} failed, ${skipped} skipped`;
  const lines = [
    ...check.problems.map((p) => `  ${p.file}${p.line === undefined ? '' : `:${p.line}`} ${p.code}: ${p.message}`),
    ...failedTests.map(
      (test) => `  FAILED ${test.file} > ${test.name}${test.message ? `: ${test.message.split('\n')[0]}` : ''}`,
    ),
  ];
  const shown = lines.slice(0, BASELINE_PROBLEMS_SHOWN);
  if (lines.length > shown.length) shown.push(`  … and ${lines.length - shown.length} more`);
  return [head, ...shown].join('\n');
};
