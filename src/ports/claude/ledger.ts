/**
 * What a conversation has cost, as Claude Code keeps it in the conversation's own file. A run that ends without a
 * result, by any signal but SIGKILL, still writes it there.
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Tokens } from '../../model/entry.ts';
import type { RunRequest } from './claude.ts';

/** The figures stand at the end of the file, behind at most the last few messages. */
const TAIL_BYTES = 256 * 1024;

export interface Ledger {
  costUsd: number;
  /** Some of it was priced by a guess. */
  guessed?: true;
  tokens: Tokens;
}

/** The sum over all runs of the conversation; undefined where none is found. */
export const readLedger = async (
  request: Pick<RunRequest, 'configDir' | 'env'>,
  conversation: string,
): Promise<Ledger | undefined> => {
  for (const file of await filesOf(request, conversation)) {
    const ledger = await readLedgerIn(file);
    if (ledger) return ledger;
  }
  return undefined;
};

/** Of one conversation's file. */
export const readLedgerIn = async (file: string): Promise<Ledger | undefined> => {
  const end = await readEnd(file);
  const line = end?.split('\n').findLast((text) => text.startsWith('{"type":"cost-state"'));
  return line === undefined ? undefined : parseState(line);
};

/** Where the conversation is kept; undefined when it is gone, or was never there. */
export const conversationFile = async (
  request: Pick<RunRequest, 'configDir' | 'env'>,
  conversation: string,
): Promise<string | undefined> => {
  for (const file of await filesOf(request, conversation)) {
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile()) return file;
  }
  return undefined;
};

/** It lies under the directory it began in, which need not be the present one. */
const filesOf = async (
  { configDir, env }: Pick<RunRequest, 'configDir' | 'env'>,
  conversation: string,
): Promise<string[]> => {
  const projects = projectsOf({ configDir, env });
  const names = await readdir(projects).catch(() => []);
  return names.map((project) => join(projects, project, `${conversation}.jsonl`));
};

/** Below it the conversations lie, by the directory in which each began. */
export const projectsOf = ({ configDir, env }: Pick<RunRequest, 'configDir' | 'env'>): string =>
  join(configDir ?? env.CLAUDE_CONFIG_DIR ?? join(env.HOME ?? '/', '.claude'), 'projects');

export const ledgerDifference = (after: Ledger, before: Ledger): Ledger => ({
  costUsd: after.costUsd - before.costUsd,
  tokens: {
    input: after.tokens.input - before.tokens.input,
    output: after.tokens.output - before.tokens.output,
    cacheRead: after.tokens.cacheRead - before.tokens.cacheRead,
    cacheWrite: after.tokens.cacheWrite - before.tokens.cacheWrite,
  },
});

const readEnd = async (file: string): Promise<string | undefined> => {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
};

const count = z.number().catch(0);
const CostState = z.object({
  totalCostUSD: z.number(),
  hasUnknownModelCost: z.boolean().catch(false),
  modelUsage: z
    .record(
      z.string(),
      z.object({
        inputTokens: count,
        outputTokens: count,
        cacheReadInputTokens: count,
        cacheCreationInputTokens: count,
      }),
    )
    .catch({}),
});

const parseState = (line: string): Ledger | undefined => {
  try {
    const { totalCostUSD, hasUnknownModelCost, modelUsage } = CostState.parse(JSON.parse(line));
    const sum = (name: 'inputTokens' | 'outputTokens' | 'cacheReadInputTokens' | 'cacheCreationInputTokens') =>
      Object.values(modelUsage).reduce((total, used) => total + used[name], 0);
    return {
      costUsd: totalCostUSD,
      ...(hasUnknownModelCost ? { guessed: true as const } : {}),
      tokens: {
        input: sum('inputTokens'),
        output: sum('outputTokens'),
        cacheRead: sum('cacheReadInputTokens'),
        cacheWrite: sum('cacheCreationInputTokens'),
      },
    };
  } catch {
    return undefined;
  }
};
