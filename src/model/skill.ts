import { z } from 'zod';
import { isPlainKey } from '../base/plain-key.ts';
import type { SkillFault } from './crew.ts';

/**
 * A technique in Agent Skills form: a directory with a SKILL.md that names itself and says when it applies. The limits
 * are those of https://agentskills.io/specification.
 */
export interface Skill {
  name: string;
  description: string;
  /** Markdown below the front matter. */
  body: string;
  /** SHA-256 of the bytes of SKILL.md, hexadecimal. */
  hash: string;
  /** Relative to the home. */
  file: string;
  /** The file is exactly as Winnow wrote it; another one is a person's, or was edited by one. */
  sealed: boolean;
  /** Milliseconds since the epoch: when the file was last changed. */
  changedMs: number;
}

/** What lies under skills/ and is lent to nobody. */
export interface RefusedSkill {
  /** Of the directory, in plain letters. */
  name: string;
  fault: SkillFault;
  /** One sentence with what was found. */
  reason: string;
  /** Of what was found; the same matter is told once. */
  hash: string;
  file: string;
}

export interface SkillDraft {
  name: string;
  description: string;
  body: string;
}

export const SKILL_NAME_MAX = 64;
export const SKILL_DESCRIPTION_MAX = 1024;
/** Small letters, digits and single hyphens within. */
const SKILL_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** Whether a name is one by the specification; one that every object has could not be a key of the state. */
export const isSkillName = (name: string): boolean =>
  name.length <= SKILL_NAME_MAX && SKILL_NAME.test(name) && isPlainKey(name) && name !== BOT_SKILLS_DIRECTORY;

/** What lies there is for the bot and lent to no session. */
export const BOT_SKILLS_DIRECTORY = 'bot';

/**
 * What the specification names, and whatever else tools have added: of all of it only name and description reach a
 * session, since `allowed-tools`, `hooks` and their like would give it what Winnow does not.
 */
export const SkillFrontMatter = z.looseObject({
  name: z.string('text').min(1),
  description: z
    .string('text')
    .refine((text) => text.trim() !== '', 'a sentence that says what it does and when to use it')
    .max(SKILL_DESCRIPTION_MAX, `text of at most ${SKILL_DESCRIPTION_MAX} characters`),
  metadata: z.record(z.string(), z.unknown()).optional(),
});
