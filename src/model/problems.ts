import type { FileProblem } from '../base/file-problem.ts';
import type { FailureKind } from './failure.ts';

/** The kind of failure whose mend fits all of the problems best. */
export const problemsKind = (problems: readonly FileProblem[]): FailureKind => {
  const kinds = new Set(problems.map(({ file }) => kindOf(file)));
  return kinds.size === 1 ? [...kinds][0]! : 'config-invalid';
};

const kindOf = (file: string) => {
  if (file.startsWith('sessions')) return 'session-file-invalid' as const;
  return file.endsWith('.md') ? ('prompt-invalid' as const) : ('config-invalid' as const);
};
