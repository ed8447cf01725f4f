import { z } from 'zod';
import type { Parsed } from '../../../model/report.ts';
import { numberProblems, type ProblemDraft } from '../../../policy/identity.ts';
import { findJson } from './json-in-noise.ts';
import { excerpt, incomplete, insteadOfReport, type Source } from './source.ts';

/** Errors of `eslint --format json`. Warnings are advice and no problems; several runs may follow one another. */
export const parseEslintJson = (source: Source): Parsed => {
  const { values, unfinishedAt } = findJson(source.text, STARTS);
  if (unfinishedAt !== undefined) {
    return incomplete(`The eslint JSON report is cut off: it begins at character ${unfinishedAt} and has no end.`);
  }
  const lists = values.filter((value) => Array.isArray(value));
  if (lists.length === 0) return incomplete(`There is no eslint JSON report: ${insteadOfReport(source)}.`);

  const drafts: ProblemDraft[] = [];
  for (const list of lists) {
    const read = LintedFiles.safeParse(list);
    if (!read.success) {
      const issue = read.error.issues[0];
      return incomplete(`The eslint JSON report is malformed at ${issue?.path.join('.')}: ${issue?.message}.`);
    }
    for (const file of read.data) drafts.push(...errorsOf(file, source));
  }
  return { complete: true, problems: numberProblems(drafts), tests: [] };
};

/** A list of files, or the empty list alone on its line: elsewhere two brackets mean nothing. */
const STARTS = /\[\s*\{\s*"(?:filePath|messages)"|(?<=^|\n)\[\](?=\r?\n|$)/g;

const LintedFile = z.object({
  filePath: z.string(),
  messages: z.array(
    z.object({
      ruleId: z.string().nullish(),
      severity: z.number(),
      fatal: z.boolean().nullish(),
      message: z.string(),
      line: z.number().nullish(),
    }),
  ),
});
type LintedFile = z.infer<typeof LintedFile>;
const LintedFiles = z.array(LintedFile);

const SEVERITY_ERROR = 2;

const errorsOf = (file: LintedFile, { places }: Source): ProblemDraft[] =>
  file.messages.flatMap((message) => {
    // A file that cannot be read has none of its rules checked.
    const fatal = message.fatal === true;
    if (message.severity !== SEVERITY_ERROR && !fatal) return [];
    return {
      file: places.file(file.filePath),
      line: lineOf(message.line),
      code: fatal ? 'parse-error' : (message.ruleId ?? 'eslint'),
      message: excerpt(message.message, places),
    };
  });

const lineOf = (line: number | null | undefined): number | undefined =>
  line !== null && line !== undefined && Number.isInteger(line) && line >= 0 ? line : undefined;
