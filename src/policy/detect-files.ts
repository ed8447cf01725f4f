/** Paths of a repository, with the content of those that were read. */
export type RepositoryFiles = ReadonlyMap<string, string | undefined>;

export interface FileListing {
  has(path: string): boolean;
  some(pattern: RegExp): boolean;
  matching(pattern: RegExp): string[];
  /** '' when the file is not there or was not read. */
  text(path: string): string;
  /** A JSON file that may hold comments and trailing commas; undefined when it is not there or no object. */
  json(path: string): Record<string, unknown> | undefined;
}

/** Files whose content tells something; the others count by their names alone. */
export const isTelling = (path: string): boolean => TELLING.test(path);

const TELLING = new RegExp(
  `^(${[
    'package\\.json',
    '(pnpm-lock|pnpm-workspace)\\.yaml',
    'yarn\\.lock',
    '\\.yarnrc\\.yml',
    '\\.nvmrc|\\.node-version',
    'tsconfig[^/]*\\.json',
    'deno\\.jsonc?',
    'pyproject\\.toml|setup\\.cfg|tox\\.ini|setup\\.py|requirements[^/]*\\.txt|Pipfile',
    'Cargo\\.toml',
    'GNUmakefile|[Mm]akefile',
    'vite\\.config\\.[cm]?[jt]s',
    'composer\\.json|Gemfile',
  ].join('|')})$`,
);

/** The beginning of a file is enough to recognise it; a lockfile may have megabytes. */
export const TELLING_MAX_CHARS = 256 * 1024;

export const listing = (files: RepositoryFiles): FileListing => {
  const paths = [...files.keys()];
  const text = (path: string) => files.get(path) ?? '';
  return {
    has: (path) => files.has(path),
    some: (pattern) => paths.some((path) => pattern.test(path)),
    matching: (pattern) => paths.filter((path) => pattern.test(path)).toSorted(),
    text,
    json: (path) => parseLooseJson(text(path)),
  };
};

const parseLooseJson = (text: string): Record<string, unknown> | undefined => {
  const plain = text
    .replace(/^\ufeff/, '')
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '$1')
    .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, '$1');
  try {
    const value: unknown = JSON.parse(plain);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/** A map of texts inside a parsed file; anything else in it is left out. */
export const textsIn = (value: unknown): Record<string, string> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
    : {};
