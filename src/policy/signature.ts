import { withoutNumbers } from './identity.ts';
import { oneLine } from './placeholders.ts';

/**
 * The name under which the same error is recognised when it comes again: what is different each time (moments, ids,
 * commits, figures, temporary places) is left out, everything else stays.
 */
export const signatureOf = (kind: string, text: string): string => {
  const lasting = CHANGING.reduce((rest, [pattern, stands]) => rest.replace(pattern, stands), oneLine(text));
  const whole = `${kind}: ${withoutNumbers(lasting)}`.trim();
  return whole.length > SIGNATURE_MAX_CHARS ? `${whole.slice(0, SIGNATURE_MAX_CHARS - 1)}…` : whole;
};

/** Two errors that are alike for this long are one. */
const SIGNATURE_MAX_CHARS = 200;

const CHANGING: [RegExp, string][] = [
  [/\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?/g, 'TIME'],
  [/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, 'ID'],
  // A ULID, and a run of a cycle by its number.
  [/\b[\dA-HJKMNP-TV-Z]{26}(?:-\d+)?\b/g, 'ID'],
  [/\b(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{7,64}\b/g, 'HASH'],
  [/\bbrl\/[a-z\d-]+\/[\d-]+/g, 'BRANCH'],
  [/(?:\/private)?\/(?:var\/)?tmp\/[^\s:'"`)]*/g, 'TMP'],
];
