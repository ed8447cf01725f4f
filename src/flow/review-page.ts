import { mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { ReviewAnswer, ReviewedBy } from '../model/review.ts';
import type { Finding } from '../model/verdict.ts';
import type { Diff } from '../ports/git/mirror.ts';
import { fileNameOf, type KeptReport } from './keep.ts';
import { reportsText, statText } from './review-text.ts';
import type { Workshop } from './workshop.ts';

/** logs/reviews/<branch>.md: a review for people, with everything that it was made of. */
export interface ReviewPage extends Pick<ReviewAnswer, 'decision' | 'reasons' | 'comments'> {
  branch: string;
  title: string;
  commit: string;
  main: string;
  by: ReviewedBy;
  name: string;
  risk?: ReviewAnswer['risk'];
  conflicts: string[];
  diff: Diff;
  findings: Finding[];
  report: KeptReport | undefined;
  tree: string;
  at: number;
  costUsd?: number;
  transcript?: string;
}

/** The file, relative to the home. */
export const writeReview = (shop: Workshop, page: ReviewPage): string => {
  const file = join(shop.paths.reviews, `${fileNameOf(page.branch)}.md`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic.sync(file, shop.redact(renderReview(page)));
  return relative(shop.paths.home, file);
};

export const renderReview = (page: ReviewPage): string => {
  const { comments, conflicts, findings, reasons } = page;
  const facts: [string, string | undefined][] = [
    ['decided', `${page.decision}, by ${page.by === 'rule' ? `the rule ${page.name}` : `the ${page.by}`}`],
    ['at', new Date(page.at).toISOString()],
    ['commit', page.commit],
    ['against', page.main],
    ['risk', page.risk],
    ['cost', page.costUsd === undefined ? undefined : `$${page.costUsd.toFixed(2)}`],
    ['transcript', page.transcript === undefined ? undefined : `${page.transcript}/`],
  ];
  const sections: [string, string[]][] = [
    ['What it is about', [page.title || '(no title)']],
    ['Reasons', reasons],
    ['Comments', comments.map(({ file, line, text }) => `${file}${line ? `:${line}` : ''}: ${text}`)],
    ['The checks, before and after', reportsText(page.report, page.tree).split('\n')],
    ['Findings', findings.map((f) => `${f.kind} ${f.file}${f.line ? `:${f.line}` : ''}: ${f.evidence}`)],
    ['Conflicts', conflicts],
    ['Changed files', statText(page.diff).split('\n')],
  ];
  return [
    `# ${page.branch}`,
    '',
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`])),
    ...sections.flatMap(([head, lines]) => (lines.length === 0 ? [] : ['', `## ${head}`, '', fenced(lines)])),
    '',
  ].join('\n');
};

/** Words of others, between fences that are longer than any in them. */
const fenced = (lines: string[]): string => {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, ...lines, fence].join('\n');
};
