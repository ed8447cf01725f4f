import { readdirSync } from 'node:fs';
import { delimiter } from 'node:path';
import { isTelling, type RepositoryFiles, TELLING_MAX_CHARS } from '../../policy/detect-files.ts';
import type { Machine } from '../../policy/detect-part.ts';

/** What is looked at before a first configuration is proposed: the repository's files, and the machine's programs. */

/** Larger than any lockfile seen; only its beginning is kept. */
const READ_MAX_BYTES = 32 * 1024 * 1024;

/** @param read the content of a file at the commit that is surveyed; undefined when there is none */
export const surveyFiles = async (
  paths: readonly string[],
  read: (path: string, maxBytes: number) => Promise<string | undefined>,
): Promise<RepositoryFiles> => {
  const files = new Map<string, string | undefined>();
  for (const path of paths) {
    files.set(path, isTelling(path) ? (await read(path, READ_MAX_BYTES))?.slice(0, TELLING_MAX_CHARS) : undefined);
  }
  return files;
};

export const surveyMachine = (env: Record<string, string | undefined> = process.env): Machine => {
  const tools = new Set<string>();
  for (const dir of (env.PATH ?? '').split(delimiter)) {
    try {
      for (const name of readdirSync(dir)) tools.add(name);
    } catch {
      // A PATH names many directories that do not exist.
    }
  }
  return { tools, node: process.versions.node };
};
