import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { stringify } from 'yaml';
import { checkShape, readYaml } from '../../base/checked-yaml.ts';
import { type FileProblem, fileProblem, inReadingOrder, renderProblem } from '../../base/file-problem.ts';
import { sha256 } from '../../base/hash.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type BotSkill, type BotSkillDraft, BotSkillFile, type RefusedBotSkill } from '../../model/bot-skill.ts';
import { botSkillFaults, draftOf, nameFault } from '../../policy/bot-skills.ts';
import { oneLine } from '../../policy/placeholders.ts';
import { looksSecret } from './secrets.ts';
import { readTextFile } from './text-file.ts';

/** The bot skills of a home on disk, skills/bot/<name>.yaml: read and judged, written, and put aside. */

export interface BotShelf {
  /** Sorted by name. */
  skills: readonly BotSkill[];
  refused: readonly RefusedBotSkill[];
}

/** Each is held against every message; far more than people have ways to ask. */
export const BOT_SHELF_MAX = 200;
/** Thirty phrases and a reply are a tenth of it. */
export const BOT_SKILL_MAX_BYTES = 16 * 1024;

const REMOVED = '.removed';

/**
 * Reads the files again whenever it is asked, and only what has changed since. A file that was good and is not any
 * more answers as it did, as long as this process lives, and is told as refused.
 */
export const createBotLibrary = (home: string, dir: string, redact: (text: string) => string) => {
  const known = new Map<string, { mark: string; read: Result<BotSkill, string> }>();
  const good = new Map<string, BotSkill>();
  return {
    read: (): BotShelf => {
      const listed = filesIn(home, dir);
      if (!listed.ok)
        return { skills: [], refused: [{ name: 'bot', file: 'skills/bot', reason: listed.error, kept: false }] };
      const there = new Set(listed.value);
      for (const name of known.keys()) if (!there.has(name)) known.delete(name);
      for (const name of good.keys()) if (!there.has(name)) good.delete(name);
      const skills: BotSkill[] = [];
      const refused: RefusedBotSkill[] = [];
      for (const [place, file] of listed.value.entries()) {
        const read =
          place < BOT_SHELF_MAX ? readOne(file) : err(`there are ${there.size}; the first ${BOT_SHELF_MAX} are read`);
        if (read.ok) {
          good.set(file, read.value);
          skills.push(read.value);
          continue;
        }
        const before = good.get(file);
        if (before) skills.push(before);
        refused.push({
          name: oneLine(nameOf(file)).slice(0, NAME_SHOWN_MAX) || 'unnamed',
          file: `skills/bot/${oneLine(file).slice(0, NAME_SHOWN_MAX)}`,
          reason: read.error,
          kept: before !== undefined,
        });
      }
      return { skills, refused };
    },
  };

  function readOne(file: string): Result<BotSkill, string> {
    const mark = markOf(join(dir, file));
    const before = known.get(file);
    if (before?.mark === mark) return before.read;
    const read = readSkill(dir, file, redact);
    known.set(file, { mark, read });
    return read;
  }
};

export type BotLibrary = ReturnType<typeof createBotLibrary>;

const NAME_SHOWN_MAX = 80;
const nameOf = (file: string): string => file.replace(/\.ya?ml$/i, '');

const filesIn = (home: string, dir: string): Result<string[], string> => {
  const outside = leadsOut(home, dir);
  if (outside !== undefined) return err(outside);
  try {
    return ok(
      readdirSync(dir)
        .filter((name) => /^[^.].*\.ya?ml$/i.test(name))
        .sort(),
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? ok([]) : err(`the directory cannot be read (${code})`);
  }
};

/** What lies behind a link out of the home is under somebody else’s hand. */
const leadsOut = (home: string, dir: string): string | undefined => {
  try {
    const inside = relative(realpathSync(home), realpathSync(dir));
    return inside.startsWith('..') ? 'it is a link that leads out of the home' : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : `the directory cannot be read (${code})`;
  }
};

/** Changes whenever the file does. */
const markOf = (path: string): string => {
  try {
    const { ino, size, mtimeMs, ctimeMs, mode } = lstatSync(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs} ${mode}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
};

const readSkill = (dir: string, file: string, redact: (text: string) => string): Result<BotSkill, string> => {
  if (!file.endsWith('.yaml')) return err(`rename it to ${nameOf(file)}.yaml`);
  const name = nameOf(file);
  const wrongName = nameFault(name);
  if (wrongName !== undefined) return err(`its name is not ${wrongName}`);
  const shown = `skills/bot/${file}`;
  const path = join(dir, file);
  let stat: Stats;
  try {
    stat = lstatSync(path);
  } catch (error) {
    return err(`it cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (stat.isSymbolicLink()) return err('it is a link; copy the file');
  const text = readTextFile(path, { file: shown, maxBytes: BOT_SKILL_MAX_BYTES });
  if (!text.ok) return err(`it is ${text.error.found}, expected ${text.error.expected}`);
  if (looksSecret(text.value) || redact(text.value) !== text.value)
    return err('it holds something that looks like a secret');
  const parsed = parseBotSkill(name, text.value, shown);
  if (!parsed.ok) return err(problemsText(parsed.error));
  return ok({ ...parsed.value, hash: sha256(Buffer.from(text.value)), file: shown });
};

/** The first mistakes say enough; a person mends them and sees the others. */
const PROBLEMS_TOLD_MAX = 3;

const problemsText = (problems: readonly FileProblem[]): string => {
  const more = problems.length - PROBLEMS_TOLD_MAX;
  const told = problems.slice(0, PROBLEMS_TOLD_MAX).map((problem) => oneLine(renderProblem(problem)));
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
};

/** As a person or Winnow wrote it; `file` is how problems name it. Every mistake has its line and column. */
export const parseBotSkill = (
  name: string,
  text: string,
  file: string,
): Result<BotSkillDraft & { sealed: boolean }, FileProblem[]> => {
  const reading = readYaml({ file, text });
  const shape = checkShape(reading, reading.data ?? {}, BotSkillFile);
  const problems = [...reading.problems, ...(reading.sound ? shape.problems : [])];
  if (problems.length > 0 || !shape.value)
    return err(
      inReadingOrder(problems.length > 0 ? problems : [fileProblem({ file, found: 'nothing', expected: 'phrases' })]),
    );
  const draft = draftOf(name, shape.value);
  const sealed = shape.value.seal === sealOf(draft);
  const faults = botSkillFaults(shape.value, { learned: sealed });
  if (faults.length > 0) return err(inReadingOrder(faults.map(({ path, ...says }) => reading.problem(path, says))));
  return ok({ ...draft, sealed });
};

const sealOf = ({ name, description, phrases, does, messages }: BotSkillDraft): string =>
  sha256(name, description, JSON.stringify(phrases), JSON.stringify(does), JSON.stringify(messages));

/** A file whose seal says, wherever it lies, that nobody has changed it since. */
export const renderBotSkill = (draft: BotSkillDraft): string => {
  const { description, phrases, does, messages } = draft;
  const file: BotSkillFile = {
    ...(description === '' ? {} : { description }),
    phrases: [...phrases],
    ...('reply' in does ? { reply: does.reply } : { action: does.action }),
    ...('reply' in does || Object.keys(does.args).length === 0 ? {} : { args: { ...does.args } }),
    messages: [...messages],
    seal: sealOf(draft),
  };
  return `${HEAD}${stringify(file, { lineWidth: 0 })}`;
};

const HEAD = `# Learned from messages that nobody understood. Edit it and it is yours: Winnow does not write it again.
# \`winnow skills bot remove NAME\` puts it aside.
`;

/**
 * Writes a bot skill in one step, and never over anything: what lies there already is somebody's.
 * The error says what is in the way.
 */
export const writeBotSkill = (
  home: string,
  dir: string,
  draft: BotSkillDraft,
): Result<{ hash: string; file: string }, string> => {
  const outside = leadsOut(home, dir);
  if (outside !== undefined) return err(`skills/bot: ${outside}`);
  mkdirSync(dir, { recursive: true });
  const text = renderBotSkill(draft);
  const path = join(dir, `${draft.name}.yaml`);
  const made = join(dir, `.${draft.name}.${process.pid}`);
  writeFileSync(made, text);
  try {
    linkSync(made, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return err(`there is a file skills/bot/${draft.name}.yaml already`);
  } finally {
    rmSync(made, { force: true });
  }
  return ok({ hash: sha256(Buffer.from(text)), file: `skills/bot/${draft.name}.yaml` });
};

/** Moves it to skills/bot/.removed/, whoever wrote it. False: there is none. */
export const removeBotSkillFile = (dir: string, name: string): boolean => {
  const path = join(dir, `${name}.yaml`);
  if (nameFault(name) !== undefined || lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  mkdirSync(join(dir, REMOVED), { recursive: true });
  for (let n = 0; ; n += 1) {
    const to = join(dir, REMOVED, `${name}${n === 0 ? '' : `~${n}`}.yaml`);
    if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) continue;
    renameSync(path, to);
    return true;
  }
};
