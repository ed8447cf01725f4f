import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createRendering, type Rendering } from '../ports/claude/render.ts';
import type { HomePaths } from '../ports/home/home.ts';

/**
 * What the agent of a cycle says and does, as it happens: the end of the newest transcript of the cycle, rendered for
 * a person. Bounded, however long the transcript is.
 */
export interface Live {
  /** Reads what is new of this cycle; the same array as long as nothing is. */
  read(cycle: string | undefined): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Of a transcript that exists already the end is read. */
const READ_BACK_MAX_BYTES = 256 * 1024;
/** At once; the rest follows with the next look. */
const CHUNK_BYTES = 64 * 1024;
/** What no renderer shows need not be collected. */
const LINE_MAX_BYTES = 4 * 1024 * 1024;
const LINES_MAX = 1000;

interface Followed {
  cycle: string;
  file: string;
  handle: FileHandle;
  offset: number;
  /** The begin of a line whose end has not come, and its bytes. */
  carry: Buffer[];
  carried: number;
  /** Until its end comes this line is passed over: its begin was not read, or it is too long. */
  skipping: boolean;
  rendering: Rendering;
  lines: string[];
}

export const createLive = (paths: Pick<HomePaths, 'transcript'>): Live => {
  let followed: Followed | undefined;

  const begin = async (cycle: string, file: string): Promise<void> => {
    await followed?.handle.close();
    followed = undefined;
    const handle = await open(file, 'r');
    const { size } = await handle.stat();
    const offset = Math.max(0, size - READ_BACK_MAX_BYTES);
    const rendering = createRendering();
    followed = { cycle, file, handle, offset, carry: [], carried: 0, skipping: offset > 0, rendering, lines: [] };
  };

  return {
    read: async (cycle) => {
      if (cycle === undefined) return [];
      try {
        const file = await newestIn(paths.transcript(cycle));
        if (file === undefined) return [];
        if (followed?.file !== file) await begin(cycle, file);
        await readOn(followed!);
        return followed!.lines;
      } catch {
        // Removed by `winnow gc` between two looks: there is nothing to see.
        return [];
      }
    },
    close: async () => {
      await followed?.handle.close();
      followed = undefined;
    },
  };
};

const newestIn = async (dir: string): Promise<string | undefined> => {
  const names = await readdir(dir).catch(() => []);
  const files = names.filter((name) => name.endsWith('.jsonl')).map((name) => join(dir, name));
  const times = await Promise.all(files.map(async (file) => (await stat(file).catch(() => undefined))?.mtimeMs ?? 0));
  const newest = Math.max(...times);
  return files.find((_, n) => times[n] === newest);
};

const readOn = async (followed: Followed): Promise<void> => {
  const fresh: string[] = [];
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let read = 0; read < READ_BACK_MAX_BYTES; ) {
    const { bytesRead } = await followed.handle.read(chunk, 0, CHUNK_BYTES, followed.offset);
    if (bytesRead === 0) break;
    read += bytesRead;
    followed.offset += bytesRead;
    take(followed, chunk.subarray(0, bytesRead), fresh);
  }
  if (fresh.length > 0) followed.lines = [...followed.lines, ...fresh].slice(-LINES_MAX);
};

const take = (followed: Followed, bytes: Buffer, fresh: string[]): void => {
  let start = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
    const line = Buffer.concat([...followed.carry, bytes.subarray(start, end)]);
    if (!followed.skipping) fresh.push(...followed.rendering.line(line));
    forgetCarry(followed, false);
    start = end + 1;
  }
  if (followed.skipping || start === bytes.length) return;
  // The buffer is read into again.
  followed.carry.push(Buffer.from(bytes.subarray(start)));
  followed.carried += bytes.length - start;
  if (followed.carried > LINE_MAX_BYTES) forgetCarry(followed, true);
};

const forgetCarry = (followed: Followed, skipping: boolean): void => {
  Object.assign(followed, { carry: [], carried: 0, skipping });
};
