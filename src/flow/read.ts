import { err, ok, type Result } from '../base/result.ts';
import type { ProjectConfig } from '../model/config.ts';
import type { Failure } from '../model/failure.ts';
import type { RecentCycle, State } from '../model/state.ts';
import { validClaims } from '../policy/claim.ts';
import { asData } from '../policy/placeholders.ts';
import { openBranches } from '../policy/queue.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import { type Cycle, type CycleEnd, endBy, envelopeOf, type Workshop } from './workshop.ts';

/**
 * The first phase: what is the tip of main, what is to be done, and what should the session know before it begins.
 */
export interface Reading {
  mirror: Mirror;
  /** Commit at the tip of the project's branch. */
  tip: string;
  tree: string;
  context: string;
  recent: string;
  claims: string;
}

/**
 * A prompt's context stays below this; at about four characters a token that is 12,000 tokens, a small part of the
 * model's window and a few cents at most.
 */
const CONTEXT_MAX_CHARS = 48_000;
const FILE_MAX_CHARS = 16_000;
const FILE_MAX_BYTES = 256 * 1024;
const RECENT_SHOWN_MAX = 20;

export const readPhase = async (shop: Workshop, cycle: Cycle): Promise<Result<Reading, CycleEnd>> => {
  const opened = await shop.mirrorOf(cycle.project);
  if (!opened.ok) return err({ ...endBy(opened.error), projectUnready: true });
  const mirror = opened.value;
  const fetched = await fetchTip(shop, cycle, mirror);
  if (!fetched.ok) return err({ ...endBy(fetched.error), projectUnready: true });
  const tree = await mirror.treeOf(fetched.value);
  if (!tree.ok) return err(endBy(tree.error));
  const state = shop.journal.state();
  return ok({
    mirror,
    tip: fetched.value,
    tree: tree.value,
    context: await contextFiles(cycle.project, mirror, fetched.value),
    recent: recentText(state, cycle),
    claims: claimsText(state, cycle, shop.clock.now()),
  });
};

/** Fetches; a main that moved without Winnow is journalled. */
export const fetchTip = async (
  shop: Workshop,
  { project, signal }: Pick<Cycle, 'project' | 'signal'>,
  mirror: Mirror,
): Promise<Result<string, Failure>> => {
  const fetched = await mirror.fetch(signal);
  if (!fetched.ok) return fetched;
  const { tip } = fetched.value;
  const known = shop.journal.state().projects[project.name]?.tip;
  if (known !== tip) {
    shop.journal.append<'main_moved'>({
      type: 'main_moved',
      project: project.name,
      data: {
        branch: project.branch,
        ...(known ? { from: known } : {}),
        to: tip,
        commits: known ? await mirror.countCommits(known, tip) : 0,
      },
    });
  }
  return ok(tip);
};

/** What the project says about itself, as far as a prompt has room for it. */
export const contextFiles = async (project: ProjectConfig, mirror: Mirror, tip: string): Promise<string> => {
  const parts: string[] = [];
  let left = CONTEXT_MAX_CHARS;
  for (const path of project.context) {
    if (left <= 0) break;
    const text = await mirror.readFile(tip, path, FILE_MAX_BYTES);
    if (text === undefined || text.trim() === '') continue;
    const part = asData(path, text, Math.min(left, FILE_MAX_CHARS));
    left -= part.length;
    parts.push(part);
  }
  return parts.length === 0 ? 'The project has none of the context files that are configured.' : parts.join('\n\n');
};

/** What happened lately in this project, newest first. */
const recentText = (state: Readonly<State>, cycle: Cycle): string => {
  const recent = (state.projects[cycle.project.name]?.recent ?? []).slice(-RECENT_SHOWN_MAX).reverse();
  if (recent.length === 0) return 'Nothing has been tried yet.';
  return asData('recent', recent.map(lineOf).join('\n'), CONTEXT_MAX_CHARS / 4);
};

const lineOf = (past: RecentCycle): string => {
  const files = past.files.length > 0 ? ` [${past.files.slice(0, 5).join(', ')}]` : '';
  return `- ${past.at.slice(0, 16)} ${past.session}: ${past.outcome}: ${past.title ?? 'no plan'}${files}: ${past.reason}`;
};

const claimsText = (state: Readonly<State>, cycle: Cycle, now: number): string => {
  const lines: string[] = [];
  for (const held of validClaims(state, { session: cycle.session.name, project: cycle.project.name, now })) {
    const until = `${held.until.slice(11, 16)} UTC`;
    lines.push(`- ${held.session} holds until ${until}, since the standup: ${held.title} [${held.files.join(', ')}]`);
  }
  for (const other of Object.values(state.running)) {
    if (other.cycle === cycle.id || other.project !== cycle.project.name || other.claim.length === 0) continue;
    lines.push(`- ${other.session}: ${other.claimTitle ?? ''} [${other.claim.join(', ')}]`);
  }
  for (const queued of openBranches(state)) {
    if (queued.project !== cycle.project.name) continue;
    const past = state.projects[cycle.project.name]?.recent.find((r) => r.cycle === queued.cycle);
    if (past) lines.push(`- waiting to land: ${past.title ?? queued.branch} [${past.files.join(', ')}]`);
  }
  const others =
    lines.length === 0
      ? 'No other session is at work on this project.'
      : asData('in-flight', lines.join('\n'), CONTEXT_MAX_CHARS / 4);
  return `${others}${prioritiesText(state)}`;
};

/** What the team put first at its last standup. */
const prioritiesText = ({ standup }: Readonly<State>): string => {
  if (!standup || standup.priorities.length === 0) return '';
  const lines = standup.priorities.map((priority) => `- ${priority}`).join('\n');
  return `\n\nWhat the team put first at its last standup:\n${asData('priorities', lines, CONTEXT_MAX_CHARS / 16)}`;
};

/** The first lines of the envelope of a task or of the session's own focus. */
export const workText = (cycle: Cycle): string =>
  cycle.task
    ? `You are assigned this task:\n\n${asData('task', cycle.task.text, 20_000)}`
    : 'Nothing is assigned to you: choose within your focus.';

export const journalPhase = (
  shop: Workshop,
  cycle: Cycle,
  phase: 'read' | 'analyze' | 'plan' | 'hack' | 'evaluate',
): void => {
  shop.journal.append<'cycle_phase'>({ type: 'cycle_phase', ...envelopeOf(cycle), data: { phase } });
};
