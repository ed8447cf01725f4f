import { stripVTControlCharacters } from 'node:util';

/**
 * What agents, repositories and remotes say must not steer the terminal it is shown on: neither by escape sequences,
 * nor by a bare bell, backspace or carriage return, nor by signs that turn the direction of reading.
 */
export const plain = (text: string): string => stripVTControlCharacters(text).replace(STEERING, '');

/** All control characters but tab and newline, C1 among them, and the bidirectional marks, overrides and isolates. */
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The same as one line, where a line means something: a cell, an entry of the log. What ended a line is a space. */
export const plainLine = (text: string): string =>
  // Nearly every text is one already.
  NO_LINE.test(text)
    ? plain(stripVTControlCharacters(text).replace(BREAKS, ' '))
        .replace(/\p{Cs}/gu, '\ufffd')
        .replace(/ {2,}/g, ' ')
        .trim()
    : text;

const NO_LINE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
/** Control characters stand where something else would have been shown: what they held apart stays apart. */
const BREAKS = /[\p{Cc}\u2028\u2029]+/gu;
