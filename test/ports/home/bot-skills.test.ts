import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createBotLibrary,
  parseBotSkill,
  removeBotSkillFile,
  renderBotSkill,
  writeBotSkill,
} from '../../../src/ports/home/bot-skills.ts';
import { createSkillLibrary } from '../../../src/ports/home/skills.ts';
import { watchBotSkills } from '../../../src/ports/home/watch.ts';

/** Bot skills on a real disk, as editors, copies and slips leave them. */

let home: string;
let dir: string;
const redact = (text: string) => text.replaceAll('hunter2-hunter2', '[withheld]');
const library = () => createBotLibrary(home, dir, redact);

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-bot-')));
  dir = join(home, 'skills/bot');
  mkdirSync(dir, { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const GOOD = 'phrases:\n  - what did we burn\naction: cost\n';
const put = (name: string, text: string | Buffer) => writeFileSync(join(dir, name), text);
const DRAFT = {
  name: 'week-cost',
  description: 'What it cost: all of it',
  phrases: ['what did we burn', "what's {session} burning"],
  does: { action: 'cost' as const, args: {} },
  messages: ['M1', 'M2'],
};

describe('a bot skill on disk', () => {
  it('is read with what it says, and again only when it has changed', () => {
    put('week-cost.yaml', GOOD);
    put('README.md', 'not one');
    put('.draft.yaml', 'not one either');
    const shelf = library();
    const [skill] = shelf.read().skills;
    expect(skill).toMatchObject({
      ...{ name: 'week-cost', file: 'skills/bot/week-cost.yaml', sealed: false, messages: [] },
      ...{ phrases: ['what did we burn'], does: { action: 'cost', args: {} } },
    });
    expect(shelf.read().skills[0]).toBe(skill);
    put('week-cost.yaml', GOOD.replace('cost', 'status'));
    expect(shelf.read().skills[0]?.does).toEqual({ action: 'status', args: {} });
    rmSync(join(dir, 'week-cost.yaml'));
    expect(shelf.read()).toEqual({ skills: [], refused: [] });
  });

  it('is read back as it was written, and known as Winnow’s until somebody edits it', () => {
    expect(writeBotSkill(home, dir, DRAFT)).toMatchObject({ ok: true, value: { file: 'skills/bot/week-cost.yaml' } });
    expect(library().read().skills).toMatchObject([{ ...DRAFT, sealed: true }]);
    expect(readdirSync(dir)).toEqual(['week-cost.yaml']);
    const text = readFileSync(join(dir, 'week-cost.yaml'), 'utf8');
    put('week-cost.yaml', text.replace('what did we burn', 'what was burned'));
    expect(library().read().skills).toMatchObject([{ sealed: false }]);
    // A seal is one of the whole: under another name it is another skill.
    put('month-cost.yaml', text);
    expect(library().read().skills).toMatchObject([{ name: 'month-cost', sealed: false }, { sealed: false }]);
  });

  it('is never written over anything, be it a file, a link or a directory', () => {
    put('week-cost.yaml', 'mine');
    const again = { ok: false, error: 'there is a file skills/bot/week-cost.yaml already' };
    expect(writeBotSkill(home, dir, DRAFT)).toEqual(again);
    expect(readFileSync(join(dir, 'week-cost.yaml'), 'utf8')).toBe('mine');
    rmSync(join(dir, 'week-cost.yaml'));
    symlinkSync(join(home, 'elsewhere.yaml'), join(dir, 'week-cost.yaml'));
    expect(writeBotSkill(home, dir, DRAFT)).toEqual(again);
    expect(readdirSync(home)).toEqual(['skills']);
  });

  it('that is removed is put aside, each time', () => {
    for (let n = 0; n < 2; n += 1) {
      put('week-cost.yaml', GOOD);
      expect(removeBotSkillFile(dir, 'week-cost')).toBe(true);
    }
    expect(removeBotSkillFile(dir, 'week-cost')).toBe(false);
    expect(removeBotSkillFile(dir, '../../winnow.config')).toBe(false);
    expect(readdirSync(join(dir, '.removed'))).toEqual(['week-cost.yaml', 'week-cost~1.yaml']);
  });

  it('that was good goes on as it was while an edit of it is broken', () => {
    put('week-cost.yaml', GOOD);
    const shelf = library();
    shelf.read();
    put('week-cost.yaml', 'phrases:\n  - what did we burn\nacton: cost\n');
    const { skills, refused } = shelf.read();
    expect(skills).toMatchObject([{ name: 'week-cost', does: { action: 'cost' } }]);
    expect(refused).toMatchObject([
      {
        kept: true,
        reason: expect.stringContaining('skills/bot/week-cost.yaml:3  acton: found an unknown key'.replace('  ', ' ')),
      },
    ]);
    put('week-cost.yaml', GOOD);
    expect(shelf.read().refused).toEqual([]);
  });
});

describe('what is no bot skill', () => {
  it.each([
    ['status.yaml', GOOD, 'reserved'],
    ['__proto__.yaml', GOOD, 'small letters'],
    ['Week.yaml', GOOD, 'small letters'],
    ['week.yml', GOOD, 'rename it to week.yaml'],
    ['week.yaml', '', 'found nothing, expected a list'],
    ['week.yaml', 'phrases: [', 'invalid YAML'],
    ['week.yaml', '- a\n- b\n', 'found a list'],
    [
      'week.yaml',
      `phrases: [what did we burn]\naction: approve\nargs: { branch: x }\n`,
      'week.yaml:2 action: found "approve"',
    ],
    ['week.yaml', `phrases: [what did we burn]\naction: destroy\n`, 'found "destroy"'],
    ['week.yaml', `phrases: ['{text}']\naction: task\nargs: { text: '{text}' }\n`, 'week.yaml:1 phrases[0]'],
    ['week.yaml', `phrases: [what did we burn]\nrun: rm -rf /\n`, 'unknown key'],
    ['week.yaml', `phrases: &a [what did we burn]\naction: !!js/function 'x'\n`, 'week.yaml'],
    ['week.yaml', `phrases: [what did we burn]\nreply: hunter2-hunter2\n`, 'secret'],
    ['week.yaml', `phrases: [what did we burn]\nreply: ghp_${'a'.repeat(36)}\n`, 'secret'],
    ['week.yaml', `${GOOD}#${'x'.repeat(20_000)}`, 'expected a file of at most 16 KB'],
    ['week.yaml', `phrases: [${Array(40).fill('what did we burn').join(', ')}]\naction: cost\n`, 'at most 30 phrases'],
    ['week.yaml', Buffer.from([0xff, 0xfe, 0x41, 0x00]), 'UTF-16'],
    ['week.yaml', Buffer.from([0x70, 0x00, 0xc3]), 'UTF-8'],
  ])('%s: %j', (name, text, expected) => {
    put(name, text);
    const { skills, refused } = library().read();
    expect(skills).toEqual([]);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toContain(expected);
    expect(refused[0]?.reason).not.toContain('hunter2');
    expect(refused[0]?.kept).toBe(false);
  });

  it('is a link, a directory, a pipe', () => {
    writeFileSync(join(home, 'other.yaml'), GOOD);
    symlinkSync(join(home, 'other.yaml'), join(dir, 'one.yaml'));
    mkdirSync(join(dir, 'two.yaml'));
    linkSync(join(home, 'other.yaml'), join(dir, 'three.yaml'));
    const { skills, refused } = library().read();
    // A second name of one file is a file.
    expect(skills.map(({ name }) => name)).toEqual(['three']);
    expect(refused.map(({ name, reason }) => [name, reason])).toEqual([
      ['one', 'it is a link; copy the file'],
      ['two', 'it is a directory, expected a file'],
    ]);
  });

  it('is whatever lies behind a directory that leads out of the home', () => {
    const outside = mkdtempSync(join(tmpdir(), 'winnow-outside-'));
    try {
      rmSync(dir, { recursive: true });
      symlinkSync(outside, dir);
      writeFileSync(join(outside, 'week.yaml'), GOOD);
      expect(library().read()).toMatchObject({
        skills: [],
        refused: [{ reason: 'it is a link that leads out of the home' }],
      });
      expect(writeBotSkill(home, dir, DRAFT)).toMatchObject({ ok: false });
      expect(readdirSync(outside)).toEqual(['week.yaml']);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('is one too many: the first 200 are read', () => {
    for (let n = 0; n < 203; n += 1) put(`s${String(n).padStart(3, '0')}.yaml`, GOOD);
    const { skills, refused } = library().read();
    expect(skills).toHaveLength(200);
    expect(refused.map(({ name }) => name)).toEqual(['s200', 's201', 's202']);
  });

  it('is nothing that is lent to sessions, and no skill of theirs', () => {
    put('week-cost.yaml', GOOD);
    const lent = createSkillLibrary(join(home, 'skills')).read({ size: 8192, redact });
    expect(lent).toMatchObject({ skills: [], refused: [] });
  });
});

describe('a mistake in a file', () => {
  it('is named with its line and column, each of them at once', () => {
    const text = 'phrases:\n  - what did we burn\n  - "{text}"\naction: session\nargs:\n  sesion: alpha\n';
    const parsed = parseBotSkill('week', text, 'week.yaml');
    if (parsed.ok) throw new Error('it was taken');
    expect(parsed.error.map(({ line, column, key, message }) => `${line}:${column} ${key}: ${message}`)).toEqual([
      '3:5 phrases[1]: found "{text}", expected more words of its own',
      '5:1 args: found no session, expected it',
      '6:11 args.sesion: found an unknown argument, expected one of session',
    ]);
  });

  it('is none in what Winnow writes, whatever the phrases hold', () => {
    for (const phrase of [
      'what: did we burn',
      '- what did we burn',
      'yes & no, what # burns',
      '007 is burning',
      "it's {session} burning",
    ]) {
      const draft = { ...DRAFT, phrases: [phrase], does: { reply: 'a: "b" # {cost.today}\nc' } };
      expect(parseBotSkill(draft.name, renderBotSkill(draft), 'f')).toMatchObject({
        ok: true,
        value: { ...draft, sealed: true },
      });
    }
  });
});

describe('the watch over them', () => {
  it('tells of a file that came, also into a directory that came', async () => {
    rmSync(join(home, 'skills'), { recursive: true });
    const over = new AbortController();
    const told = new Promise<void>((resolve) => watchBotSkills(home, resolve, over.signal));
    mkdirSync(dir, { recursive: true });
    put('week-cost.yaml', GOOD);
    await told;
    over.abort();
    expect(library().read().skills).toHaveLength(1);
  });
});
