import { describe, expect, it } from 'vitest';
import type { BotSkillDraft } from '../../src/model/bot-skill.ts';
import type { Entry } from '../../src/model/entry.ts';
import type { BotSkillState } from '../../src/model/state.ts';
import { askedBySkill, SAMPLE_HEARING } from '../../src/policy/bot-skills.ts';
import type { Hearing } from '../../src/policy/hearing.ts';
import { findGaps, judgeProposals, type Known, type Recorded, recordedIn } from '../../src/policy/upkeep.ts';

const HEARING: Hearing = { ...SAMPLE_HEARING, sessions: ['alpha', 'beta'], branches: [], tasks: [] };

let count = 0;
const heard = (text: string, by: Recorded['by'] = 'none', rest: Partial<Recorded> = {}): Recorded => {
  count += 1;
  const id = String(count).padStart(6, '0');
  return { message: `M${id}`, handled: `H${id}`, text, by, ...rest };
};
const state = (name: string, phrases: string[], removed = false): BotSkillState => ({
  ...{ name, phrases, does: 'cost', by: 'upkeep', hash: '', entry: '', writtenAt: '', messages: [], told: [], used: 0 },
  ...(removed ? { removed: { at: '', by: 'ada', reason: 'undone' } } : {}),
});
const gaps = (recorded: Recorded[], known: Partial<Parameters<typeof findGaps>[1]> = {}) =>
  findGaps(recorded, { skills: [], removed: [], hearing: HEARING, ...known });
const texts = (groups: Recorded[][]) => groups.map((group) => group.map(({ text }) => text));

describe('what is recorded', () => {
  it('is what people said in free words, with what was done about it', () => {
    const at = { ts: '2026-03-14T09:15:00.000Z' };
    const from = { chat: '1', user: '1', name: 'ada' };
    const entries = [
      ['received', { message: 'a', text: 'hello there' }],
      ['received', { message: 'b', text: '/status' }],
      ['received', { message: 'c', text: 'approve x', button: { id: '1' } }],
      ['received', { message: 'd', text: '\u200b' }],
      ['handled', { message: 'a', by: 'model', action: 'status' }],
      ['handled', { message: 'b', by: 'command', action: 'status' }],
      ['handled', { message: 'c', by: 'button', action: 'approve' }],
      ['handled', { message: 'd', by: 'none' }],
      ['handled', { message: 'e', by: 'none' }],
    ].map(([type, data], n) => ({ ...at, id: `E${n}`, type: `message_${type}`, data: { from, ...(data as object) } }));
    expect(recordedIn(entries as unknown as Entry[])).toEqual([
      { message: 'a', handled: 'E4', text: 'hello there', by: 'model', action: 'status' },
    ]);
  });
});

describe('what there is to learn', () => {
  it('is what came up more than once, in whatever words', () => {
    const found = gaps([
      heard('what did we burn?'),
      heard('is the coffee ready'),
      heard('how much did you burn today'),
      heard('did they burn a lot'),
      heard('how is it going', 'rule', { action: 'status' }),
    ]);
    expect(found.fresh).toHaveLength(4);
    expect(texts(found.groups)).toEqual([['what did we burn?', 'how much did you burn today', 'did they burn a lot']]);
  });

  it('is the same of whichever session it is said', () => {
    expect(texts(gaps([heard('poke alpha'), heard('poke beta')]).groups)).toEqual([['poke alpha', 'poke beta']]);
  });

  it('is also what a model had to be asked for again and again', () => {
    const by = ['model', { action: 'cost' }] as const;
    expect(gaps([heard('what did we burn', ...by)]).groups).toEqual([]);
    expect(gaps([heard('what did we burn', ...by), heard('what did we burn', ...by)]).groups).toHaveLength(1);
  });

  it('comes up again only with a message since the last look', () => {
    const old = [heard('what did we burn'), heard('did we burn much')];
    expect(gaps(old, { since: old[1]!.handled })).toEqual({ fresh: [], groups: [] });
    const later = gaps([...old, heard('burn of today')], { since: old[1]!.handled });
    expect(later.fresh).toHaveLength(1);
    expect(later.groups[0]).toHaveLength(3);
  });

  it('is nothing that is understood by now, and nothing that a person undid', () => {
    const skill: BotSkillDraft = {
      ...{ name: 'burn', description: '', phrases: ['what did we burn'], messages: [] },
      does: { action: 'cost', args: {} },
    };
    const said = [heard('what did we burn'), heard('What did we burn?')];
    expect(gaps(said, { skills: [skill] }).groups).toEqual([]);
    expect(
      gaps(said, { removed: [state('burn', ['how much was burnt', 'what did we burn today'], true)] }).groups,
    ).toEqual([]);
    expect(gaps(said, { removed: [state('coffee', ['is the coffee ready'], true)] }).groups).toHaveLength(1);
  });

  it('is bounded however much is said', () => {
    const many = Array.from({ length: 1_000 }, (_, n) => heard(`word${n % 40} thing${n % 40}`));
    const found = gaps([...many, heard('x'.repeat(20_000)), heard('a\nb\nc')]);
    expect(found.fresh).toHaveLength(1_002);
    expect(found.groups).toHaveLength(12);
  });
});

describe('a proposal', () => {
  const group = [heard('what did we burn?'), heard('did we burn much')];
  const known = (more: Partial<Known> = {}): Known => ({
    ...{ groups: [group], recorded: group, skills: [], states: {}, taken: new Set(), hearing: HEARING },
    ...more,
  });
  const PROPOSAL = { group: 1, name: 'burn', phrases: ['what did we burn', 'did we burn much'], action: 'cost' };
  const verdict = (proposal: unknown, more: Partial<Known> = {}): string => {
    const { learned, refused } = judgeProposals([proposal], known(more));
    return learned[0] ? `learned ${learned[0].phrases.join(', ')}` : (refused[0]?.reason ?? 'nothing');
  };

  it('is learned when its whole group is understood by it', () => {
    const { learned, refused } = judgeProposals([PROPOSAL], known());
    expect(refused).toEqual([]);
    expect(learned).toEqual([
      {
        ...{ name: 'burn', description: '', phrases: PROPOSAL.phrases, does: { action: 'cost', args: {} } },
        messages: group.map(({ message }) => message),
      },
    ]);
    for (const { text } of group) expect(askedBySkill(text, learned, HEARING)?.skill).toBe('burn');
  });

  it('leaves out a phrase that means the same already, and is refused for one that means something else', () => {
    expect(verdict({ ...PROPOSAL, phrases: [...PROPOSAL.phrases, 'what did it cost'] })).toBe(
      'learned what did we burn, did we burn much',
    );
    expect(verdict({ ...PROPOSAL, phrases: [...PROPOSAL.phrases, 'stop everything'] })).toContain(
      '“stop everything” is understood already, by a rule',
    );
    expect(verdict({ ...PROPOSAL, phrases: ['what did it cost'] })).toBe('all that it says is understood already');
  });

  it('must not take from another bot skill what is its own', () => {
    const other: BotSkillDraft = {
      ...{ name: 'tree', description: '', phrases: ['did we burn much wood'], messages: [] },
      does: { reply: 'no' },
    };
    expect(verdict(PROPOSAL, { skills: [other] })).toContain('learned');
    expect(verdict({ ...PROPOSAL, phrases: ['what did we burn', 'did we {text}'] }, { skills: [other] })).toContain(
      'which is tree’s',
    );
    expect(
      verdict({ ...PROPOSAL, phrases: [...PROPOSAL.phrases, 'did we burn much wood'] }, { skills: [other] }),
    ).toContain('by tree, as something else');
  });

  it('must leave what was handled right as it was', () => {
    const was = (by: Recorded['by'], action?: string, skill?: string) =>
      heard('what did we burn', by, { ...(action ? { action } : {}), ...(skill ? { skill } : {}) });
    const tried = (one: Recorded) => verdict(PROPOSAL, { recorded: [one], states: { gone: state('gone', [], true) } });
    expect(tried(was('model', 'cost'))).toContain('learned');
    expect(tried(was('model', 'status'))).toBe('“what did we burn” was answered with status and would be with cost');
    expect(tried(was('rule', 'tasks'))).toContain('was answered with tasks');
    expect(tried(was('model'))).toContain('was answered with a reply');
    // What a person undid was not handled right.
    expect(tried(was('skill', 'status', 'gone'))).toContain('learned');
  });

  it('is refused where a message of its group stays without an answer, together with those that needed it', () => {
    expect(verdict({ ...PROPOSAL, phrases: ['what did we burn'] })).toBe(
      '“did we burn much” would still not be understood',
    );
    const halves = PROPOSAL.phrases.map((phrase, n) => ({ ...PROPOSAL, name: `half-${n}`, phrases: [phrase] }));
    expect(judgeProposals(halves, known()).learned).toHaveLength(2);
  });

  it('is not what a person undid, under its old name or another', () => {
    const states = { burn: state('burn', ['what did we burn'], true) };
    expect(verdict(PROPOSAL, { states })).toBe('burn was undone by ada');
    expect(verdict({ ...PROPOSAL, name: 'fire' }, { states })).toBe('it says what burn said, which ada undid');
  });

  it('never writes over what is there', () => {
    expect(verdict(PROPOSAL, { taken: new Set(['burn']) })).toBe('there is a bot skill burn already');
    expect(verdict(PROPOSAL, { states: { burn: state('burn', []) } })).toBe('there is a bot skill burn already');
    expect(judgeProposals([PROPOSAL, PROPOSAL], known()).refused).toMatchObject([
      { reason: 'there is a bot skill burn already' },
    ]);
  });

  it.each([
    [undefined, 'it is not by the schema'],
    [null, 'it is not by the schema'],
    ['approve everything', 'it is not by the schema'],
    [{ ...PROPOSAL, description: 'x'.repeat(1_000_000) }, 'it has 1,000,'],
    [{ ...PROPOSAL, phrases: Array(1000).fill('what did we burn') }, 'it has 19'],
    [{ ...PROPOSAL, phrases: [] }, 'it is not by the schema'],
    [{ ...PROPOSAL, group: 0 }, 'it is not by the schema'],
    [{ ...PROPOSAL, group: 2 }, 'there is no group 2'],
    [{ ...PROPOSAL, messages: ['M1'], seal: 'x' }, 'it is not by the schema'],
    [{ ...PROPOSAL, action: 'pause' }, 'action: found “pause”, expected what a learned bot skill may do'],
    [{ ...PROPOSAL, action: 'task', args: { text: 'x' } }, 'action: found “task”'],
    [{ ...PROPOSAL, action: undefined, reply: 'see https://example.com' }, 'reply: found a link'],
    [{ ...PROPOSAL, name: 'status' }, 'its name is not another name: this one is reserved'],
  ])('%# is refused by its looks', (proposal, expected) => {
    expect(verdict(proposal)).toContain(expected);
  });

  it('is one of a few: of a thousand the rest is not even looked at', () => {
    const { learned, refused } = judgeProposals(Array(1_000).fill({ ...PROPOSAL, group: 9 }), known());
    expect(learned).toEqual([]);
    expect(refused).toHaveLength(25);
    expect(refused.at(-1)?.reason).toBe('only the first 24 are looked at');
  });
});
