import { z } from 'zod';
import { err, ok, type Result } from '../base/result.ts';
import { Plan } from '../model/plan.ts';
import type { CheckReport, TreeReport } from '../model/report.ts';
import { clashOf, standupClash } from '../policy/claim.ts';
import { asData, fillPrompt, oneLine } from '../policy/placeholders.ts';
import { triedBefore } from '../policy/tried.ts';
import { ask, askerOf } from './agent.ts';
import type { Analysis } from './analyze.ts';
import { type Reading, workText } from './read.ts';
import { type Cycle, type CycleEnd, envelopeOf, type Workshop } from './workshop.ts';

/** The third phase: one small thing, agreed with what the others do and with what was tried before. */
export interface Planned {
  plan: Plan;
  conversation: string;
}

const READ_TOOLS = ['Read', 'Grep', 'Glob'];
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
  const prompts = shop.prompts();
  const schema = z.toJSONSchema(Plan, { target: 'draft-7' }) as Record<string, unknown>;
  let prompt = fillPrompt(prompts.plan, {
    session: cycle.session.name,
    project: cycle.project.name,
    focus: cycle.session.focus,
    instructions: cycle.session.instructions,
    task: workText(cycle),
    context: reading.context,
    baseline: baselineText(analysis.baseline),
    recent: reading.recent,
    claims: reading.claims,
    tried: reading.tried,
    branch: cycle.project.branch,
  });
  let conversation: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask(shop, askerOf(cycle), {
      purpose: attempt === 1 ? 'plan' : 'replan',
      cwd: analysis.workspace.dir,
      prompt,
      system: systemText(shop, cycle),
      tools: READ_TOOLS,
      access: 'read',
      schema,
      conversation,
      shims: undefined,
    });
    if (!answer.ok) return answer;
    conversation = answer.value.conversation;
    const judged = judge(shop, cycle, answer.value.structured);
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
  why: 'claim' | 'tried' | 'schema';
  reason: string;
  reference?: string;
}

const judge = (shop: Workshop, cycle: Cycle, answer: unknown): Result<Plan, Refusal> => {
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
  // What a person asked for may be tried again: the queue itself counts the attempts of a task.
  const tried = cycle.task ? undefined : triedBefore(plan, state.projects[cycle.project.name]?.recent ?? []);
  if (tried) return err({ title: plan.title, why: 'tried', reason: tried.reason, reference: tried.cycle });
  return ok(plan);
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
