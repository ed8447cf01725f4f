import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Skills in Agent Skills form: a directory with a SKILL.md that names itself and says when it applies. */

/** What a model is given natively must be short: the description is in every prompt, the body in those that use it. */
const SKILL_MAX_BYTES = 32 * 1024;
const SKILLS_MAX = 50;
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * Copies a home's skills to where Claude Code finds them, so that a session reads them and cannot change them for the
 * others. Returns their names, in order. What is no skill is passed over.
 */
export const lendSkills = (skillsDir: string, configDir: string): string[] => {
  const to = join(configDir, 'skills');
  rmSync(to, { recursive: true, force: true });
  const names = namesIn(skillsDir)
    .filter((name) => isSkill(join(skillsDir, name), name))
    .slice(0, SKILLS_MAX);
  if (names.length === 0) return names;
  mkdirSync(to, { recursive: true });
  for (const name of names) {
    mkdirSync(join(to, name));
    cpSync(join(skillsDir, name, 'SKILL.md'), join(to, name, 'SKILL.md'));
  }
  return names;
};

const namesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
};

const isSkill = (dir: string, name: string): boolean => {
  if (!NAME.test(name)) return false;
  const file = join(dir, 'SKILL.md');
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > SKILL_MAX_BYTES) return false;
    const front = /^---\n([\s\S]*?)\n---\n/.exec(readFileSync(file, 'utf8').replaceAll('\r\n', '\n'))?.[1] ?? '';
    return new RegExp(`^name: *["']?${name}["']? *$`, 'm').test(front) && /^description: *\S/m.test(front);
  } catch {
    return false;
  }
};
