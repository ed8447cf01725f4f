/**
 * What Claude Code asks a person at its first interactive start, answered beforehand in a configuration directory of
 * Winnow's own: the welcome (which wants the network), whether the workspace is trusted, and whether the key of the
 * environment may be used. The agent has worked there with that key already. Never in the owner's own directory.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { InteractionRequest } from './claude.ts';

/** What Claude Code remembers of a key that a person allowed: its end. */
const KEY_END_CHARS = 20;

const Known = z.looseObject({
  projects: z.record(z.string(), z.looseObject({})).catch({}).optional(),
  customApiKeyResponses: z
    .looseObject({ approved: z.array(z.string()).catch([]) })
    .catch({ approved: [] })
    .optional(),
});

export const answerFirstStart = async (
  configDir: string,
  { cwd, env }: Pick<InteractionRequest, 'cwd' | 'env'>,
): Promise<void> => {
  const file = join(configDir, '.claude.json');
  const known = Known.safeParse(parsed(await readFile(file, 'utf8').catch(() => '{}')));
  // A damaged file is Claude Code's to complain of.
  if (!known.success) return;
  const { projects = {}, customApiKeyResponses, ...rest } = known.data;
  const key = env.ANTHROPIC_API_KEY?.slice(-KEY_END_CHARS);
  const approved = new Set([...(customApiKeyResponses?.approved ?? []), ...(key ? [key] : [])]);
  const answered = {
    ...rest,
    hasCompletedOnboarding: true,
    projects: { ...projects, [cwd]: { ...projects[cwd], hasTrustDialogAccepted: true } },
    customApiKeyResponses: { rejected: [], ...customApiKeyResponses, approved: [...approved] },
  };
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, JSON.stringify(answered, undefined, 2), { mode: 0o600 });
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
