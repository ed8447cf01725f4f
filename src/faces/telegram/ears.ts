import type { Result } from '../../base/result.ts';
import type { Intent } from '../../model/bot.ts';
import type { Failure } from '../../model/failure.ts';

/**
 * What understands free words: rules and bot skills at once, a model when they do not. The bot works without: then only
 * commands and buttons are understood.
 */
export interface Ears {
  understand(text: string): { by: 'rule' | 'skill'; skill?: string; intent: Intent } | undefined;
  /** One cheap call; without an intent the model has not understood it either. */
  ask(text: string, signal: AbortSignal): Promise<Result<{ intent: Intent | undefined; costUsd: number }, Failure>>;
  /** Bot skills that are loaded, by name. */
  skills(): { name: string; says: string }[];
  /** Puts a bot skill aside; resolves with one sentence. */
  undo(skill: string, by: string): Promise<Result<string, Failure>>;
}
