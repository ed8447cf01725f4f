import { posix } from 'node:path';

/**
 * Names files as the repository does. The same tree is checked in different directories, so an absolute path in an
 * identity would make every test new on every run.
 */
export interface Places {
  /** A file as a tool names it: relative to the checkout when it lies inside, else as it is. */
  file(name: string): string;
  /** A text in which paths of the checkout may occur. */
  inText(text: string): string;
}

/** `roots`: absolute directories that all mean the checkout. */
export const createPlaces = (roots: readonly string[]): Places => {
  const trimmed = [...new Set(roots.map((root) => root.replace(/\/+$/, '')))]
    .filter((root) => root.startsWith('/'))
    .sort((a, b) => b.length - a.length);
  // Not preceded by more of a path: /private/tmp/x is not /tmp/x.
  const occurrence =
    trimmed.length === 0
      ? undefined
      : new RegExp(`(?<![\\w./-])(?:file://)?(?:${trimmed.map(literal).join('|')})(/|(?![\\w.-]))`, 'g');

  return {
    file: (name) => {
      const path = posix.normalize(withoutScheme(name));
      for (const root of trimmed) if (path.startsWith(`${root}/`)) return path.slice(root.length + 1);
      return path === '.' ? '' : path;
    },
    inText: (text) =>
      occurrence === undefined || !trimmed.some((root) => text.includes(root))
        ? text
        : text.replace(occurrence, (_, end: string) => (end === '/' ? '' : '.')),
  };
};

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const withoutScheme = (name: string): string => {
  if (!name.startsWith('file://')) return name;
  const path = name.slice('file://'.length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

/** A test that bears the name of a source file is no test but the file itself. */
export const looksLikeFile = (text: string): boolean =>
  text.length <= PATH_LENGTH_MAX && /^[^\s:]+\.(?:[cm]?[jt]sx?|py|go|rs|rb|java|kt|php|cs)$/.test(text);

/** The longest path Linux takes. */
const PATH_LENGTH_MAX = 4096;
