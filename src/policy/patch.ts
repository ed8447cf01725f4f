/**
 * Reads a unified diff as git writes it. Hunks are walked by the line counts of their headings, so that content which
 * looks like a heading (a patch inside a patch) stays content. One pass, no look back: a patch may have 50 MB.
 */
export interface PatchFile {
  /** Undefined for a file that is new. */
  oldPath: string | undefined;
  /** Undefined for a file that is deleted. */
  newPath: string | undefined;
  oldMode: string | undefined;
  newMode: string | undefined;
}

export interface PatchLine {
  side: ' ' | '+' | '-';
  text: string;
  /** Line in the old file, of the next line there for an added one; counted from 1. */
  oldLine: number;
  newLine: number;
}

/** One hunk with its file; a file without hunks (renamed, binary, empty) comes once, without lines. */
export interface PatchHunk {
  file: PatchFile;
  lines: PatchLine[];
}

export function* readPatch(patch: string): Generator<PatchHunk> {
  const cursor = createCursor(patch);
  let file: PatchFile | undefined;
  let hunks = 0;
  for (let line = cursor.next(); line !== undefined; line = cursor.next()) {
    if (line.startsWith('diff --git ')) {
      if (file !== undefined && hunks === 0) yield { file, lines: [] };
      file = fileOf(line);
      hunks = 0;
    } else if (line.startsWith('@@ ') && file !== undefined) {
      hunks += 1;
      yield { file, lines: readHunk(line, cursor) };
    } else if (file !== undefined && hunks === 0) readHeader(line, file);
  }
  if (file !== undefined && hunks === 0) yield { file, lines: [] };
}

interface Cursor {
  next(): string | undefined;
  /** The line that `next` will give. */
  peek(): string | undefined;
}

const createCursor = (text: string): Cursor => {
  let at = 0;
  const lineAt = (): { line: string; end: number } | undefined => {
    if (at >= text.length) return undefined;
    const end = text.indexOf('\n', at);
    return end === -1 ? { line: text.slice(at), end: text.length } : { line: text.slice(at, end), end: end + 1 };
  };
  return {
    next: () => {
      const found = lineAt();
      if (found !== undefined) at = found.end;
      return found?.line;
    },
    peek: () => lineAt()?.line,
  };
};

const readHunk = (heading: string, cursor: Cursor): PatchLine[] => {
  const counts = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/.exec(heading);
  if (counts === null) return [];
  let oldLine = Number(counts[1]);
  let newLine = Number(counts[3]);
  let oldLeft = Number(counts[2] ?? 1);
  let newLeft = Number(counts[4] ?? 1);
  const lines: PatchLine[] = [];
  while (oldLeft > 0 || newLeft > 0) {
    const raw = cursor.peek();
    const first = raw?.[0] ?? ' ';
    // Where the counts promise more than there is, the patch was cut off.
    if (raw === undefined || !' +-\\\r'.includes(first)) break;
    cursor.next();
    if (first === '\\') continue;
    const side = first === '+' || first === '-' ? first : ' ';
    const text = raw.endsWith('\r') ? raw.slice(1, -1) : raw.slice(1);
    lines.push({ side, text, oldLine, newLine });
    if (side !== '+') {
      oldLine += 1;
      oldLeft -= 1;
    }
    if (side !== '-') {
      newLine += 1;
      newLeft -= 1;
    }
  }
  return lines;
};

const readHeader = (raw: string, file: PatchFile): void => {
  const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  const after = (start: string): string | undefined => (line.startsWith(start) ? line.slice(start.length) : undefined);
  const mode = /^(old|new|deleted file|new file) mode (\d{6})$/.exec(line);
  if (mode !== null) {
    if (mode[1] === 'old' || mode[1] === 'deleted file') file.oldMode = mode[2];
    else file.newMode = mode[2];
    if (mode[1] === 'deleted file') file.newPath = undefined;
    if (mode[1] === 'new file') file.oldPath = undefined;
    return;
  }
  const index = /^index [\da-f]+\.\.[\da-f]+ (\d{6})$/.exec(line);
  if (index !== null) {
    file.oldMode ??= index[1];
    file.newMode ??= index[1];
  }
  const from = after('rename from ') ?? after('copy from ');
  if (from !== undefined) file.oldPath = unquoted(from);
  const to = after('rename to ') ?? after('copy to ');
  if (to !== undefined) file.newPath = unquoted(to);
  const old = after('--- ');
  if (old !== undefined) file.oldPath = pathOf(old);
  const created = after('+++ ');
  if (created !== undefined) file.newPath = pathOf(created);
};

/** Both names stand in the heading, undivided; the lines that follow name them more clearly wherever they differ. */
const fileOf = (heading: string): PatchFile => {
  const names = heading.slice('diff --git '.length).replace(/\r$/, '');
  const quoted = names.startsWith('"') ? /^("(?:[^"\\]|\\.)*") (.+)$/.exec(names) : /^([^"]+?) (".*")$/.exec(names);
  const [old, created] = quoted === null ? halves(names) : [quoted[1] as string, quoted[2] as string];
  return { oldPath: pathOf(old), newPath: pathOf(created), oldMode: undefined, newMode: undefined };
};

/** 'a/x b/x': the same name twice, of equal length. */
const halves = (names: string): [string, string] => {
  const middle = (names.length - 1) / 2;
  return [names.slice(0, middle), names.slice(middle + 1)];
};

/** undefined for /dev/null. Git puts a tab after names with spaces, and quotes other names than plain ones. */
const pathOf = (name: string): string | undefined => {
  const path = unquoted(name.endsWith('\t') ? name.slice(0, -1) : name);
  if (path === '/dev/null') return undefined;
  return /^[abciwo]\//.test(path) ? path.slice(2) : path;
};

const ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
]);

/** Git's C-style quoting: bytes outside of ASCII are octal. */
const unquoted = (name: string): string => {
  if (name.length < 2 || !name.startsWith('"') || !name.endsWith('"')) return name;
  const bytes: Buffer[] = [];
  for (const [part] of name.slice(1, -1).matchAll(/\\(?:[0-7]{1,3}|.)|[^\\]+/gs)) {
    if (!part.startsWith('\\')) bytes.push(Buffer.from(part));
    else if (/^\\[0-7]/.test(part)) bytes.push(Buffer.from([Number.parseInt(part.slice(1), 8) & 0xff]));
    else bytes.push(Buffer.from([ESCAPES.get(part.slice(1)) ?? part.charCodeAt(1)]));
  }
  return Buffer.concat(bytes).toString('utf8');
};
