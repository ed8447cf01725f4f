import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { EntryOf } from '../model/entry.ts';
import type { ReviewAnswer, ReviewComment, ReviewedBy } from '../model/review.ts';
import type { Finding } from '../model/verdict.ts';
import { oneLine } from '../policy/placeholders.ts';
import { fileNameOf } from '../policy/retention.ts';
import type { Diff } from '../ports/git/mirror.ts';
import type { KeptReport } from './keep.ts';
import { reportsText, statText } from './review-text.ts';
import type { Workshop } from './workshop.ts';

/**
 * logs/reviews/<branch>.md: everything that was said of a branch, for people; each word below those before it. The
 * journal is the truth: a page that cannot be written is no reason to fail what it tells of.
 */
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

type Shelf = { paths: Pick<Workshop['paths'], 'home' | 'reviews'> };

/** A review with everything that it was made of. The file, relative to the home; undefined: it could not be written. */
export const writeReview = (shop: Shelf & Pick<Workshop, 'redact'>, page: ReviewPage): string | undefined =>
  addWord(shop, page.branch, shop.redact(renderReview(page)));

/** What was said by whoever wrote no more than the entry has: a person, or a rule without a look at the change. */
export const noteWord = (shelf: Shelf, entry: EntryOf<'cto_review'> | EntryOf<'review_commented'>): void => {
  addWord(shelf, entry.data.branch, renderEntry(entry));
};

/** Relative to the home. */
export const reviewFileOf = ({ paths }: Shelf, branch: string): string => relative(paths.home, pageOf(paths, branch));

const pageOf = ({ reviews }: Shelf['paths'], branch: string): string => join(reviews, `${fileNameOf(branch)}.md`);

export const renderReview = (page: ReviewPage): string => {
  const { conflicts, findings } = page;
  return renderWord({
    head: page.decision,
    at: new Date(page.at).toISOString(),
    facts: [
      ['decided', decidedText(page)],
      ['commit', page.commit],
      ['against', page.main],
      ['risk', page.risk],
      ['cost', page.costUsd === undefined ? undefined : `$${page.costUsd.toFixed(2)}`],
      ['transcript', page.transcript === undefined ? undefined : `${page.transcript}/`],
    ],
    sections: [
      ['What it is about', [page.title || '(no title)']],
      ['Reasons', page.reasons],
      ['Comments', page.comments.map(commentText)],
      ['The checks, before and after', reportsText(page.report, page.tree).split('\n')],
      ['Findings', findings.map((f) => `${f.kind} ${f.file}${f.line ? `:${f.line}` : ''}: ${f.evidence}`)],
      ['Conflicts', conflicts],
      ['Changed files', statText(page.diff).split('\n')],
    ],
  });
};

const renderEntry = ({ ts: at, type, data }: EntryOf<'cto_review'> | EntryOf<'review_commented'>): string =>
  type === 'cto_review'
    ? renderWord({
        ...{ head: data.decision, at },
        facts: [
          ['decided', decidedText(data)],
          ['commit', data.commit],
        ],
        sections: [
          ['Reasons', data.reasons],
          ['Comments', data.comments.map(commentText)],
        ],
      })
    : renderWord({
        ...{ head: 'remark', at },
        facts: [
          ['said', `by ${oneLine(data.name)}`],
          ['commit', data.commit],
        ],
        sections: [['Comments', [commentText(data.comment)]]],
      });

const decidedText = ({ decision, by, name }: Pick<ReviewPage, 'decision' | 'by' | 'name'>): string => {
  const who = by === 'person' ? oneLine(name) : by === 'rule' ? `the rule ${name}` : `the ${by}`;
  return `${decision}, by ${who}`;
};

/** A remark on the whole branch names no file. */
const commentText = ({ file, line, text }: ReviewComment): string =>
  file === '' ? text : `${file}${line ? `:${line}` : ''}: ${text}`;

interface Word {
  head: string;
  at: string;
  facts: [name: string, value: string | undefined][];
  sections: [head: string, lines: string[]][];
}

const renderWord = ({ head, at, facts, sections }: Word): string =>
  [
    `## ${head}, ${at}`,
    '',
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`])),
    ...sections.flatMap(([name, lines]) => (lines.length === 0 ? [] : ['', `### ${name}`, '', fenced(lines)])),
    '',
  ].join('\n');

/** Of findings, files and conflicts there may be any number; nobody reads more of one kind. */
const SECTION_MAX_CHARS = 32 * 1024;

/** Words of others, between fences that are longer than any in them. */
const fenced = (lines: string[]): string => {
  const text = lines.join('\n');
  const shown = text.length <= SECTION_MAX_CHARS ? text : `${text.slice(0, SECTION_MAX_CHARS)}\n… and more`;
  const longest = (shown.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, shown, fence].join('\n');
};

// ---- the file ------------------------------------------------------------------------------------------------------

/** Two processes may write at the same moment: whoever's word got lost writes again. */
const REWRITES_MAX = 5;

const addWord = ({ paths }: Shelf, branch: string, word: string): string | undefined => {
  const file = pageOf(paths, branch);
  try {
    mkdirSync(dirname(file), { recursive: true });
    for (let attempt = 1; attempt <= REWRITES_MAX; attempt += 1) {
      writeFileAtomic.sync(file, withWord(readPage(file), branch, word));
      if (readPage(file).includes(word)) break;
    }
    return relative(paths.home, file);
  } catch {
    return undefined;
  }
};

const readPage = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** A branch that is moved and remarked on for ever keeps its newest words; the journal has all of them. */
const PAGE_MAX_CHARS = 512 * 1024;
/** What stands above the first word is the name of the branch, unless an older version or a person wrote more. */
const HEAD_MAX_CHARS = 16 * 1024;
const LEFT_OUT = 'What was said before is left out here; the journal has it.';

const withWord = (page: string, branch: string, word: string): string => {
  const { head, words } = splitPage(page);
  const kept: string[] = [];
  let chars = 0;
  // The newest stays whatever its length: its sections are bounded.
  for (const one of [...words, word].toReversed()) {
    chars += one.length + 1;
    if (kept.length > 0 && chars > PAGE_MAX_CHARS) break;
    kept.unshift(one);
  }
  const isWhole = kept.length > words.length && !head.includes(LEFT_OUT);
  const begin = isWhole && head.startsWith(`# ${branch}\n`) ? head.slice(0, HEAD_MAX_CHARS) : `# ${branch}\n`;
  return [begin, ...(isWhole ? [] : [`${LEFT_OUT}\n`]), ...kept].join('\n');
};

/** At the headings of words, which are outside of all fences. */
const splitPage = (page: string): { head: string; words: string[] } => {
  const parts: string[][] = [[]];
  let fence: string | undefined;
  for (const line of page.trimEnd().split('\n')) {
    if (fence === undefined && line.startsWith('## ')) parts.push([]);
    parts.at(-1)!.push(line);
    const [run] = /^`{3,}/.exec(line) ?? [];
    if (fence === undefined) fence = run;
    else if (line === fence) fence = undefined;
  }
  const [head = '', ...words] = parts.map((lines) => `${lines.join('\n').trimEnd()}\n`);
  return { head, words };
};
