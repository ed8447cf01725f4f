import { stripVTControlCharacters } from 'node:util';

/**
 * Text from outside (agents, repositories, issues) as one line that steers no terminal: without escape sequences and
 * control characters, and without the marks that turn the direction of writing and so show another text than is there.
 */
export const plain = (text: string): string =>
  // Nearly every text is plain already.
  NOT_PLAIN.test(text)
    ? stripVTControlCharacters(text)
        .replace(DIRECTION, '')
        .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
        .replace(/\p{Cs}/gu, '\ufffd')
        .replace(/ {2,}/g, ' ')
        .trim()
    : text;

const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const NOT_PLAIN = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
