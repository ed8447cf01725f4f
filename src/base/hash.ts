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

/** 53 bits of a text, which a number holds exactly: to find it by, not to trust it by. Two FNV-1a of 32 bits. */
export const hash53 = (text: string): number => {
  let [low, high] = [0x811c9dc5, 0x9747b28c];
  for (let n = 0; n < text.length; n += 1) {
    const unit = text.charCodeAt(n);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high ^= high >>> 13;
  }
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
};
