import type { EntryOf, Trigger } from '../model/entry.ts';
import type { Session } from '../model/session.ts';
import type { Workshop } from './workshop.ts';

export interface UpkeepInput {
  trigger: Trigger;
  sessions: readonly Session[];
  withoutRuns: string | undefined;
  signal: AbortSignal;
  tell: (line: string) => void;
}

export interface KeptUp {
  entry: EntryOf<'bot_upkeep'>;
}

export const keepUp = async (_shop: Workshop, _input: UpkeepInput): Promise<KeptUp> => {
  throw new Error('to come');
};
