import { visible } from '../../policy/placeholders.ts';
import { FENCE } from '../../policy/split-text.ts';

/**
 * A text with marks of its own beside it, as Telegram takes it. The text is never read as HTML or Markdown, so nothing
 * that stands in it can be markup, and no part of it can be refused for being wrong markup.
 */
export interface Marked {
  text: string;
  entities: { type: 'pre'; offset: number; length: number }[];
}

/** Lines between two lines of three backticks are shown as they are; a mark that nothing closes is a text. */
export const markUp = (text: string): Marked => {
  const lines = visible(text).split('\n');
  const entities: Marked['entities'] = [];
  let shown = '';
  for (let n = 0; n < lines.length; n += 1) {
    const end = lines[n] === FENCE ? lines.indexOf(FENCE, n + 1) : -1;
    const piece = end === -1 ? lines[n]! : lines.slice(n + 1, end).join('\n');
    if (end !== -1) {
      // In UTF-16 code units, which is how a text is counted here, too.
      if (piece !== '') entities.push({ type: 'pre', offset: shown.length, length: piece.length });
      n = end;
    }
    shown += n === lines.length - 1 ? piece : `${piece}\n`;
  }
  return { text: shown, entities };
};
