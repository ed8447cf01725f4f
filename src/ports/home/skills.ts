import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, type Stats, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { checkShape, readYaml } from '../../base/checked-yaml.ts';
import { sha256 } from '../../base/hash.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { SkillFault } from '../../model/crew.ts';
import {
  BOT_SKILLS_DIRECTORY,
  isSkillName,
  type RefusedSkill,
  SKILL_NAME_MAX,
  type Skill,
  type SkillDraft,
  SkillFrontMatter,
} from '../../model/skill.ts';
import { oneLine } from '../../policy/placeholders.ts';
import { instructionIn } from '../../policy/skill-audit.ts';
import { indexSkills, type SkillIndex } from '../../policy/skills.ts';
import { looksSecret } from './secrets.ts';
import { readTextFile } from './text-file.ts';

/** The skills of a home on disk: read and judged, lent to a session, written, and put aside. */

export interface SkillLimits {
  /** Bytes of a SKILL.md. */
  size: number;
  /** What a text is after secrets are taken out of it. */
  redact: (text: string) => string;
}

export interface SkillShelf {
  /** Sorted by name. */
  skills: readonly Skill[];
  refused: readonly RefusedSkill[];
  index: SkillIndex;
}

/** Far more than a person or a doctor collects; what is beyond is named, not read. */
const SHELF_MAX = 1000;

const FILE = 'SKILL.md';
const RETIRED = '.retired';
const QUARANTINE = '.quarantine';

/**
 * Reads skills/ again whenever it is asked, and only what has changed since: a thousand of them cost a cycle no more
 * than a look at each file.
 */
export const createSkillLibrary = (dir: string) => {
  const known = new Map<string, { mark: string; read: Read }>();
  let last: { mark: string; shelf: SkillShelf } | undefined;
  return {
    read: (limits: SkillLimits): SkillShelf => {
      const names = entriesOf(dir);
      if (!names.ok) return { skills: [], refused: [names.error], index: indexSkills([]) };
      const found = names.value.map((name): [string, Read] => {
        // What was sound is sound until its file changes; what was not may be mended by a change around it.
        const mark = (sound: boolean) =>
          `${limits.size} ${markOf(join(dir, name, FILE))} ${sound ? '' : markOf(join(dir, name))}`;
        const before = known.get(name);
        if (before && before.mark === mark(before.read.ok)) return [name, before.read];
        const read = readSkill(dir, name, limits);
        known.set(name, { mark: mark(read.ok), read });
        return [name, read];
      });
      const there = new Set(names.value);
      for (const name of known.keys()) if (!there.has(name)) known.delete(name);
      const judged = found.map(([name, read], place) => judge(name, read, { there, place }, limits));
      const mark = judged.map((each) => (each.ok ? each.value.hash : each.error.hash)).join(' ');
      if (last?.mark === mark) return last.shelf;
      const skills = judged.flatMap((each) => (each.ok ? [each.value] : []));
      const refused = judged.flatMap((each) => (each.ok ? [] : [each.error]));
      last = { mark, shelf: { skills, refused, index: indexSkills(skills) } };
      return last.shelf;
    },
  };
};

export type SkillLibrary = ReturnType<typeof createSkillLibrary>;

/** Everything under skills/ that may be meant as a skill: README files and what begins with a dot are not. */
const entriesOf = (dir: string): Result<string[], RefusedSkill> => {
  try {
    const names = readdirSync(dir, { withFileTypes: true })
      .filter((entry) => !entry.name.startsWith('.') && entry.name !== BOT_SKILLS_DIRECTORY)
      .filter((entry) => !entry.isFile() || /^(?!readme\.).*\.md$/i.test(entry.name))
      .map((entry) => entry.name)
      .sort();
    return ok(names);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return ok([]);
    const reason = `the directory cannot be read (${code})`;
    return err({ name: 'skills', fault: 'unreadable', reason, hash: sha256(reason), file: WHOLE_SHELF });
  }
};

/** The file of a refusal that is about all of them. */
export const WHOLE_SHELF = 'skills';

/** Changes whenever the file does. */
const markOf = (path: string): string => {
  try {
    const { ino, size, mtimeMs, ctimeMs, mode } = lstatSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs} ${mode}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
};

/** A file as far as it can be judged by itself: `named` is what its front matter calls it. */
type Read = Result<{ skill: Skill; text: string; named: string }, { fault: SkillFault; reason: string; hash: string }>;

const readSkill = (dir: string, name: string, { size }: SkillLimits): Read => {
  const refuse = (fault: SkillFault, reason: string, text = ''): Read =>
    err({ fault, reason, hash: sha256(name, fault, reason, text) });
  const path = join(dir, name, FILE);
  let stat: Stats;
  try {
    const directory = lstatSync(join(dir, name));
    if (directory.isSymbolicLink()) return refuse('unreadable', 'it is a link; copy the directory');
    if (!directory.isDirectory()) return refuse('unreadable', `it is no directory with a ${FILE}`);
    if (!isSkillName(name)) return refuse('name', NAME_RULE);
    const files = readdirSync(join(dir, name)).filter((file) => file.toLowerCase() === FILE.toLowerCase());
    if (files.length > 1) return refuse('double', `it holds ${files.sort().join(' and ')}: keep one`);
    if (!files.includes(FILE))
      return refuse('unreadable', files[0] ? `rename ${files[0]} to ${FILE}` : `there is no ${FILE}`);
    stat = lstatSync(path);
  } catch (error) {
    return refuse('unreadable', `it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (!stat.isFile()) return refuse('unreadable', `its ${FILE} is ${kindOf(stat)}, not a file`);
  if (stat.size > size)
    return refuse(
      'too-large',
      `it has ${stat.size.toLocaleString('en-US')} bytes; at most ${size.toLocaleString('en-US')} are lent`,
    );
  const read = readTextFile(path, { file: FILE, maxBytes: size });
  if (!read.ok) return refuse('unreadable', `it is ${read.error.found}, expected ${read.error.expected}`);
  const parsed = parseSkill(read.value);
  if (!parsed.ok) return refuse(parsed.error.fault, parsed.error.reason, read.value);
  const { draft, sealed } = parsed.value;
  const wrong = wrongIn(draft, read.value);
  // Another name is the first thing to say.
  if (wrong && draft.name === name) return refuse(wrong.fault, wrong.reason, read.value);
  const hash = sha256(Buffer.from(read.value));
  return ok({
    skill: { ...draft, name, hash, file: `skills/${name}/${FILE}`, sealed, changedMs: stat.mtimeMs },
    text: read.value,
    named: draft.name,
  });
};

const NAME_RULE = `its name is not small letters, digits and single hyphens, at most ${SKILL_NAME_MAX}`;

const kindOf = (stat: Stats): string =>
  stat.isSymbolicLink() ? 'a link' : stat.isDirectory() ? 'a directory' : 'a device or a pipe';

/** What a reader must not be lent is found once the whole shelf is known: another may have its name. */
const judge = (
  name: string,
  read: Read,
  { there, place }: { there: ReadonlySet<string>; place: number },
  { redact }: SkillLimits,
): Result<Skill, RefusedSkill> => {
  const file = read.ok ? read.value.skill.file : `skills/${oneLine(name).slice(0, 100)}`;
  const refuse = (fault: SkillFault, reason: string, hash: string) =>
    err({ name: oneLine(name).slice(0, SKILL_NAME_MAX) || 'unnamed', fault, reason, hash, file });
  if (!read.ok) return refuse(read.error.fault, read.error.reason, read.error.hash);
  const { skill, text, named } = read.value;
  const hash = sha256(skill.hash, file);
  if (place >= SHELF_MAX)
    return refuse('too-large', `there are ${there.size} skills; the first ${SHELF_MAX} are lent`, hash);
  if (named !== name) {
    const other = there.has(named);
    return refuse(
      other ? 'double' : 'name',
      `it calls itself ${JSON.stringify(named.slice(0, 80))}${other ? ', and there is another of that name' : `, and its directory ${name}`}`,
      hash,
    );
  }
  // Secrets may become known later than the file.
  return redact(text) === text ? ok(skill) : refuse('secret', SECRET_SAID, hash);
};

/** What must reach no session, whoever wrote it. */
const wrongIn = (draft: SkillDraft, text: string): { fault: SkillFault; reason: string } | undefined => {
  if (looksSecret(text) || (text.match(URL_LIKE) ?? []).some(looksSecret))
    return { fault: 'secret', reason: SECRET_SAID };
  const said = instructionIn(`${draft.description}\n\n${draft.body}`);
  return said === undefined ? undefined : { fault: 'instructs', reason: said };
};

const SECRET_SAID = 'it holds something that looks like a secret';
/** A URL that carries a password is known by its begin. */
const URL_LIKE = /[a-z][a-z0-9+.-]{0,20}:\/\/\S{1,500}/gi;

interface Parsed {
  draft: SkillDraft;
  sealed: boolean;
}

/** Front matter between two lines `---`, and Markdown below. */
const parseSkill = (text: string): Result<Parsed, { fault: SkillFault; reason: string }> => {
  const refuse = (fault: SkillFault, reason: string) => err({ fault, reason });
  const lines = text.split(/\r\n|\r|\n/);
  if (lines[0]?.trimEnd() !== '---') return refuse('front-matter', 'it does not begin with front matter, a line `---`');
  const end = lines.findIndex((line, index) => index > 0 && line.trimEnd() === '---');
  if (end < 0) return refuse('front-matter', 'its front matter has no end, a second line `---`');
  const reading = readYaml({ file: FILE, text: lines.slice(1, end).join('\n'), firstLine: 2 });
  const shape = checkShape(reading, reading.data ?? {}, SkillFrontMatter);
  const [problem] = [...reading.problems, ...(reading.sound ? shape.problems : [])];
  if (problem !== undefined || shape.value === undefined) {
    const where = problem
      ? `line ${problem.line}${problem.key === '' ? '' : `, ${problem.key}`}: ${oneLine(problem.message)}`
      : '';
    return refuse('front-matter', `its front matter cannot be read: ${where}`);
  }
  const { name, description, metadata } = shape.value;
  const body = lines
    .slice(end + 1)
    .join('\n')
    .trim();
  if (body === '') return refuse('empty', 'there is nothing below its front matter');
  const draft = { name, description: description.trim(), body };
  return ok({ draft, sealed: metadata?.[SEAL] === sealOf(draft) });
};

/** In the metadata, which the specification leaves to whoever writes the file. */
const SEAL = 'winnow';
const sealOf = ({ name, description, body }: SkillDraft): string => sha256(name, description, body);

/** A SKILL.md whose seal says, wherever it lies and whatever else is forgotten, that nobody has changed it since. */
export const renderSkill = ({ name, description, body }: SkillDraft): string => {
  const draft = { name, description: description.trim(), body: body.replace(/\r\n?/g, '\n').trim() };
  const front = stringify({ ...draft, body: undefined, metadata: { [SEAL]: sealOf(draft) } }, { lineWidth: 0 });
  return `---\n${front}---\n\n${draft.body}\n`;
};

/** A draft held against everything that a file is held against, before it is one. */
export const judgeDraft = (
  draft: SkillDraft,
  limits: SkillLimits,
): { fault: SkillFault; reason: string } | undefined => {
  if (!isSkillName(draft.name)) return { fault: 'name', reason: NAME_RULE };
  const text = renderSkill(draft);
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.size)
    return {
      fault: 'too-large',
      reason: `it has ${bytes.toLocaleString('en-US')} bytes; at most ${limits.size.toLocaleString('en-US')} are lent`,
    };
  const parsed = parseSkill(text);
  if (!parsed.ok) return parsed.error;
  if (limits.redact(text) !== text) return { fault: 'secret', reason: SECRET_SAID };
  return wrongIn(draft, text);
};

/**
 * Puts skills where Claude Code finds them, and nothing else: name, description and body. What a session does to the
 * copy stays with it, and `allowed-tools`, `hooks` and scripts of the original are not lent.
 * @param into a directory for the `skills` of a session's own configuration, or of a plugin
 */
export const lendSkills = (skills: readonly Skill[], into: string): void => {
  const to = join(into, 'skills');
  rmSync(to, { recursive: true, force: true });
  for (const { name, description, body } of skills) {
    mkdirSync(join(to, name), { recursive: true });
    const front = stringify({ name, description: oneLine(description) }, { lineWidth: 0 });
    writeFileSync(join(to, name, FILE), `---\n${front}---\n\n${body}\n`);
  }
};

/** What Claude Code calls a skill of the plugin: `winnow:small-steps`. */
export const PLUGIN = 'winnow';

/** For a configuration directory that is the owner's: what is lent comes as a plugin of one run. */
export const lendAsPlugin = (skills: readonly Skill[], into: string): void => {
  lendSkills(skills, into);
  mkdirSync(join(into, '.claude-plugin'), { recursive: true });
  const manifest = { name: PLUGIN, version: '1.0.0', description: 'Skills that Winnow lends to this run.' };
  writeFileSync(join(into, '.claude-plugin', 'plugin.json'), `${JSON.stringify(manifest)}\n`);
};

/** Writes a skill in one step: a reader sees the old one or the new one. Returns its hash. */
export const writeSkillFile = (dir: string, draft: SkillDraft): string => {
  const text = renderSkill(draft);
  writeWhole(join(dir, draft.name, FILE), text);
  return sha256(Buffer.from(text));
};

/** What a model drafted and nobody is lent, for a person to look at, with the reason beside it. Relative to the home. */
export const quarantine = (dir: string, draft: SkillDraft, reason: string): string => {
  const name = isSkillName(draft.name) ? draft.name : `draft-${sha256(draft.name, draft.body).slice(0, 12)}`;
  const text = `name: ${JSON.stringify(draft.name)}\ndescription: ${JSON.stringify(draft.description)}\n\n${draft.body}\n`;
  const cut = text.slice(0, QUARANTINED_MAX_CHARS);
  // Not under the name by which anything would read it as a skill.
  writeWhole(join(dir, QUARANTINE, name, 'draft.txt'), cut);
  writeWhole(join(dir, QUARANTINE, name, 'reason.txt'), `${reason}\n`);
  return `skills/${QUARANTINE}/${name}/draft.txt`;
};

const QUARANTINED_MAX_CHARS = 64 * 1024;

export const quarantined = (dir: string): { name: string; reason: string; file: string }[] =>
  directoriesIn(join(dir, QUARANTINE)).map((name) => {
    const reason = readTextFile(join(dir, QUARANTINE, name, 'reason.txt'), { file: name, maxBytes: 4096 });
    return {
      name,
      reason: reason.ok ? oneLine(reason.value) : 'no reason is noted',
      file: `skills/${QUARANTINE}/${name}/draft.txt`,
    };
  });

/** Moves a skill to skills/.retired/ with its figures beside it; one that was retired under its name before is kept too. */
export const retireFiles = (dir: string, name: string, figures: string): string => {
  const to = join(dir, RETIRED, name);
  mkdirSync(join(dir, RETIRED), { recursive: true });
  for (let n = 1; existsSync(to); n += 1) {
    if (!existsSync(`${to}~${n}`)) renameSync(to, `${to}~${n}`);
  }
  writeWhole(join(dir, name, 'figures.md'), figures);
  renameSync(join(dir, name), to);
  return retiredFile(name);
};

export const retiredFile = (name: string): string => `skills/${RETIRED}/${name}/${FILE}`;

/** False: there is none of this name, or another has taken its place. */
export const restoreFiles = (dir: string, name: string): boolean => {
  const from = join(dir, RETIRED, name);
  if (!existsSync(from) || existsSync(join(dir, name))) return false;
  renameSync(from, join(dir, name));
  return true;
};

/** The retired ones that can still be read, for whoever drafts one of them again. */
export const retiredSkills = (dir: string, limits: SkillLimits): Skill[] =>
  directoriesIn(join(dir, RETIRED)).flatMap((name) => {
    const read = readSkill(join(dir, RETIRED), name, limits);
    return read.ok ? [read.value.skill] : [];
  });

/** Something lies there already, be it a skill or not. */
export const isTaken = (dir: string, name: string): boolean => existsSync(join(dir, name));

const directoriesIn = (dir: string): string[] => {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch {
    return [];
  }
};

const writeWhole = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(draft, text);
  renameSync(draft, path);
};
