import { type Figures, figuresOf } from '../model/report.ts';
import type { Diff } from '../ports/git/mirror.ts';
import type { KeptReport } from './keep.ts';

/** What is known of a change beside its diff, in words for the reviewer, for its page and for people. */

export const statText = ({ files, added, removed }: Diff): string =>
  [
    `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${added} lines added, ${removed} removed`,
    ...files.map(
      (file) => `${file.status} +${file.added} -${file.removed} ${file.from ? `${file.from} -> ` : ''}${file.path}`,
    ),
  ].join('\n');

const IDENTITIES_SHOWN_MAX = 20;

export const reportsText = (report: KeptReport | undefined, tree: string): string => {
  if (!report) return 'There is no report: what the checks say of this change is not known yet. The train runs them.';
  const { comparison, baseline, result } = report;
  const identities = (word: string, list: readonly string[]) => [
    ...list.slice(0, IDENTITIES_SHOWN_MAX).map((id) => `${word}: ${id}`),
    ...(list.length > IDENTITIES_SHOWN_MAX ? [`${word}: and ${list.length - IDENTITIES_SHOWN_MAX} more`] : []),
  ];
  return [
    `before: ${figuresText(figuresOf(baseline))}`,
    `after: ${figuresText(figuresOf(result))}`,
    `verdict: ${comparison.verdict}: ${comparison.reason}`,
    ...(result.tree === tree ? [] : ['It was measured before the branch or its target moved: the trees differ.']),
    ...identities('fixed', comparison.fixed),
    ...identities('broken', comparison.broken),
    ...identities('no longer there', comparison.vanished),
    ...identities('skipped', comparison.skipped),
    ...identities('new', comparison.added),
    ...identities('passes only since its own file was edited, which proves nothing', comparison.unproven ?? []),
  ].join('\n');
};

const figuresText = ({ problems, passed, failed: red, skipped }: Figures): string =>
  `${problems} problems, ${red} tests failed, ${passed} passed, ${skipped} skipped`;
