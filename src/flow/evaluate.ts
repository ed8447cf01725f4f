import { err, ok, type Result } from '../base/result.ts';
import { failure } from '../model/failure.ts';
import { figuresOf, type TreeReport } from '../model/report.ts';
import type { Comparison, Finding } from '../model/verdict.ts';
import { asData } from '../policy/placeholders.ts';
import { editedTests } from '../policy/tamper.ts';
import type { Captured, Diff, Workspace } from '../ports/git/mirror.ts';
import type { Analysis } from './analyze.ts';
import { measureBaseline } from './analyze.ts';
import { searchFindings } from './findings.ts';
import { captureWork, mendPhase } from './hack.ts';
import { handedOver, isStopped } from './hand-over.ts';
import { type JudgedTree, judgeTree } from './judge.ts';
import { keepPatch, writeReport } from './keep.ts';
import { dependenciesIntact } from './measure.ts';
import type { Planned } from './plan.ts';
import { fetchTip, type Reading } from './read.ts';
import { type Cycle, type CycleEnd, endBy, envelopeOf, type Workshop } from './workshop.ts';

/**
 * The fifth phase: Winnow itself judges the committed tree, merged with the tip of main. What the agent says of its
 * own success counts for nothing. Worse goes back to the conversation while iterations are left.
 */
export interface Accepted {
  captured: Captured;
  /** Tip of main that the change was judged on. */
  base: string;
  tree: string;
  /** What the comparison says of it. */
  reason: string;
}

const FAILURES_MAX_CHARS = 8_000;
const IDENTITIES_IN_ENTRY_MAX = 20;

export const evaluatePhase = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  analysis: Analysis,
  planned: Planned,
): Promise<Result<Accepted, CycleEnd>> => {
  let before: { tree: string; end: CycleEnd } | undefined;
  for (let iteration = 1; ; iteration += 1) {
    cycle.sum.iterations = iteration;
    // What the agent wrote into the shared dependencies must not judge its own change.
    await dependenciesIntact(shop, envelopeOf(cycle), analysis.dependencies, 'agent', cycle.session.name);
    const caught = await captureWork(shop, cycle, reading, analysis.workspace, planned.plan);
    if (!caught.ok) return caught;
    // The same tree gets the same verdict: a conversation that changed nothing more has given up.
    if (before?.tree === caught.value.tree) return err(before.end);
    const judged = await judgeOnce(shop, cycle, reading, analysis, caught.value);
    if (!judged.ok) return judged;
    const { verdict } = judged.value;
    if (verdict === 'accept') return ok(judged.value.accepted);
    if (iteration >= iterationsOf(shop, cycle)) return err(judged.value.end);
    const taken = handedOver(cycle);
    if (taken) return err(taken);
    before = { tree: caught.value.tree, end: judged.value.end };
    const mended = await mendPhase(shop, cycle, analysis.workspace, planned, judged.value.feedback);
    if (!mended.ok) {
      // Interrupted is interrupted; else the attempt is what it was before the conversation broke: worse.
      if (mended.error.outcome === 'interrupted') return mended;
      const reason = `${judged.value.end.reason}; no further try: ${mended.error.reason}`;
      return err({ ...mended.error, outcome: 'discarded', reason, countsAsAttempt: true });
    }
  }
};

/** What a person made is judged as it is: no model goes on with it when the person has left. */
const iterationsOf = (shop: Workshop, { trigger }: Cycle): number =>
  trigger === 'person' ? 1 : shop.config().agent.iterations;

type Judgement =
  | { verdict: 'accept'; accepted: Accepted }
  | { verdict: 'again'; end: CycleEnd; feedback: { failures: string; findings: string } };

const judgeOnce = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  analysis: Analysis,
  captured: Captured,
): Promise<Result<Judgement, CycleEnd>> => {
  const { mirror } = reading;
  if (captured.empty) return err({ outcome: 'empty', reason: 'the agent changed nothing', countsAsAttempt: true });
  cycle.sum.known.commit = captured.commit;
  cycle.sum.known.branch = cycle.branch;

  const diff = await mirror.diff(reading.tip, captured.commit);
  if (!diff.ok) return err(endBy(diff.error));
  rememberDiff(cycle, diff.value);
  const { project } = cycle;
  const change = { from: reading.tip, to: captured.commit, commits: { from: reading.tip, to: captured.commit } };
  const findings = await searchFindings(shop, { mirror, project, diff: diff.value, ...change });
  if (!findings.ok) return err(endBy(findings.error));
  cycle.sum.known.findings = findings.value.slice(0, IDENTITIES_IN_ENTRY_MAX);
  const refused = findings.value.filter((finding) => finding.action === 'refuse');
  if (refused.some((finding) => finding.kind === 'protected-path' || finding.kind === 'secret')) {
    // Refused outright: no iteration, no execution of what it wrote.
    return err(
      await discard(shop, cycle, reading, captured, {
        reason: refusal(refused),
        tree: captured.tree,
        findings: findings.value,
      }),
    );
  }

  const merged = await mergeWithMain(shop, cycle, reading, captured);
  if (!merged.ok) return merged;
  const { base, tree } = merged.value;
  cycle.sum.known.tree = tree;
  cycle.sum.known.base = base;
  const baseTree = await mirror.treeOf(base);
  if (!baseTree.ok) return err(endBy(baseTree.error));
  if (baseTree.value === tree) {
    return err({ outcome: 'empty', reason: 'main already holds this change', countsAsAttempt: true });
  }
  if (refused.length > 0) {
    const reason = refusal(refused);
    journalVerdict(shop, cycle, captured, tree, { ...NOTHING, verdict: 'worse', reason }, findings.value);
    return again(shop, cycle, reading, captured, {
      comparison: undefined,
      reason,
      findings: findings.value,
      result: undefined,
    });
  }

  const baseline =
    base === reading.tip ? ok(analysis.baseline) : await measureBaseline(shop, cycle, reading, base, baseTree.value);
  if (!baseline.ok) return baseline;
  const edited = editedTests(diff.value.files);
  const compared = await compareWithBaseline(shop, cycle, reading, baseline.value, { tree, edited });
  if (!compared.ok) return compared;
  const { comparison, result } = compared.value;
  rememberComparison(shop, cycle, baseline.value, result, comparison, findings.value);
  journalVerdict(shop, cycle, captured, tree, comparison, findings.value);
  switch (comparison.verdict) {
    case 'better':
    case 'same':
      // An earlier iteration may have left its patch; the branch itself is what is kept now.
      delete cycle.sum.known.patch;
      return ok({ verdict: 'accept', accepted: { captured, base, tree, reason: comparison.reason } });
    case 'worse':
      return again(shop, cycle, reading, captured, {
        comparison,
        reason: comparison.reason,
        findings: findings.value,
        result,
      });
    case 'unevaluated':
      return err({
        ...(await discard(shop, cycle, reading, captured, {
          reason: comparison.reason,
          tree,
          findings: findings.value,
        })),
        outcome: isStopped(cycle) ? 'interrupted' : 'unevaluated',
        countsAsAttempt: false,
        // A check that waited was told to wait no longer.
        ...handedOver(cycle),
      });
    default:
      comparison.verdict satisfies never;
      throw new Error('unreachable');
  }
};

const mergeWithMain = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  captured: Captured,
): Promise<Result<{ base: string; tree: string }, CycleEnd>> => {
  // A remote that cannot be reached just now does not spoil the attempt: it is judged on the tip last seen.
  const fetched = await fetchTip(shop, cycle, reading.mirror);
  const base = fetched.ok ? fetched.value : reading.tip;
  const merged = await reading.mirror.mergeTree(base, captured.commit);
  if (!merged.ok) return err(endBy(merged.error));
  if ('tree' in merged.value) return ok({ base, tree: merged.value.tree });
  const files = merged.value.conflicts.slice(0, 5).join(', ');
  return err(
    await discard(shop, cycle, reading, captured, {
      reason: `conflicts with what reached ${cycle.project.branch} meanwhile, in ${files}`,
      tree: captured.tree,
      findings: cycle.sum.known.findings ?? [],
    }),
  );
};

const compareWithBaseline = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  baseline: TreeReport,
  change: { tree: string; edited: ReadonlySet<string> },
): Promise<Result<JudgedTree, CycleEnd>> => {
  const judged = await judgeTree(
    shop,
    {
      project: cycle.project,
      mirror: reading.mirror,
      ...change,
      envelope: envelopeOf(cycle),
      signal: cycle.signal,
      waiting: cycle.handOver?.signal,
      marker: cycle.id,
    },
    baseline,
  );
  if (!judged.ok) return err({ ...endBy(judged.error, cycle.signal.aborted ? 'interrupted' : 'unevaluated') });
  cycle.sum.checks.ran += judged.value.ran;
  cycle.sum.checks.reused += judged.value.reused;
  return judged;
};

interface Worse {
  comparison: Comparison | undefined;
  reason: string;
  findings: Finding[];
  result: TreeReport | undefined;
}

const again = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Reading,
  captured: Captured,
  worse: Worse,
): Promise<Result<Judgement, CycleEnd>> =>
  ok({
    verdict: 'again',
    end: await discard(shop, cycle, reading, captured, {
      reason: worse.reason,
      tree: captured.tree,
      findings: worse.findings,
    }),
    feedback: { failures: failuresText(worse), findings: findingsText(worse.findings) },
  });

/** Keeps the patch and says why; what is discarded is remembered. */
const discard = async (
  shop: Workshop,
  cycle: Cycle,
  { mirror, tip }: Reading,
  captured: Captured,
  why: { reason: string; tree: string; findings: Finding[] },
): Promise<CycleEnd> => {
  const patch = await keepPatch(shop, mirror, { name: cycle.id, from: tip, to: captured.commit });
  if (patch) cycle.sum.known.patch = patch;
  return {
    outcome: 'discarded',
    reason: why.reason,
    ...(patch ? {} : { failure: failure('git-failed', 'the patch of the discarded change could not be written') }),
    countsAsAttempt: true,
  };
};

const rememberDiff = (cycle: Cycle, diff: Diff): void => {
  cycle.sum.known.diff = { files: diff.files.length, added: diff.added, removed: diff.removed };
  cycle.sum.known.files = diff.files.map((file) => file.path).slice(0, IDENTITIES_IN_ENTRY_MAX);
};

const rememberComparison = (
  shop: Workshop,
  cycle: Cycle,
  baseline: TreeReport,
  result: TreeReport,
  comparison: Comparison,
  findings: Finding[],
): void => {
  const { known } = cycle.sum;
  known.verdict = comparison.verdict;
  known.before = figuresOf(baseline);
  known.after = figuresOf(result);
  known.fixed = comparison.fixed.slice(0, IDENTITIES_IN_ENTRY_MAX);
  known.broken = [...comparison.broken, ...comparison.vanished, ...comparison.skipped].slice(
    0,
    IDENTITIES_IN_ENTRY_MAX,
  );
  known.report = writeReport(shop, cycle.id, { comparison, findings, baseline, result });
};

const NOTHING: Omit<Comparison, 'verdict' | 'reason'> = { fixed: [], broken: [], vanished: [], skipped: [], added: [] };

const journalVerdict = (
  shop: Workshop,
  cycle: Cycle,
  captured: Captured,
  tree: string,
  comparison: Comparison,
  findings: Finding[],
): void => {
  cycle.sum.known.verdict = comparison.verdict;
  shop.journal.append<'evaluated'>({
    type: 'evaluated',
    ...envelopeOf(cycle),
    data: {
      iteration: cycle.sum.iterations,
      commit: captured.commit,
      tree,
      verdict: comparison.verdict,
      reason: comparison.reason,
      fixed: comparison.fixed.length,
      broken: comparison.broken.length + comparison.vanished.length + comparison.skipped.length,
      findings: findings.slice(0, IDENTITIES_IN_ENTRY_MAX),
      ...(captured.notes.length > 0 ? { notes: captured.notes.slice(0, IDENTITIES_IN_ENTRY_MAX) } : {}),
    },
  });
};

const refusal = (refused: Finding[]): string => {
  const first = refused[0];
  const more = refused.length > 1 ? ` (and ${refused.length - 1} more)` : '';
  return first ? `refused: ${first.kind} in ${first.file}${more}: ${first.evidence}` : 'refused';
};

const failuresText = ({ comparison, reason, result }: Worse): string => {
  if (!comparison || !result) return reason;
  const messages = new Map<string, string>();
  for (const check of result.checks) {
    if (check.state === 'unevaluated') continue;
    for (const problem of check.problems) {
      messages.set(
        `${check.check}: ${problem.id}`,
        `${problem.file}:${problem.line ?? ''} ${problem.code}: ${problem.message}`,
      );
    }
    for (const test of check.tests)
      messages.set(`${check.check}: ${test.id}`, `${test.file} > ${test.name}: ${test.message ?? test.status}`);
  }
  const lines = [
    reason,
    ...comparison.broken.map((id) => `broken: ${messages.get(id) ?? id}`),
    ...comparison.vanished.map((id) => `no longer there (counts as failed): ${id}`),
    ...comparison.skipped.map((id) => `skipped (counts as failed): ${id}`),
  ];
  return asData('failures', lines.join('\n'), FAILURES_MAX_CHARS);
};

const findingsText = (findings: Finding[]): string => {
  if (findings.length === 0) return 'None.';
  return asData(
    'findings',
    findings
      .map(
        (f) =>
          `${f.action === 'refuse' ? 'REFUSED' : 'noted'} ${f.kind} ${f.file}${f.line ? `:${f.line}` : ''}: ${f.evidence}`,
      )
      .join('\n'),
    FAILURES_MAX_CHARS,
  );
};

/** For recovery and interruption: whatever lies in a workspace becomes a patch before the workspace is used again. */
export const rescueWork = async (
  shop: Workshop,
  cycle: Cycle,
  reading: Pick<Reading, 'mirror' | 'tip'>,
  workspace: Workspace,
): Promise<string | undefined> => {
  const caught = await captureWork(shop, cycle, reading, workspace, cycle.sum.known.plan);
  if (!caught.ok || caught.value.empty) return undefined;
  return keepPatch(shop, reading.mirror, { name: cycle.id, from: reading.tip, to: caught.value.commit });
};
