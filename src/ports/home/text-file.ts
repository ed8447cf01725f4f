import { readFileSync, type Stats, statSync } from 'node:fs';
import { type FileProblem, fileProblem } from '../../base/file-problem.ts';
import { err, ok, type Result } from '../../base/result.ts';

/**
 * Reads a text file that a person wrote. What an editor, a copy or a slip makes of such a file (a directory, a pipe,
 * ten megabytes, another encoding, a byte order mark) ends here, as a sentence.
 */
export const readTextFile = (
  path: string,
  options: {
    /** As problems name it. */
    file: string;
    maxBytes: number;
  },
): Result<string, FileProblem> => {
  const problem = (found: string, expected: string, line = 0) =>
    err(fileProblem({ file: options.file, line, column: line === 0 ? 0 : 1, found, expected }));
  let bytes: Buffer;
  try {
    // Looked at first: opening a pipe would wait for its writer for ever.
    const stat: Stats = statSync(path);
    if (stat.isDirectory()) return problem('a directory', 'a file');
    if (!stat.isFile()) return problem('something that is not a regular file', 'a file');
    if (stat.size > options.maxBytes) {
      return problem(`${kilobytes(stat.size)}`, `a file of at most ${kilobytes(options.maxBytes)}`);
    }
    bytes = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    if (code === 'ENOENT') return problem('no such file', 'a file');
    return problem(`a file that cannot be read (${code})`, 'one that this user may read');
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return problem('text in UTF-16', 'text in UTF-8', 1);
  }
  const text = bytes.toString('utf8');
  // Decoding replaces what is not UTF-8; encoded again it differs exactly when something was replaced.
  if (!Buffer.from(text, 'utf8').equals(bytes)) {
    return problem('bytes that are no UTF-8', 'text in UTF-8', lineOf(text, text.indexOf('\ufffd')));
  }
  const zero = text.indexOf('\0');
  if (zero >= 0) return problem('a zero byte', 'text in UTF-8', lineOf(text, zero));
  return ok(text.replace(/^\ufeff/, ''));
};

const lineOf = (text: string, index: number): number => text.slice(0, Math.max(0, index)).split('\n').length;

const kilobytes = (count: number): string => `${Math.ceil(count / 1024).toLocaleString('en-US')} KB`;
