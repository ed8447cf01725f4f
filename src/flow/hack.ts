import { err, ok, type Result } from '../base/result.ts';
import type { FailureKind } from '../model/failure.ts';
import type { Plan } from '../model/plan.ts';
import { fillPrompt } from '../policy/placeholders.ts';
import type { Captured, Workspace } from '../ports/git/mirror.ts';
import { ask, askerOf, authorOf, lendsAsPlugin } from './agent.ts';
import type { Planned } from './plan.ts';
import { systemText } from './plan.ts';
import type { Reading } from './read.ts';
import { skillsText } from './skills.ts';
import { type Cycle, type CycleEnd, endBy, type Workshop } from './workshop.ts';

/** The fourth phase: the same conversation, now with the editing tools, and what it left behind as one commit. */
export const EDIT_TOOLS = ['Read', 'Grep', 'Glob', 'Edit', 'Write', 'Bash', 'Skill'];

export const hackPhase = async (
  shop: Workshop,
  cycle: Cycle,
  workspace: Workspace,
  { plan, conversation }: Planned,
): Promise<Result<void, CycleEnd>> => {
  const prompt = fillPrompt(shop.prompts().hack, {
    title: plan.title,
    files: plan.files.join(', ') || 'as needed',
    expects: plan.expects,
    checks: cycle.project.checks.map((check) => `${check.name}: ${check.run}`).join('\n'),
    protect: cycle.project.protect.join(', ') || '(none)',
    branch: cycle.branch,
    skills: skillsText(shop, cycle, lendsAsPlugin(shop, cycle.session.name)),
  });
  return work(shop, cycle, workspace, conversation, 'hack', prompt);
};

/** What the evaluator found goes back to the same conversation. */
export const mendPhase = async (
  shop: Workshop,
  cycle: Cycle,
  workspace: Workspace,
  { conversation }: Planned,
  found: { failures: string; findings: string },
): Promise<Result<void, CycleEnd>> => {
  const prompt = fillPrompt(shop.prompts().mend, {
    iteration: String(cycle.sum.iterations),
    iterations: String(shop.config().agent.iterations),
    failures: found.failures,
    findings: found.findings,
  });
  return work(shop, cycle, workspace, conversation, 'mend', prompt);
};

const work = async (
  shop: Workshop,
  cycle: Cycle,
  workspace: Workspace,
  conversation: string,
  purpose: 'hack' | 'mend',
  prompt: string,
): Promise<Result<void, CycleEnd>> => {
  const answer = await ask(shop, askerOf(cycle), {
    purpose,
    cwd: workspace.dir,
    prompt,
    system: systemText(shop, cycle),
    tools: EDIT_TOOLS,
    access: 'edit',
    conversation,
    shims: shop.paths.shims,
  });
  if (answer.ok) return ok(undefined);
  const kind = answer.error.failure?.kind;
  return kind !== undefined && WORK_MAY_STAND.has(kind) ? ok(undefined) : answer;
};

/** Endings that say nothing of what was done until then: the evaluator looks at the work, not at the last word. */
const WORK_MAY_STAND: ReadonlySet<FailureKind> = new Set(['no-answer', 'max-turns', 'budget-run', 'max-output']);

/** The session's work as a commit in the mirror: its own commits, and what it left uncommitted, in its name. */
export const captureWork = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Pick<Reading, 'mirror'>,
  workspace: Workspace,
  plan: Plan | undefined,
): Promise<Result<Captured, CycleEnd>> => {
  const captured = await shop.workspaces.capture({
    mirror: reading.mirror,
    workspace,
    author: authorOf(cycle.session.name),
    message: commitMessage(cycle, plan),
    at: shop.clock.now(),
  });
  return captured.ok ? captured : err(endBy(captured.error));
};

const commitMessage = (cycle: Cycle, plan: Plan | undefined): string => {
  const title = (plan?.title ?? 'Unfinished work').replace(/\s+/g, ' ').trim();
  const why = plan ? `\n\n${plan.why}` : '';
  return `${title}${why}\n\nWinnow-Session: ${cycle.session.name}\nWinnow-Cycle: ${cycle.id}\n`;
};
