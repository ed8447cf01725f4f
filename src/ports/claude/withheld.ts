import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { withoutSecrets } from '../../policy/withhold.ts';

/**
 * What a run left for people to read, without secrets. The run wrote it itself, so it is cleaned as soon as the run has
 * ended; a file that holds none is not touched.
 */
export const cleanTranscript = async (file: string, clean: (text: string) => string): Promise<void> => {
  if (!(await holdsSecret(file, clean))) return;
  const fresh = `${file}.clean`;
  const handle = await open(fresh, 'w', PRIVATE);
  try {
    for await (const line of linesOf(file)) await handle.appendFile(`${cleanLine(line, clean)}\n`);
    await handle.close();
    await rename(fresh, file);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(fresh, { force: true });
    // Better no transcript than one with a secret in it.
    await writeFile(file, '').catch(() => {});
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
};

/** Of at most a few megabytes, and not read by any program. */
export const cleanText = async (file: string, clean: (text: string) => string): Promise<void> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  const cleaned = clean(text);
  if (cleaned !== text) await writeFile(file, cleaned);
};

const PRIVATE = 0o600;

/** In pieces that overlap, since a line may be as long as the file; a secret does not reach further than the overlap. */
const holdsSecret = async (file: string, clean: (text: string) => string): Promise<boolean> => {
  let before = '';
  for await (const piece of piecesOf(file)) {
    const text = before + piece;
    if (clean(text) !== text) return true;
    before = text.slice(-OVERLAP_CHARS);
  }
  return false;
};

/** Undefined stands for a line of which nobody could make a message. */
async function* linesOf(file: string): AsyncIterable<string | undefined> {
  let line = '';
  let isTooLong = false;
  for await (const piece of piecesOf(file)) {
    const parts = piece.split('\n');
    for (const [index, part] of parts.entries()) {
      if (!isTooLong) line += part;
      if (line.length > LINE_MAX_CHARS) {
        isTooLong = true;
        line = '';
      }
      if (index === parts.length - 1) continue;
      yield isTooLong ? undefined : line;
      line = '';
      isTooLong = false;
    }
  }
  if (isTooLong || line !== '') yield isTooLong ? undefined : line;
}

async function* piecesOf(file: string): AsyncIterable<string> {
  const handle = await open(file).catch(() => undefined);
  if (handle) yield* handle.createReadStream({ encoding: 'utf8', highWaterMark: PIECE_BYTES });
}

const PIECE_BYTES = 1024 * 1024;
const OVERLAP_CHARS = 64 * 1024;
/** Far above what was ever seen, as where transcripts are read. */
const LINE_MAX_CHARS = 64 * 1024 * 1024;

/** It stays one message of the protocol, so that whatever reads transcripts reads this one. */
const cleanLine = (line: string | undefined, clean: (text: string) => string): string => {
  if (line === undefined) return GONE;
  const cleaned = clean(line);
  if (cleaned === line) return line;
  try {
    const message = JSON.stringify(withoutSecrets(JSON.parse(line), clean));
    if (clean(message) === message) return message;
  } catch {
    return cleaned;
  }
  // It lies across several texts of the message: none of them is kept.
  return GONE;
};

const GONE = JSON.stringify({ type: 'withheld' });
