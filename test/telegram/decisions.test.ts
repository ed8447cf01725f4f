import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createBotEars } from '../../src/desk/bot-ears.ts';
import type { Factory } from '../../src/desk/doors.ts';
import { createWorkbench, type Workbench } from '../factory/workbench.ts';
import { until } from '../journal/workbench.ts';
import { DATA } from '../model/examples.ts';
import { type Bench, openBench } from './bench.ts';

/** What lands and what is thrown away, decided from a phone on a real repository. */

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const NAME = 'brl/alpha/20260314-091500';
const SHORT = 'alpha/20260314-091500';

const open = async () => {
  const bench = await createWorkbench({ sessions: ['alpha'] });
  closing.push(bench.close);
  const factory = await bench.open();
  const phone = await openBench({ factory, ears: createBotEars(factory), place: placeOf(bench, factory) });
  closing.push(phone.close);
  const commit = await pushBranch(bench, 'export const sum = (a, b) => a + b;\n');
  const where = { project: 'small', session: 'alpha', cycle: 'c1' };
  const plan = { ...DATA.plan_made.plan, title: 'Add instead of subtracting' };
  factory.journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: DATA.cycle_started });
  factory.journal.append<'plan_made'>({ type: 'plan_made', ...where, data: { ...DATA.plan_made, plan } });
  factory.journal.append<'branch_pushed'>({
    type: 'branch_pushed',
    ...where,
    data: {
      ...{ branch: NAME, commit, base: await bench.git('rev-parse', 'main') },
      tree: await bench.git('rev-parse', `${commit}^{tree}`),
    },
  });
  factory.journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...where, data: { ...DATA.ralph_cycle, plan } });
  phone.start();
  return { bench, factory, phone, commit };
};

const placeOf = (bench: Workbench, factory: Factory): Bench['place'] => ({
  dir: bench.home,
  counter: factory,
  slots: factory.shop.slots,
  config: factory.config(),
  ofType: bench.ofType,
  close: async () => {},
});

const pushBranch = async (bench: Workbench, text: string): Promise<string> => {
  await bench.git('checkout', '--quiet', '-B', 'work', 'main');
  await writeFile(join(bench.dir, 'work', 'sum.js'), text);
  await bench.git('commit', '--quiet', '--all', '--message', 'Change');
  await bench.git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${NAME}`);
  return bench.git('rev-parse', 'HEAD');
};

const reviews = (bench: Workbench) =>
  bench.ofType('cto_review').map(({ data: { decision, name, reasons } }) => [decision, name, ...reasons]);

describe('a branch', () => {
  it('is looked at and approved, after one more look, once however often it is pressed', async () => {
    const { bench, phone, commit } = await open();
    await phone.ask('/queue');
    const shown = await phone.press('1 Show');
    expect(shown).toContain('Add instead of subtracting\nalpha/20260314-091500\n');
    expect(shown).toMatch(/Changes, 1 file, .*:\n– modified \+1 -2 sum\.js/);
    const diff = await phone.press('Diff');
    expect(diff).toContain('+export const sum = (a, b) => a + b;');
    expect(phone.api.sent.at(-1)!.entities).toEqual([expect.objectContaining({ type: 'pre' })]);
    const asked = await phone.press('Approve');
    expect(asked).toMatch(/^Approve this\? The train takes it to main/);
    expect(asked).toContain(`Add instead of subtracting\n${SHORT}\nat ${commit.slice(0, 10)}`);
    expect(reviews(bench)).toEqual([]);
    expect(await phone.press('Yes')).toBe(`✅ ${SHORT} is approved at ${commit.slice(0, 10)}; the train takes it.`);
    expect(await phone.press('Yes')).toMatch(
      `${SHORT} is approved: by ada (telegram): approved by a person. Nothing more is done.`,
    );
    expect(await phone.press('Approve')).toMatch(/Nothing more is done/);
    expect(reviews(bench)).toEqual([['approve', 'ada (telegram)', 'approved by a person']]);
  });

  it('is approved by a command at once', async () => {
    const { bench, phone } = await open();
    expect(await phone.ask(`/approve ${SHORT} it is small`)).toMatch(/^✅/);
    expect(reviews(bench)).toEqual([['approve', 'ada (telegram)', 'it is small']]);
  });

  it('that moved since it was looked at is neither approved nor rejected', async () => {
    const { bench, phone, commit } = await open();
    await phone.ask(`/show ${SHORT}`);
    await phone.press('Approve');
    const moved = await pushBranch(bench, 'export const sum = (a, b) => b + a;\n');
    expect(await phone.press('Yes')).toMatch(
      `${SHORT} has moved since: ${commit.slice(0, 10)} is ${moved.slice(0, 10)} now. Nothing is done.`,
    );
    // The journal knows by now, and the old buttons know that they are old.
    expect(await phone.press('Approve')).toContain('has moved since');
    expect(reviews(bench)).toEqual([]);
    await phone.press('Reject');
    expect(phone.api.sent.at(-1)!.text).toMatch(/^Why is alpha/);
  });

  it('is rejected with the reason that is written in reply', async () => {
    const { bench, phone, commit } = await open();
    await phone.ask('/queue');
    const question = await phone.press('Reject');
    expect(question).toMatch(/^Why is alpha\/20260314-091500 rejected\?/);
    expect(phone.api.sent.at(-1)!.asks).toBe(true);
    expect(reviews(bench)).toEqual([]);
    const reply = { message_: { reply_to_message: { from: { id: 4200 }, text: question } } };
    // Of somebody else's message it is no answer.
    const quoted = { message_: { reply_to_message: { from: { id: 9 }, text: question } } };
    expect((await phone.answers(phone.api.say('so what', quoted)))[0]!.text).toMatch(/^I did not understand/);
    const [answer] = await phone.answers(phone.api.say('it breaks <everything>', reply));
    expect(answer!.text).toMatch(/^❌ alpha\/20260314-091500 is rejected\.\nIts patch is logs\/patches\//);
    expect(reviews(bench)).toEqual([['reject', 'ada (telegram)', 'it breaks <everything>']]);
    expect((await phone.answers(phone.api.say('once more', reply)))[0]!.text).toMatch(/Nothing more is done/);
    expect(await phone.ask(`/reject ${SHORT} ${commit.slice(0, 10)} again`)).toMatch(/is rejected: by ada/);
    // A button that was made while it was open does not open it again.
    await phone.answers(phone.api.press(`approve ${SHORT} ${commit.slice(0, 10)} !`));
    expect(reviews(bench)).toHaveLength(1);
  });

  it('is spoken of in free words, which decide nothing before they are repeated', async () => {
    const { bench, phone } = await open();
    expect(await phone.ask('how is it going?')).toMatch(/^Winnow is NOT RUNNING/);
    expect(await phone.ask('please approve alpha')).toMatch(/^Approve this\?/);
    expect(reviews(bench)).toEqual([]);
    expect(await phone.press('Yes')).toMatch(/^✅/);
    expect(bench.ofType('message_handled').map(({ data: { by, action } }) => [by, action])).toEqual([
      ['rule', 'status'],
      ['rule', 'approve'],
      ['button', 'approve'],
    ]);
  });

  it('is told of by the review that somebody asked for from a chat', async () => {
    const { factory, phone } = await open();
    await phone.ask(`/review ${SHORT}`);
    const [request] = phone.desk.requests(false);
    expect(request).toMatchObject({ what: 'review', args: { branches: [NAME] } });
    await phone.stop();
    // While no bot was there.
    factory.journal.append<'request_settled'>({
      type: 'request_settled',
      data: { request: request!.id, done: true, note: '1 of 1 branches reviewed' },
    });
    phone.start();
    await until(() => phone.api.sent.some(({ text }) => text.includes('1 of 1 branches reviewed')), 'the news');
    await phone.stop();
    phone.start();
    await phone.ask('/cost');
    expect(phone.api.sent.filter(({ text }) => text.includes('1 of 1 branches'))).toHaveLength(1);
  });
});
