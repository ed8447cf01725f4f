import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createRendering } from './render.ts';

/**
 * The last that is to be read of a transcript, however long it is: it is read from its end, in pieces that grow until
 * there is enough. It may be gone, be written to at this moment, or end in the middle of a line.
 */
export const readTranscriptEnd = async (
  file: string,
  { maxLines, cwd }: { maxLines: number; cwd?: string },
): Promise<string[]> => {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return [];
  try {
    const { size } = await handle.stat();
    for (let window = WINDOW_MIN_BYTES; ; window *= WINDOW_GROWTH) {
      const start = Math.max(0, size - window);
      const lines = render(await readFrom(handle, start, size), start > 0, cwd);
      if (lines.length >= maxLines || start === 0 || window >= WINDOW_MAX_BYTES) return lines.slice(-maxLines);
    }
  } catch {
    return [];
  } finally {
    await handle.close();
  }
};

/** The transcript that a cycle writes, or wrote last; undefined when there is none yet. */
export const lastTranscriptIn = async (dir: string): Promise<string | undefined> => {
  const names = await readdir(dir).catch(() => []);
  const numbered = names.flatMap((name) => {
    const number = /-(\d+)\.jsonl$/.exec(name)?.[1];
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  const last = numbered.sort((a, b) => a.number - b.number).at(-1);
  return last && join(dir, last.name);
};

/** Most transcripts have their last minute in this; a result of some megabytes may stand before it. */
const WINDOW_MIN_BYTES = 256 * 1024;
const WINDOW_GROWTH = 4;
const WINDOW_MAX_BYTES = 16 * 1024 * 1024;

const readFrom = async (handle: FileHandle, start: number, end: number): Promise<Buffer> => {
  const bytes = Buffer.alloc(end - start);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
  return bytes.subarray(0, bytesRead);
};

const render = (bytes: Buffer, torn: boolean, cwd: string | undefined): string[] => {
  const rendering = createRendering(cwd === undefined ? {} : { cwd });
  const lines: string[] = [];
  // Of the first line only the end is here.
  for (let at = torn ? bytes.indexOf(NEWLINE) + 1 : 0; at < bytes.length && !(torn && at === 0); ) {
    const next = bytes.indexOf(NEWLINE, at);
    const end = next === -1 ? bytes.length : next;
    for (const line of rendering.line(bytes.subarray(at, end))) lines.push(line);
    at = end + 1;
  }
  return lines;
};

const NEWLINE = 0x0a;
