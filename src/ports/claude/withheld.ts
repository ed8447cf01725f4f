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

const holdsSecret = async (file: string, clean: (text: string) => string): Promise<boolean> => {
  for await (const line of linesOf(file)) if (clean(line) !== line) return true;
  return false;
};

async function* linesOf(file: string): AsyncIterable<string> {
  const handle = await open(file).catch(() => undefined);
  if (handle) yield* handle.readLines();
}

/** It stays one message of the protocol, so that whatever reads transcripts reads this one. */
const cleanLine = (line: string, clean: (text: string) => string): string => {
  const cleaned = clean(line);
  if (cleaned === line) return line;
  try {
    const message = JSON.stringify(withoutSecrets(JSON.parse(line), clean));
    if (clean(message) === message) return message;
  } catch {
    return cleaned;
  }
  // It lies across several texts of the message: none of them is kept.
  return JSON.stringify({ type: 'withheld' });
};
