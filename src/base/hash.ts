import { createHash } from 'node:crypto';

/** SHA-256 in hex over the parts, with lengths mixed in so that ['ab','c'] and ['a','bc'] differ. */
export const sha256 = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${part.length}:`);
    hash.update(part);
  }
  return hash.digest('hex');
};
