import { ok, type Result } from '../base/result.ts';
import type { Failure } from '../model/failure.ts';
import type { CheckReport, TreeReport } from '../model/report.ts';
import type { Comparison } from '../model/verdict.ts';
import { compareReports, mergeRerun, suspectedFlaky } from '../policy/compare.ts';
import { knownReports, type MeasureInput, measureTree, rememberReport, runAgain, unevaluatedOf } from './measure.ts';
import type { Workshop } from './workshop.ts';

/** The verdict on a tree: what its checks say, against what they said of the tree below it. */
export interface JudgedTree {
  comparison: Comparison;
  result: TreeReport;
  /** Checks that were executed for it, and results that were known. */
  ran: number;
  reused: number;
}

/** How closely is looked: what does not change the answer is left out, unless it is asked for. */
export type JudgeExtent = 'decided' | 'once' | 'whole';

/**
 * Runs the checks one after the other, cheapest failures first, as long as they can still change the verdict; a test
 * that passed below and fails here is looked at once more before it is believed.
 */
export const judgeTree = async (
  shop: Workshop,
  input: MeasureInput & { edited?: ReadonlySet<string> },
  baseline: TreeReport,
  extent: JudgeExtent = 'decided',
): Promise<Result<JudgedTree, Failure>> => {
  const enough = extent === 'whole' ? {} : { enough: isDecided(input.tree, baseline, extent) };
  const measured = await measureTree(shop, { ...input, ...enough });
  if (!measured.ok) return measured;
  const { ran, reused, report } = measured.value;
  const { base, result } = soFar(input.tree, baseline, report.checks);
  const known = input.edited ? { edited: input.edited } : {};
  if (unevaluatedOf(result) || extent === 'once')
    return ok({ comparison: compareReports(base, result, known), result, ran, reused });
  const second = await lookAgain(shop, input, base, result);
  const comparison = compareReports(base, second.believed, known);
  return ok({ comparison, result: second.believed, ran: ran + second.ran, reused });
};

/** Whether `judgeTree` would execute nothing. */
export const isJudged = async (
  shop: Workshop,
  input: Pick<MeasureInput, 'project' | 'mirror' | 'signal' | 'tree'>,
  baseline: TreeReport,
  extent: JudgeExtent = 'decided',
): Promise<boolean> => {
  const isEnough = isDecided(input.tree, baseline, extent);
  const checks: CheckReport[] = [];
  const reports = await knownReports(shop, input);
  for (const report of reports) {
    if (report === undefined) return false;
    checks.push(report);
    if (extent !== 'whole' && isEnough(checks)) return true;
  }
  if (extent === 'once') return reports.length > 0;
  const { base, result } = soFar(input.tree, baseline, checks);
  return reports.length > 0 && suspectedFlaky(base, result).length === 0;
};

const soFar = (tree: string, baseline: TreeReport, checks: CheckReport[]) => ({
  base: { tree: baseline.tree, checks: baseline.checks.filter((b) => checks.some((c) => c.check === b.check)) },
  result: { tree, checks },
});

/** A test that fails is not believed yet, so only what no second look can change ends the row early. */
const isDecided =
  (tree: string, baseline: TreeReport, extent: JudgeExtent) =>
  (checks: CheckReport[]): boolean => {
    const { base, result } = soFar(tree, baseline, checks);
    const { verdict } = compareReports(base, result);
    if (verdict !== 'worse') return verdict === 'unevaluated';
    return extent === 'once' || suspectedFlaky(base, result).length === 0;
  };

const lookAgain = async (
  shop: Workshop,
  input: MeasureInput,
  base: TreeReport,
  result: TreeReport,
): Promise<{ believed: TreeReport; ran: number }> => {
  let believed = result;
  let ran = 0;
  for (const { check: name, tests, files } of suspectedFlaky(base, result)) {
    const check = input.project.checks.find((c) => c.name === name);
    const first = believed.checks.find((c) => c.check === name);
    if (!check || first?.state !== 'evaluated') continue;
    const second = await runAgain(shop, input, check, files);
    ran += 1;
    const { report, flaky } = mergeRerun(first, second, { tests });
    for (const test of flaky) {
      shop.journal.append<'test_flaky'>({
        type: 'test_flaky',
        ...input.envelope,
        data: { check: name, test: test.slice(`${name}: `.length), tree: result.tree },
      });
    }
    // Whoever asks for this tree next, the train for one, need not look a third time.
    if (second.state === 'evaluated') await rememberReport(shop, input, check, report);
    believed = { ...believed, checks: believed.checks.map((c) => (c.check === name ? report : c)) };
  }
  return { believed, ran };
};
