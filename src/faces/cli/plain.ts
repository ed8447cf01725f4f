import { stripVTControlCharacters } from 'node:util';

/**
 * What agents, repositories and remotes say must not steer the terminal it is shown on: neither by escape sequences,
 * nor by a bare bell, backspace or carriage return, nor by signs that turn the direction of reading.
 */
export const plain = (text: string): string => stripVTControlCharacters(text).replace(STEERING, '');

/** All control characters but tab and newline, C1 among them, and the bidirectional overrides and isolates. */
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
