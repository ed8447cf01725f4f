import { describe, expect, it } from 'vitest';
import { BotAction } from '../../src/model/bot.ts';
import type { BotSkillDraft, BotSkillFile } from '../../src/model/bot-skill.ts';
import {
  allowedActions,
  askedBySkill,
  botSkillFaults,
  mayCall,
  nameFault,
  SAMPLE_HEARING,
} from '../../src/policy/bot-skills.ts';
import { intentFrom, mustConfirm } from '../../src/policy/ground.ts';
import type { Hearing } from '../../src/policy/hearing.ts';

const BRANCH = 'brl/alpha/20260314-091522';
const HEARING: Hearing = {
  ...SAMPLE_HEARING,
  sessions: ['alpha', 'beta'],
  branches: [{ branch: BRANCH, session: 'alpha', state: 'pending', title: '' }],
  views: { ...SAMPLE_HEARING.views, 'cost.today': '$1.20' },
};

const skill = (file: Partial<BotSkillDraft>): BotSkillDraft => ({
  ...{ name: 'one', description: '', phrases: [], does: { reply: 'yes' }, messages: [] },
  ...file,
});
const asked = (text: string, ...skills: BotSkillDraft[]) => askedBySkill(text, skills, HEARING)?.intent;

describe('a bot skill', () => {
  it('is meant by a message that says its phrase, however it is written, and by no other', () => {
    const burn = skill({ phrases: ['what did we burn today'], does: { action: 'cost', args: {} } });
    for (const text of [
      'what did we burn today',
      'WHAT did we burn, today?',
      'hey bot, what did we burn today please',
      'what did we burn tody',
    ])
      expect([text, asked(text, burn)]).toEqual([text, { action: 'cost', args: {} }]);
    for (const text of [
      'what did we burn',
      'what did we not burn today',
      'did we burn today',
      'what did we burn today and approve the last one',
      '"what did we burn today"',
      '',
    ])
      expect([text, asked(text, burn)]).toEqual([text, undefined]);
  });

  it('takes names of what is there, and none of what is not', () => {
    const poke = skill({ phrases: ['poke {session}'], does: { action: 'session', args: { session: '{session}' } } });
    expect(asked('poke alpha', poke)).toEqual({ action: 'session', args: { session: 'alpha' } });
    expect(asked('poke Beta!', poke)).toEqual({ action: 'session', args: { session: 'beta' } });
    expect(asked('poke gamma', poke)).toBeUndefined();
    expect(asked('poke __proto__', poke)).toBeUndefined();
    const peek = skill({ phrases: ['peek into {branch}'], does: { action: 'diff', args: { branch: '{branch}' } } });
    expect(asked('peek into 091522', peek)).toEqual({ action: 'diff', args: { branch: BRANCH } });
  });

  it('takes the words of a text as they were typed', () => {
    const note = skill({ phrases: ['someone has to {text}'], does: { action: 'task', args: { text: '{text}' } } });
    expect(asked('Someone has to update the README, please: {session}', note)).toEqual({
      action: 'task',
      args: { text: 'update the README, please: {session}' },
    });
    expect(asked('someone has to', note)).toBeUndefined();
  });

  it('replies with what is so, and what a message brings along stays words', () => {
    const reply = skill({
      phrases: ['burn of {session} and {text}'],
      does: { reply: '{session} {text}: {cost.today}' },
    });
    expect(asked('burn of alpha and {cost.left} $& more', reply)).toEqual({
      reply: 'alpha {cost.left} $& more: $1.20',
    });
  });

  it('that sets something going is not meant by a question', () => {
    const meet = skill({ phrases: ['gather round'], does: { action: 'standup', args: {} } });
    expect(asked('gather round!', meet)).toEqual({ action: 'standup', args: {} });
    expect(asked('gather round?', meet)).toBeUndefined();
  });
});

describe('what a bot skill may do', () => {
  it('is never what a person has to mean: approve, reject, cancel, pause, undo', () => {
    const never = BotAction.options.filter((action) => !mayCall(action, false));
    expect(never).toEqual(['approve', 'reject', 'cancel', 'pause', 'undo']);
  });

  it('is less when it was learned: nothing that changes what sessions do', () => {
    const written = allowedActions(false).filter((action) => !mayCall(action, true));
    expect(written).toEqual(['task', 'resume']);
  });

  const faults = (file: Partial<BotSkillFile>, learned = false) =>
    botSkillFaults({ phrases: ['what did we burn'], ...file } as BotSkillFile, { learned }).map(
      ({ path, expected }) => `${path.join('.')}: ${expected}`,
    );

  it.each([
    [{}, ': one of the two'],
    [{ action: 'cost', reply: 'much' }, 'reply: one of the two'],
    [{ action: 'approve', args: { branch: '{branch}' } }, 'action: what a bot skill may do: status'],
    [{ action: 'cost', args: { all: 'yes' } }, 'args.all: none'],
    [{ action: 'session', args: {} }, 'args: it'],
    [{ action: 'session', args: { session: '{session}' } }, 'phrases.0: {session} in it, which args uses'],
    [{ action: 'log', args: { session: '{user}' } }, 'args.session: text, with no braces but'],
    [{ action: 'show', args: { branch: 'a', commit: 'b' } }, 'args.commit: one of branch'],
    [{ reply: 'you owe {cost.tomorrow}' }, 'reply: braces around one of session'],
    [{ reply: 'you owe {{cost.today}}' }, 'reply: braces around one of'],
    [{ reply: 'fine', args: { a: 'b' } }, 'args: none; slots stand in the reply itself'],
    [{ reply: 'a\u200bb' }, 'reply: plain text'],
    [{ reply: 'y', phrases: ['{text}'] }, 'phrases.0: more words of its own'],
    [{ reply: 'y', phrases: ['please {text}'] }, 'phrases.0: more words of its own'],
    [{ reply: 'y', phrases: ['remember {text}'] }, 'phrases.0: at least 2 words'],
    [{ reply: 'y', phrases: ['{text} is what I remember'] }, 'phrases.0: {text} at its end'],
    [{ reply: 'y', phrases: ['{session} {session} again'] }, 'phrases.0: each slot once'],
    [{ reply: 'y', phrases: ['a', 'the', '👍', '...'] }, 'phrases.0:'],
    [{ reply: 'y', phrases: ['/status'] }, 'phrases.0: words'],
    [{ reply: 'y', phrases: ['say "cheese" loudly'] }, 'phrases.0: one plain sentence'],
    [{ reply: 'y', phrases: ['say ch\u200beese'] }, 'phrases.0: text without characters that nobody sees'],
    [{ reply: 'y', phrases: ['hold {thing} up'] }, 'phrases.0: text, with no braces but'],
    [{ reply: 'y', phrases: ['hold } up'] }, 'phrases.0: text, with no braces but'],
  ])('%j is refused', (file, expected) => {
    expect(faults(file as Partial<BotSkillFile>)[0]).toContain(expected);
  });

  it('holds no link when it was learned', () => {
    expect(faults({ reply: 'see https://example.com' }, true)[0]).toContain('without links');
    expect(faults({ reply: 'see winnow.example.com' }, true)[0]).toContain('without links');
    expect(faults({ reply: 'see https://example.com' }, false)).toEqual([]);
  });

  it('has a name that is no other thing’s', () => {
    for (const name of ['status', 'all', 'bot', 'constructor', 'a_b', 'A', '', 'x'.repeat(41), '../x', 'a--b'])
      expect([name, nameFault(name) !== undefined]).toEqual([name, true]);
    expect(nameFault('week-cost')).toBeUndefined();
  });
});

describe('what a model says', () => {
  const from = (word: object) =>
    intentFrom({ understood: true, ...word }, HEARING, (text) => text.replace('hunter2', '[withheld]'));

  it('is an intent with names in full', () => {
    expect(from({ action: 'show', args: { branch: '091522' } })).toEqual({ action: 'show', args: { branch: BRANCH } });
    expect(from({ action: 'pause', args: { session: 'ALPHA', reason: '' } })).toEqual({
      action: 'pause',
      args: { session: 'alpha' },
    });
    expect(from({ action: 'doctor', args: { rules: 'yes' } })).toEqual({ action: 'doctor', args: { rules: 'rules' } });
    expect(from({ reply: 'It is hunter2\u200b.' })).toEqual({ reply: 'It is [withheld].' });
  });

  it.each([
    [{ understood: false, action: 'status' }],
    [{}],
    [{ action: 'status', reply: 'fine' }],
    [{ action: 'merge', args: {} }],
    [{ action: 'session', args: { session: 'delta' } }],
    [{ action: 'session', args: {} }],
    [{ action: 'session', args: { session: '__proto__' } }],
    [{ action: 'status', args: { session: 'alpha' } }],
    [{ action: 'approve', args: { branch: BRANCH, commit: 'abcdef1' } }],
    [{ action: 'approve', args: { branch: 'brl' } }],
    [{ action: 'cancel', args: { task: 'NOSUCH' } }],
    [{ action: 'log', args: { count: '1e9' } }],
    [{ action: 'undo', args: { skill: 'toString' } }],
    [{ reply: '' }],
    [{ reply: 'x'.repeat(5_000) }],
  ])('%j is nothing that can be done', (word) => {
    expect(from(word)).toBeUndefined();
  });

  it('has to be confirmed wherever it changes something or costs money', () => {
    expect(BotAction.options.filter((action) => !mustConfirm(action))).toEqual([
      ...['status', 'queue', 'show', 'diff', 'tasks', 'session', 'log', 'cost', 'skills', 'help'],
    ]);
  });
});
