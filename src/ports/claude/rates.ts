/**
 * What a token costs, learned from results, for the runs that end without one: a killed run has cost money too, and a
 * budget that counts it as nothing is none. A price list would be out of date before long.
 */
import type { Tokens } from '../../model/entry.ts';

export interface Rates {
  learn(model: string, tokens: Tokens, costUsd: number): void;
  /** 0 while nothing is known of the model. */
  estimate(model: string, tokens: Tokens): number;
}

export const createRates = (): Rates => {
  const dollars = new Map<string, number>();
  return {
    learn: (model, tokens, costUsd) => {
      const weight = weightOf(tokens);
      if (weight > 0 && costUsd > 0) dollars.set(model, costUsd / weight);
    },
    estimate: (model, tokens) => (dollars.get(model) ?? 0) * weightOf(tokens),
  };
};

/** Relative prices to an input token, the same for all models of https://www.anthropic.com/pricing#api. */
const weightOf = (tokens: Tokens): number =>
  tokens.input + 5 * tokens.output + 0.1 * tokens.cacheRead + 1.25 * tokens.cacheWrite;
