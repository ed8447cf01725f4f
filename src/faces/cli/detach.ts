import { InvalidArgumentError } from 'commander';

/**
 * The keys that are Winnow’s while a person has a session’s terminal: the one that gives it back, and Ctrl-Z, which would
 * stop Claude Code where no shell could let it go on. Terminals send them in three ways.
 */
export interface DetachKey {
  /** As it is written: ctrl-]. */
  name: string;
  /** The sign that it is made with. */
  sign: string;
}

/** Nothing in Claude Code needs it, and telnet’s users know it; Ctrl-Q closes some terminals. */
export const DETACH_DEFAULT: DetachKey = { name: 'ctrl-]', sign: ']' };

/** Enter, tab, backspace and escape are made with Ctrl as well. */
const NEEDED = ['m', 'j', 'i', 'h', '['];

export const detachKey = (text: string): DetachKey => {
  const sign = /^(?:ctrl-|\^)([a-z\]\\^_])$/i.exec(text.trim())?.[1]?.toLowerCase();
  if (sign === undefined || NEEDED.includes(sign))
    throw new InvalidArgumentError('Expected a key such as ctrl-] or ctrl-q; not one that makes enter, tab or escape.');
  return { name: `ctrl-${sign}`, sign };
};

export interface KeyFilter {
  /** What goes on to Claude Code; nothing of it after the key. */
  feed(text: string): { pass: string; detached: boolean };
}

const SUSPEND: DetachKey = { name: 'ctrl-z', sign: 'z' };
const PASTE_BEGIN = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** What is pasted is no key. */
export const createKeyFilter = (key: DetachKey): KeyFilter => {
  let inPaste = false;
  const [detach, suspend] = [formsOf(key), formsOf(SUSPEND)];
  return {
    feed: (text) => {
      let pass = '';
      // Separators are kept: every second part is one.
      for (const part of text.split(/(\x1b\[20[01]~)/)) {
        if (part === PASTE_BEGIN || part === PASTE_END) {
          inPaste = part === PASTE_BEGIN;
          pass += part;
          continue;
        }
        if (inPaste) {
          pass += part;
          continue;
        }
        const at = part.search(detach);
        pass += (at === -1 ? part : part.slice(0, at)).replace(suspend, '');
        if (at !== -1) return { pass, detached: true };
      }
      return { pass, detached: false };
    },
  };
};

/** The control character; and where a program asked for keys in full: CSI code ; modifiers u, or CSI 27 ; modifiers ; code ~. */
const formsOf = ({ sign }: DetachKey): RegExp => {
  const control = String.fromCharCode(sign.charCodeAt(0) & CONTROL_BITS);
  const code = sign.charCodeAt(0);
  // 5 is Ctrl alone; 69, 133 and 197 are the same with caps lock or num lock on.
  const withCtrl = '(?:5|69|133|197)';
  return new RegExp(
    `${escaped(control)}|\\x1b\\[${code}(?::\\d*)*;${withCtrl}(?::[12])?u|\\x1b\\[27;${withCtrl};${code}~`,
    'g',
  );
};

const CONTROL_BITS = 0x1f;

const escaped = (control: string): string => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
