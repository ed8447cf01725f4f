import type { Git } from './git.ts';

/**
 * A conflict as a person or a session reads it: git's sentences, then the lines both sides wrote, with markers that
 * name the sides. It goes into a prompt, so it is bounded, and says what it leaves out.
 */
export const conflictText = async (
  { git, gitDir }: { git: Git; gitDir: string },
  { tree, files, messages, onto, commit, names }: Conflict,
): Promise<string> => {
  const named = (text: string) => text.replaceAll(onto, names.onto).replaceAll(commit, names.commit);
  const said = messages.filter((message) => !/^Auto-merging /.test(message)).map(named);
  const parts = [...said];
  let left = CONFLICT_TEXT_MAX_BYTES - NOTE_BYTES - sizeOf(parts.join('\n'));
  let unshown = 0;
  for (const file of files) {
    const hunks = left > 0 ? await hunksOf({ git, gitDir }, tree, file, { onto, commit }) : [];
    for (const hunk of hunks) {
      const shown = named(`\n${file}, from line ${hunk.line}:\n${hunk.lines.join('\n')}`);
      left -= sizeOf(shown) + 1;
      if (left >= 0) parts.push(shown);
      else unshown += 1;
    }
  }
  const whole = parts.join('\n');
  const text = sizeOf(whole) > CONFLICT_TEXT_MAX_BYTES ? cutTo(whole, CONFLICT_TEXT_MAX_BYTES - NOTE_BYTES) : whole;
  if (text === whole && unshown === 0 && left > 0) return text;
  const rest = unshown > 0 ? `${unshown} more conflicting places` : 'the rest';
  return `${text}\n\n(${rest} left out: the text is limited to ${CONFLICT_TEXT_MAX_BYTES / 1024} kB)`;
};

interface Conflict {
  /** As merge-tree made it, with markers in the files. */
  tree: string;
  files: string[];
  messages: string[];
  onto: string;
  commit: string;
  names: { onto: string; commit: string };
}

/** A prompt has room for it, and a change with more conflicts is better begun anew than untangled. */
export const CONFLICT_TEXT_MAX_BYTES = 16 * 1024;
/** Room for the sentence about what was left out. */
const NOTE_BYTES = 128;
/** Files above this are not read for their conflicts. */
const FILE_MAX_BYTES = 1024 * 1024;
const CONTEXT_LINES = 3;

const hunksOf = async (
  { git, gitDir }: { git: Git; gitDir: string },
  tree: string,
  file: string,
  sides: { onto: string; commit: string },
): Promise<{ line: number; lines: string[] }[]> => {
  const content = await git.run({
    gitDir,
    args: ['cat-file', 'blob', `${tree}:${file}`],
    outputMaxBytes: FILE_MAX_BYTES,
  });
  if (content.exitCode !== 0 || content.cut || content.stdout.includes(0)) return [];
  const lines = content.stdout.toString('utf8').split('\n');
  const hunks: { line: number; lines: string[] }[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    // A file may hold markers of its own; those of this merge name its commits.
    if (!lines[at]!.startsWith(`<<<<<<< ${sides.onto}`)) continue;
    const end = lines.findIndex((line, index) => index > at && line.startsWith(`>>>>>>> ${sides.commit}`));
    if (end === -1) break;
    const from = Math.max(0, at - CONTEXT_LINES);
    hunks.push({ line: from + 1, lines: lines.slice(from, end + 1 + CONTEXT_LINES) });
    at = end;
  }
  return hunks;
};

const sizeOf = (text: string): number => Buffer.byteLength(text);

const cutTo = (text: string, maxBytes: number): string => {
  const bytes = Buffer.from(text).subarray(0, maxBytes);
  // Half a character at the cut decodes to a sign of its own.
  return bytes.toString('utf8').replace(/\uFFFD+$/, '');
};
