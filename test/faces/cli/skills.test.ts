import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Doors } from '../../../src/desk/doors.ts';
import type { SkillView } from '../../../src/desk/skills.ts';
import {
  renderSkill,
  renderSkills,
  skillsCheckCommand,
  skillsListCommand,
  skillsRestoreCommand,
  skillsRetireCommand,
  skillsShowCommand,
} from '../../../src/faces/cli/skills.ts';
import { openFactory } from '../../../src/factory.ts';
import { createWorkbench, type Workbench } from '../../factory/workbench.ts';
import { createPaper, tags } from './paper.ts';

const NOW = Date.parse('2026-03-14T10:00:00.000Z');

const view = (name: string, more: Partial<SkillView> = {}): SkillView => ({
  name,
  standing: 'measuring',
  by: 'doctor',
  description: 'Makes tests that wait for timers deterministic. Use when a test is flaky, or times out now and then.',
  with: { kept: 0, ended: 0 },
  without: { kept: 0, ended: 0 },
  effect: undefined,
  confidence: undefined,
  since: '2026-03-12T10:00:00.000Z',
  lastUsedAt: undefined,
  evidence: [],
  fault: undefined,
  reason: '',
  file: `skills/${name}/SKILL.md`,
  ...more,
});

const SKILLS: SkillView[] = [
  view('empty-results', {
    standing: 'helps',
    with: { kept: 48, ended: 96 },
    without: { kept: 8, ended: 25 },
    effect: 0.18,
    confidence: 0.9993,
    description: 'How functions of this project return nothing; use it when a search, a filter or a lookup is changed.',
  }),
  view('flaky-timers', { with: { kept: 3, ended: 7 }, without: { kept: 0, ended: 1 }, effect: 0.43, confidence: 0.61 }),
  view('mine', {
    standing: 'harms',
    by: 'person',
    with: { kept: 4, ended: 40 },
    without: { kept: 6, ended: 11 },
    effect: -0.445,
    confidence: 0.01,
    reason: 'yours to decide: `winnow skills retire` puts it aside',
    description: 'When a change\u001b[31m grows.',
  }),
  view('new', { since: undefined }),
  view('push-it', { standing: 'refused', by: 'person', fault: 'instructs', reason: 'it tells the session to push' }),
  view('use-let', {
    standing: 'retired',
    reason: 'kept 4 of 20 with it, 9 of 22 without: it helps with a probability of 6 %',
    file: 'skills/.retired/use-let/SKILL.md',
  }),
  view('draft-1a2b3c4d5e6f', {
    standing: 'quarantined',
    reason: 'it tells somebody to approve',
    file: 'skills/.quarantine/draft-1a2b3c4d5e6f/draft.txt',
  }),
];

describe('the list of skills', () => {
  it('stands on 120 columns', () => {
    expect(renderSkills(SKILLS, NOW, createPaper(120))).toMatchInlineSnapshot(`
      "SKILL          STATE      BY      USES  WITH  WITHOUT  HELPS  AGE   WHEN
      empty-results  helps      doctor  96    50 %  32 %     >99 %  2d0h  How functions of this project return nothing; use it
                                                                          when a search, a filter or a lookup is changed.
      flaky-timers   measuring  doctor  7     43 %  0 %      61 %   2d0h  Makes tests that wait for timers deterministic. Use
                                                                          when a test is flaky, or times out now and then.
      mine           harms      person  40    10 %  55 %     1 %    2d0h  When a change grows.
      new            measuring  doctor  0     –     –        –      new   Makes tests that wait for timers deterministic. Use
                                                                          when a test is flaky, or times out now and then.
      mine: harms; yours to decide: \`winnow skills retire\` puts it aside

      NOT LENT            STATE        FILE                                             WHY
      push-it             refused      skills/push-it/SKILL.md                          it tells the session to push
      use-let             retired      skills/.retired/use-let/SKILL.md                 kept 4 of 20 with it, 9 of 22 without:
                                                                                        it helps with a probability of 6 %
      draft-1a2b3c4d5e6f  quarantined  skills/.quarantine/draft-1a2b3c4d5e6f/draft.txt  it tells somebody to approve"
    `);
  });

  it('stands on 80 columns', () => {
    const text = renderSkills(SKILLS, NOW, createPaper(80));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).toMatchInlineSnapshot(`
      "SKILL          STATE      BY      USES  WITH  WITHOUT  HELPS  AGE
      empty-results  helps      doctor  96    50 %  32 %     >99 %  2d0h
      flaky-timers   measuring  doctor  7     43 %  0 %      61 %   2d0h
      mine           harms      person  40    10 %  55 %     1 %    2d0h
      new            measuring  doctor  0     –     –        –      new
      mine: harms; yours to decide: \`winnow skills retire\` puts it aside

      NOT LENT            STATE        FILE                   WHY
      push-it             refused      skills/push-it/SKILL.  it tells the session to
                                       md                     push
      use-let             retired      skills/.retired/use-l  kept 4 of 20 with it, 9
                                       et/SKILL.md            of 22 without: it helps
                                                              with a probability of 6
                                                              %
      draft-1a2b3c4d5e6f  quarantined  skills/.quarantine/dr  it tells somebody to
                                       aft-1a2b3c4d5e6f/draf  approve
                                       t.txt"
    `);
  });

  it('says what a skill is when there is none, and when none is lent', () => {
    expect(renderSkills([], NOW, createPaper())).toBe(
      'no skills yet; a directory under skills/ with a SKILL.md is one',
    );
    expect(renderSkills(SKILLS.slice(4, 5), NOW, createPaper())).toMatch(/^no skill is lent\n/);
  });
});

describe('one skill', () => {
  it('is shown with its figures and its text, and steers no terminal', () => {
    const skill = { ...SKILLS[0]!, evidence: ['c1', 'c2'], lastUsedAt: '2026-03-14T09:00:00.000Z' };
    const shown = renderSkill({ skill, body: '# Head\n\nReturn `[]`.\u001b[2J' }, NOW, { paint: tags });
    expect(shown).not.toContain('\u001b');
    expect(shown).toMatchInlineSnapshot(`
      "<bold>empty-results</bold>
        state     helps
        by        the doctor
        when      How functions of this project return nothing; use it when a search, a filter or a lookup is changed.
        with      48 of 96 kept (50 %)
        without   8 of 25 kept (32 %)
        effect    +18 points, helps with a probability of >99 %
        known     2d0h ago
        used      1h00m ago
        cycles    c1 c2
        file      skills/empty-results/SKILL.md

      # Head

      Return \`[]\`."
    `);
  });

  it('is shown as far as it is known', () => {
    expect(renderSkill({ skill: SKILLS[4]!, body: undefined }, NOW, createPaper())).toMatchInlineSnapshot(`
      "push-it
        state     refused: it tells the session to push
        by        a person
        when      Makes tests that wait for timers deterministic. Use when a test is flaky, or times out now and then.
        with      no cycle yet
        without   no cycle yet
        known     2d0h ago
        file      skills/push-it/SKILL.md"
    `);
  });
});

describe('the commands', () => {
  const benches: Workbench[] = [];
  afterEach(async () => {
    for (const bench of benches.splice(0)) await bench.close();
  });

  const newHome = async (homeFiles: Record<string, string>) => {
    const bench = await createWorkbench({ homeFiles, sessions: ['alpha'] });
    benches.push(bench);
    const doors = { openFactory: () => openFactory(bench.home) } as unknown as Doors;
    type Command = (paper: ReturnType<typeof createPaper>, doors: Doors) => Promise<number>;
    const call = async (command: Command) => {
      const paper = createPaper(120);
      return { code: await command(paper, doors), out: paper.results.join('\n'), err: paper.notes.join('\n') };
    };
    return { bench, call };
  };
  const GOOD = '---\nname: mine\ndescription: When a change grows.\n---\n\nMake it smaller.\n';
  const BAD = '---\nname: pushes\ndescription: When done.\n---\n\nPush to main.\n';

  it('list, show and check what lies under skills/, for people and for scripts', async () => {
    const { bench, call } = await newHome({ 'skills/mine/SKILL.md': GOOD, 'skills/pushes/SKILL.md': BAD });
    const list = await call((paper, doors) => skillsListCommand(doors, paper, { json: true }));
    expect(JSON.parse(list.out)).toMatchObject([
      { name: 'mine', standing: 'measuring', by: 'person', with: { kept: 0, ended: 0 } },
      { name: 'pushes', standing: 'refused', fault: 'instructs', reason: 'it tells the session to push' },
    ]);
    const show = await call((paper, doors) => skillsShowCommand(doors, paper, 'mine', {}));
    expect(show).toMatchObject({ code: 0, out: expect.stringContaining('Make it smaller.') });
    const none = await call((paper, doors) => skillsShowCommand(doors, paper, 'none', {}));
    expect(none).toMatchObject({ code: 2, out: '', err: expect.stringContaining('no skill none') });
    const check = await call((paper, doors) => skillsCheckCommand(doors, paper, {}));
    expect(check).toMatchObject({
      code: 1,
      out: 'refused  skills/pushes: it tells the session to push\n1 lent, 1 refused',
    });
    expect(bench.ofType('skill_refused')).toHaveLength(1);
  });

  it('put aside and bring back, and print the entry alone', async () => {
    const { bench, call } = await newHome({ 'skills/mine/SKILL.md': GOOD });
    const retired = await call((paper, doors) =>
      skillsRetireCommand(doors, paper, 'mine', { reason: 'old', json: true }),
    );
    expect(retired).toMatchObject({ code: 0, err: '' });
    expect(bench.ofType('skill_retired')).toMatchObject([JSON.parse(retired.out)]);
    expect(existsSync(join(bench.home, 'skills/.retired/mine/figures.md'))).toBe(true);
    const list = await call((paper, doors) => skillsListCommand(doors, paper, {}));
    expect(list.out).toMatch(
      /^no skill is lent\n\nNOT LENT.*\nmine +retired +skills\/\.retired\/mine\/SKILL\.md +old$/,
    );
    const restored = await call((paper, doors) => skillsRestoreCommand(doors, paper, 'mine', { json: true }));
    expect(bench.ofType('skill_restored')).toMatchObject([JSON.parse(restored.out)]);
    const again = await call((paper, doors) => skillsRestoreCommand(doors, paper, 'mine', {}));
    expect(again).toMatchObject({ code: 2, out: '' });
    expect((await call((paper, doors) => skillsCheckCommand(doors, paper, {}))).code).toBe(0);
  });
});
