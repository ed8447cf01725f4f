/**
 * What a program has switched on in a terminal, seen from what it writes, and how it is switched off again: a program that
 * is killed leaves the alternate screen, the mouse and the keyboard as they are.
 */
export interface Modes {
  feed(output: string): void;
  /** Undoes what is still on; nothing where all was undone. */
  reset(): string;
}

/** On in every terminal; a program switches them off: line wrap, the cursor. */
const ON_BY_DEFAULT = ['7', '25'];
/** A sequence may be cut by the end of a chunk; none of these is longer. */
const CARRY_MAX_CHARS = 64;
/** DECSET and DECRST; the keyboard protocol of kitty, pushed, popped and set; xterm’s modifyOtherKeys; the keypad. */
const SEQUENCE = /\x1b(?:\[\?([\d;]+)([hl])|\[([<>=])([\d;]*)u|\[>4(?:;(\d*))?m|([=>]))/g;
const UNFINISHED = /\x1b(?:\[[<>=?\d;]*)?$/;

export const createModes = (): Modes => {
  const on = new Set<string>();
  const off = new Set<string>();
  let keyboards = 0;
  let isKeyboardSet = false;
  let otherKeys = false;
  let keypad = false;
  let carry = '';

  const note = (numbers: string, isOn: boolean) => {
    for (const mode of numbers.split(';')) {
      const [changed, wanted] = ON_BY_DEFAULT.includes(mode) ? [off, !isOn] : [on, isOn];
      if (wanted) changed.add(mode);
      else changed.delete(mode);
    }
  };

  return {
    feed: (output) => {
      const text = carry + output;
      for (const [, modes, set, keyboard, flags, others, pad] of text.matchAll(SEQUENCE)) {
        if (modes !== undefined) note(modes, set === 'h');
        else if (keyboard === '>') keyboards += 1;
        else if (keyboard === '<') keyboards = Math.max(0, keyboards - Number(flags || 1));
        else if (keyboard === '=') isKeyboardSet = !/^0?(?:;|$)/.test(flags ?? '');
        else if (pad !== undefined) keypad = pad === '=';
        else otherKeys = others !== undefined && others !== '0' && others !== '';
      }
      carry = (UNFINISHED.exec(text)?.[0] ?? '').slice(-CARRY_MAX_CHARS);
    },
    reset: () => {
      // The keyboard first: the alternate screen has one of its own.
      const undone = [
        ...(isKeyboardSet ? ['\x1b[=0u'] : []),
        ...(keyboards > 0 ? [`\x1b[<${keyboards}u`] : []),
        ...(otherKeys ? ['\x1b[>4m'] : []),
        ...(keypad ? ['\x1b>'] : []),
        ...[...on].sort((a, b) => Number(a) - Number(b)).map((mode) => `\x1b[?${mode}l`),
        ...[...off].map((mode) => `\x1b[?${mode}h`),
      ];
      return undone.length === 0 ? '' : `${undone.join('')}\x1b[0m`;
    },
  };
};
