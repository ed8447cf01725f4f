/** Something wrong at a place in a file that a person wrote; said so that the place is found and the mend is plain. */
export interface FileProblem {
  /** As the person knows it: relative to where they look. */
  file: string;
  /** 1-based; 0 when the matter is the file as a whole. */
  line: number;
  column: number;
  /** Path of the value, e.g. `projects[0].checks[1].parse`; empty when there is none. */
  key: string;
  found: string;
  expected: string;
  /** The whole sentence without file and key. */
  message: string;
}

/** `winnow.config.yaml:14  projects[0].checks[1].parse: found "tscc", expected one of tsc, vitest-json` */
export const renderProblem = ({ file, line, key, message }: FileProblem): string =>
  `${file}${line > 0 ? `:${line}` : ''}  ${key === '' ? '' : `${key}: `}${message}`;

export const fileProblem = (place: {
  file: string;
  line?: number;
  column?: number;
  key?: string;
  found: string;
  expected: string;
  /** A word that was probably meant. */
  meant?: string | undefined;
}): FileProblem => ({
  file: place.file,
  line: place.line ?? 0,
  column: place.column ?? 0,
  key: place.key ?? '',
  found: place.found,
  expected: place.expected,
  message: `found ${place.found}, expected ${place.expected}${place.meant === undefined ? '' : `; did you mean "${place.meant}"?`}`,
});

/** Each problem once, in the order in which a person meets them reading the files. */
export const inReadingOrder = (problems: FileProblem[]): FileProblem[] =>
  [...new Map(problems.map((problem) => [renderProblem(problem), problem])).values()].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );

/** ['projects', 0, 'env', 'a b'] -> projects[0].env["a b"] */
export const renderKey = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = String(part);
    if (!/^[\w-]+$/.test(name)) return `${text}[${JSON.stringify(name.slice(0, 60))}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
