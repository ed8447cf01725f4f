import type { Terminal } from '../../../src/faces/cli/terminal.ts';

/** A terminal that is a sheet of paper: what was printed where, without colour. */
export interface Paper extends Terminal {
  results: string[];
  notes: string[];
}

export const createPaper = (width = 80): Paper => {
  const results: string[] = [];
  const notes: string[] = [];
  return {
    results,
    notes,
    out: (text) => void results.push(text),
    note: (text) => void notes.push(text),
    paint: (_, text) => text,
    width,
    lineWidth: width,
    interactive: true,
    left: new AbortController().signal,
    fault: () => undefined,
  };
};

/** What is left of a text that is painted: `<red>…</red>`. */
export const tags: Terminal['paint'] = (style, text) => `<${style}>${text}</${style}>`;
