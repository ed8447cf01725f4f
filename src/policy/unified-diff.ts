/** How much of the unchanged is shown around a change; what `diff -u` and git show. */
const CONTEXT_LINES = 3;

/**
 * A unified diff between two texts of which one piece differs, as `git apply` and `patch -p1` take it. An edit of one
 * place needs no search for the shortest script: what both begin and end with is the same, the rest is the change.
 */
export const unifiedDiff = (file: string, before: string, after: string): string => {
  if (before === after) return '';
  const [old, new_] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < Math.min(old.length, new_.length) && old[head] === new_[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, new_.length) - head && old.at(-1 - tail) === new_.at(-1 - tail)) tail += 1;
  const from = Math.max(0, head - CONTEXT_LINES);
  const more = Math.min(tail, CONTEXT_LINES);
  const hunk = [
    ...old.slice(from, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...new_.slice(head, new_.length - tail).map((line) => `+${line}`),
    ...old.slice(old.length - tail, old.length - tail + more).map((line) => ` ${line}`),
  ];
  const range = (lines: readonly string[]): string => {
    const count = lines.length - tail + more - from;
    return `${count === 0 ? from : from + 1},${count}`;
  };
  return [`--- a/${file}`, `+++ b/${file}`, `@@ -${range(old)} +${range(new_)} @@`, ...hunk].join('\n');
};

/** Each with what it ends in, so that a last line without an end is another line than one with it. */
const linesOf = (text: string): string[] => {
  const lines = text.split('\n');
  const last = lines.pop()!;
  return last === '' ? lines : [...lines, `${last}\n\\ No newline at end of file`];
};
