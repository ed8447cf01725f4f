import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { renderProblem } from '../base/file-problem.ts';
import { idOf } from '../base/ids.ts';
import { ok, type Result } from '../base/result.ts';
import type { Journal } from '../journal/journal.ts';
import type { PromptChange } from '../model/crew.ts';
import type { EntryOf } from '../model/entry.ts';
import { type Failure, FailureError, failed } from '../model/failure.ts';
import type { Proposal, State } from '../model/state.ts';
import { applyChange, changedFileOf, faultOf, frontMatterOf, isMade, JUDGES } from '../policy/prompt-change.ts';
import type { HomePaths } from '../ports/home/home.ts';
import { PROMPT_MAX_BYTES, PROMPTS, parsePrompt, shippedPromptsDir } from '../ports/home/prompts.ts';
import { parseSession, SESSION_MAX_BYTES } from '../ports/home/sessions.ts';
import { readTextFile } from '../ports/home/text-file.ts';

/** Changes of what models are told: proposed with evidence, and made when a person, or the configuration, says so. */
export interface PromptDesk {
  journal: Journal<State>;
  paths: HomePaths;
  sessions: readonly { name: string }[];
  projects: readonly string[];
}

export type Proposed = { state: 'proposed'; proposal: string } | { state: 'refused'; why: string };

/** The same change has the same id, so that a round that is held again proposes nothing twice. */
export const proposePrompt = (
  desk: PromptDesk,
  about: { session: string; project: string },
  change: PromptChange,
  evidence: string[],
): Proposed => {
  const what = changedFileOf(change.file);
  if (what?.kind === 'session' && what.name !== about.session)
    return { state: 'refused', why: `${change.file} is not what ${about.session} is told` };
  const read = readChanged(desk, change.file);
  if (!read.ok) return { state: 'refused', why: read.error.message };
  const proposals = Object.values(desk.journal.state().proposals);
  const why = faultOf(change, { text: read.value, proposals });
  if (why !== undefined) return { state: 'refused', why };
  const made = makeChange(desk, change, read.value);
  if (!made.ok) return { state: 'refused', why: made.error.message };
  const proposal = idOf(['prompt', change.file, change.find, change.replace].join('\0'));
  try {
    desk.journal.append<'prompt_proposed'>({ type: 'prompt_proposed', ...about, data: { proposal, change, evidence } });
  } catch (error) {
    if (!(error instanceof FailureError) || error.failure.kind !== 'entry-illegal') throw error;
    return { state: 'refused', why: 'it was proposed before' };
  }
  return { state: 'proposed', proposal };
};

/** The file before and after, as it would be now. */
export const previewProposal = (
  desk: PromptDesk,
  { change }: Proposal,
): Result<{ before: string; after: string }, Failure> => {
  const read = readChanged(desk, change.file);
  if (!read.ok) return read;
  if (isMade(read.value, change)) return ok({ before: read.value, after: read.value });
  const made = makeChange(desk, change, read.value);
  return made.ok ? ok({ before: read.value, after: made.value }) : made;
};

/** Writes the file and then the entry: what a crash left between the two is found made, and told. */
export const applyProposal = (
  desk: PromptDesk,
  { id, change, session }: Proposal,
  by: string,
): Result<EntryOf<'prompt_applied'>, Failure> => {
  const read = readChanged(desk, change.file);
  if (!read.ok) return read;
  if (!isMade(read.value, change)) {
    const made = makeChange(desk, change, read.value);
    if (!made.ok) return made;
    writeFileAtomic.sync(join(desk.paths.home, change.file), made.value);
  }
  const data = { proposal: id, by, file: change.file };
  return ok(desk.journal.append<'prompt_applied'>({ type: 'prompt_applied', ...(session ? { session } : {}), data }));
};

/** The text that models are told by this file now: of a prompt that the home does not have, the shipped one. */
const readChanged = (desk: PromptDesk, file: string): Result<string, Failure> => {
  const what = changedFileOf(file);
  const no = (why: string) => failed('argument-invalid', `${JSON.stringify(file.slice(0, 80))}: ${why}`);
  if (!what) return no('only sessions/NAME.md and prompts/NAME.md can be changed by a proposal');
  if (what.kind === 'session' && !desk.sessions.some(({ name }) => name === what.name))
    return no('there is no such session');
  if (what.kind === 'prompt' && !Object.hasOwn(PROMPTS, what.name)) return no('there is no such prompt');
  if (what.kind === 'prompt' && JUDGES.includes(what.name)) return no('it is what those are told who judge sessions');
  const own = join(desk.paths.home, file);
  const shipped = what.kind === 'prompt' && !existsSync(own);
  if (!shipped && !lstatSync(own, { throwIfNoEntry: false })?.isFile())
    return no('it is no plain file; change it by hand');
  const path = shipped ? join(shippedPromptsDir, `${what.name}.md`) : own;
  const text = readTextFile(path, { file, maxBytes: Math.max(PROMPT_MAX_BYTES, SESSION_MAX_BYTES) });
  return text.ok ? text : no(text.error.message);
};

/** The new text, once it is known that Winnow can read it and that it says who the session is as before. */
const makeChange = (desk: PromptDesk, change: PromptChange, before: string): Result<string, Failure> => {
  const no = (why: string) => failed('argument-invalid', `the proposal cannot be applied: ${why}`);
  const applied = applyChange(before, change);
  if (!applied.ok) return no(applied.why);
  const { text } = applied;
  const what = changedFileOf(change.file);
  if (what?.kind === 'session') {
    if (frontMatterOf(text) !== frontMatterOf(before)) return no('it would change the front matter, which is yours');
    if (Buffer.byteLength(text) > SESSION_MAX_BYTES) return no(`${change.file} would become too large`);
    const parsed = parseSession(change.file, text, desk.projects);
    return parsed.ok ? ok(text) : no(parsed.error.map(renderProblem).join('; '));
  }
  if (what === undefined || !isPrompt(what.name)) return no('there is no such file');
  if (Buffer.byteLength(text) > PROMPT_MAX_BYTES) return no(`${change.file} would become too large`);
  const parsed = parsePrompt(what.name, text, change.file);
  return parsed.ok ? ok(text) : no(parsed.error.map(renderProblem).join('; '));
};

const isPrompt = (name: string): name is keyof typeof PROMPTS => Object.hasOwn(PROMPTS, name);
