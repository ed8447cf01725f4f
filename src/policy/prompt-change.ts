import type { PromptChange } from '../model/crew.ts';
import type { Proposal } from '../model/state.ts';
import { instructionIn } from './skill-audit.ts';
import { similarity } from './words.ts';

/**
 * A proposed edit of what models are told: one piece of text for another, in one file of the home. Pure text in, text
 * out; nothing but the prose of a session and the templates of prompts is ever in reach.
 */
export type ChangedFile = { kind: 'session'; name: string } | { kind: 'prompt'; name: string };

/** By the exact shape of the path: there is no way out of a shape. */
export const changedFileOf = (file: string): ChangedFile | undefined => {
  const [, dir, name] = /^(sessions|prompts)\/([a-z][a-z0-9-]{0,31})\.md$/.exec(file) ?? [];
  if (dir === undefined || name === undefined) return undefined;
  return { kind: dir === 'sessions' ? 'session' : 'prompt', name };
};

/** What those are told who judge sessions, or speak for all of them: no session's trouble is a reason to change it. */
export const JUDGES: readonly string[] = ['review', 'rereview', 'doctor', 'learn', 'chair'];

/** Longer is no edit but another text. */
const PIECE_MAX_CHARS = 4_000;
/** Half of the words in common: the same proposal in other words. */
const SIMILAR_MIN = 0.5;

/** Why this is not proposed at all; undefined: a person may see it. */
export const faultOf = (
  change: PromptChange,
  known: { text: string; proposals: readonly Proposal[] },
): string | undefined => {
  const { find, replace } = change;
  if (find.length > PIECE_MAX_CHARS || replace.length > PIECE_MAX_CHARS)
    return `it is longer than ${PIECE_MAX_CHARS} characters`;
  if (find.trim() === replace.trim()) return 'it changes nothing';
  const instructs = instructionIn(replace);
  if (instructs !== undefined) return instructs;
  const before = known.proposals.find((proposal) => isSame(proposal.change, change));
  if (before) return `it was proposed before (${before.id.slice(-6).toLowerCase()}, ${before.status.state})`;
  if (isThere(known.text, replace)) return `${change.file} says that already`;
  const applied = applyChange(known.text, change);
  return applied.ok ? undefined : applied.why;
};

const isSame = (a: PromptChange, b: PromptChange): boolean =>
  a.file === b.file &&
  (a.find.trim() === b.find.trim() || a.find === '' || b.find === '') &&
  (a.replace.trim() === b.replace.trim() || similarity(a.replace, b.replace) >= SIMILAR_MIN);

export type Applied = { ok: true; text: string } | { ok: false; why: string };

/** The text with the change; without `find` the new text becomes a paragraph of its own at the end. */
export const applyChange = (text: string, change: PromptChange): Applied => {
  const [find, replace] = inEndings(text, [change.find, change.replace]);
  const end = lineEndOf(text);
  if (find === '') return { ok: true, text: `${text.trimEnd()}${end}${end}${replace!.trim()}${end}` };
  const places = text.split(find!).length - 1;
  if (places === 0)
    return { ok: false, why: `${change.file} does not hold the text that is to be replaced (any more)` };
  if (places > 1) return { ok: false, why: `${change.file} holds the text that is to be replaced ${places} times` };
  const at = text.indexOf(find!);
  return { ok: true, text: text.slice(0, at) + replace + text.slice(at + find!.length) };
};

/**
 * Whether the change has been made already: a crash may come between the file and its entry. What is new is there; of
 * what is only taken away it is enough that it is gone. A proposal is never one whose new text was there before.
 */
export const isMade = (text: string, change: PromptChange): boolean =>
  change.replace.trim() === '' ? !isThere(text, change.find) && change.find !== '' : isThere(text, change.replace);

const isThere = (text: string, piece: string): boolean =>
  piece.trim() !== '' && text.includes(inEndings(text, [piece.trim()])[0]!);

/** A model writes line feeds, whatever the file has. */
const inEndings = (text: string, pieces: string[]): string[] =>
  pieces.map((piece) => piece.replace(/\r\n?/g, '\n').replaceAll('\n', lineEndOf(text)));

const lineEndOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** Front matter with its fences, byte for byte; empty when there is none. */
export const frontMatterOf = (text: string): string =>
  /^---[ \t]*\r?\n(?:[\s\S]*?\r?\n)?---[ \t]*(?:\r?\n|$)/.exec(text)?.[0] ?? '';
