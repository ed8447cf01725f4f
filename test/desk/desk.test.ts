import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDesk, type Desk } from '../../src/desk/desk.ts';
import type { Command } from '../../src/model/command.ts';
import type { Asker } from '../../src/model/request.ts';
import { exampleOf } from '../model/examples.ts';
import { openPlace, type Place } from './place.ts';

const CI: Asker = { face: 'http', name: 'ci' };
const MIA: Asker = { face: 'cli', name: 'mia' };

let place: Place;
let desk: Desk;

beforeEach(() => {
  place = openPlace();
  desk = createDesk(place.counter);
});
afterEach(() => place.close());

const taskOf = (text: string) => ({ command: 'add-task', text, project: 'api' }) as const;

describe('a command at the desk', () => {
  it('is journalled with who asked', async () => {
    await desk.do({ command: 'pause', session: 'alpha', reason: 'release day' }, { asker: CI });
    await desk.do({ command: 'resume', session: 'alpha' }, { asker: MIA });
    const added = await desk.do(taskOf('Mend the clock'), { asker: CI });
    expect(added).toMatchObject({ ok: true, value: { task: { text: 'Mend the clock', state: 'queued' } } });
    if (!added.ok) return;
    await desk.do({ command: 'cancel-task', task: added.value.task.id }, { asker: MIA });
    expect(place.ofType('paused')).toMatchObject([
      { session: 'alpha', data: { by: 'ci (http)', reason: 'release day' } },
    ]);
    expect(place.ofType('resumed')).toMatchObject([{ data: { by: 'mia' } }]);
    expect(place.ofType('task_queued')).toMatchObject([{ data: { by: 'ci (http)' } }]);
    expect(place.ofType('task_cancelled')).toMatchObject([{ data: { by: 'mia', reason: 'no reason given' } }]);
  });

  it.each<[Command, string, string]>([
    [{ command: 'pause', session: 'gamma' }, 'not-found', 'gamma'],
    [{ command: 'approve', branch: 'brl/none' }, 'home-unusable', 'whole factory'],
    [{ command: 'cancel-task', task: 'NOTASK' }, 'not-found', 'NOTASK'],
    [{ command: 'comment', branch: 'brl/none', text: 'Why?' }, 'not-found', 'brl/none'],
    [{ command: 'apply-proposal', proposal: 'NONE' }, 'not-found', 'NONE'],
    [{ command: 'dismiss-proposal', proposal: 'NONE', reason: 'x' }, 'not-found', 'NONE'],
    [{ command: 'retire-skill', skill: 'tests' }, 'home-unusable', 'whole factory'],
    [{ command: 'restore-skill', skill: 'tests' }, 'home-unusable', 'whole factory'],
    [{ command: 'request', what: 'cycle', args: {} }, 'argument-invalid', 'one session'],
    [{ command: 'request', what: 'cycle', args: { sessions: ['gamma'] } }, 'not-found', 'gamma'],
    [{ command: 'request', what: 'review', args: { short: true } }, 'argument-invalid', 'takes no short'],
    [{ command: 'request', what: 'review', args: { branches: ['brl/none'] } }, 'not-found', 'brl/none'],
  ])('that cannot be done says why: %j', async (command, kind, words) => {
    const done = await desk.do(command, { asker: CI });
    expect(done).toMatchObject({ ok: false, error: { kind, message: expect.stringContaining(words) } });
    expect(place.ofType('requested')).toEqual([]);
  });
});

describe('a proposal', () => {
  const PROPOSAL = '01KKN3V8ZC00000000000PROP1';
  const file = () => join(place.dir, 'sessions/alpha.md');

  beforeEach(() => {
    mkdirSync(join(place.dir, 'sessions'));
    writeFileSync(file(), '---\nproject: api\nfocus: tests\n---\nMend everything.\n');
    const change = { file: 'sessions/alpha.md', find: 'everything', replace: 'one thing', why: 'too much at once' };
    place.counter.journal.append<'prompt_proposed'>({
      type: 'prompt_proposed',
      ...{ session: 'alpha', project: 'api', data: { proposal: PROPOSAL, change, evidence: [] } },
    });
  });

  it('that is applied changes the file, once, and the journal has who wanted it', async () => {
    const applied = await desk.do({ command: 'apply-proposal', proposal: PROPOSAL }, { asker: CI });
    expect(applied).toMatchObject({ ok: true, value: { applied: { data: { file: 'sessions/alpha.md' } } } });
    expect(readFileSync(file(), 'utf8')).toContain('Mend one thing.');
    expect(place.ofType('prompt_applied')).toMatchObject([{ data: { proposal: PROPOSAL, by: 'ci (http)' } }]);
    expect(await desk.do({ command: 'apply-proposal', proposal: PROPOSAL }, { asker: MIA })).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('was applied by ci (http)') },
    });
    expect(desk.crew().proposals).toEqual([]);
  });

  it('that is dismissed changes nothing, and says why ever after', async () => {
    const command = { command: 'dismiss-proposal', proposal: 'prop1', reason: 'it is right as it is' } as const;
    expect(await desk.do(command, { asker: MIA })).toMatchObject({ ok: true });
    expect(readFileSync(file(), 'utf8')).toContain('Mend everything.');
    expect(await desk.do(command, { asker: MIA })).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('it is right as it is') },
    });
  });
});

describe('a key', () => {
  const keyed = { asker: CI, key: 'deploy-17' };

  it('makes asking twice the same as asking once, also in another process and after a restart', async () => {
    const first = await desk.do(taskOf('Once'), keyed);
    const second = await desk.do(taskOf('Once'), keyed);
    const elsewhere = openPlace(place.dir, false);
    const third = await createDesk(elsewhere.counter).do({ project: 'api', text: 'Once', command: 'add-task' }, keyed);
    await elsewhere.close();
    expect([first, second, third].map((done) => done.ok && [done.value.task.id, done.value.repeated])).toEqual(
      [false, true, true].map((repeated) => [first.ok && first.value.task.id, repeated]),
    );
    expect(place.ofType('task_queued')).toHaveLength(1);
  });

  it('is for one command, and for one asker', async () => {
    await desk.do(taskOf('Once'), keyed);
    expect(await desk.do(taskOf('Something else'), keyed)).toMatchObject({ ok: false, error: { kind: 'key-reused' } });
    expect(await desk.do(taskOf('Something else'), { ...keyed, asker: MIA })).toMatchObject({
      ok: true,
      value: { repeated: false },
    });
  });

  it('stands for a request and for what it joined', async () => {
    const review = { command: 'request', what: 'review', args: {} } as const;
    const first = await desk.do(review, { asker: MIA });
    const joined = await desk.do(review, keyed);
    expect(joined).toMatchObject({ value: { joined: true, repeated: false } });
    const again = await desk.do(review, keyed);
    expect(again).toMatchObject({
      value: { joined: true, repeated: true, request: { id: first.ok && first.value.request.id } },
    });
    expect(place.ofType('requested')).toHaveLength(2);
  });

  it('given to two processes at one moment counts once: whoever wrote second is told of the first', async () => {
    const line = (request: string) => ({
      ...exampleOf('requested', { id: request }),
      data: { request, what: 'review' as const, args: {}, by: CI, key: { id: 'k', command: 'c' } },
    });
    for (const request of ['01KKN3V8ZC00000000000000R1', '01KKN3V8ZC00000000000000R2']) {
      // As another process would: without asking the state that this one knows.
      mkdirSync(place.counter.paths.logs, { recursive: true });
      appendFileSync(place.counter.paths.journal, `${JSON.stringify(line(request))}\n`);
    }
    expect(desk.requests(true).map(({ id }) => id)).toEqual(['01KKN3V8ZC00000000000000R1']);
    expect(place.counter.journal.state().illegal.last).toContain('its key was used');
  });
});

describe('following from the desk', () => {
  it('goes on after the entry that was seen last, without loss and without doubling', async () => {
    const stop = new AbortController();
    const { journal } = place.counter;
    const ids = Array.from(
      { length: 300 },
      (_, n) =>
        journal.append<'alert'>({
          type: 'alert',
          data: { message: `n${n}`, mend: '' },
        }).id,
    );
    for (const seen of [0, 150, 299]) {
      const from = desk.follow({ after: ids[seen]!, signal: stop.signal });
      if (!from.ok) throw new Error(from.error.message);
      const next = journal.append<'alert'>({ type: 'alert', data: { message: 'new', mend: '' } }).id;
      ids.push(next);
      const got: string[] = [];
      for await (const { id } of from.value) {
        got.push(id);
        if (id === next) break;
      }
      expect(got).toEqual(ids.slice(seen + 1));
    }
    stop.abort();
  });

  it('starts inside a line to which a crash glued another entry', async () => {
    const { journal, paths } = place.counter;
    journal.append<'alert'>({ type: 'alert', data: { message: 'a', mend: '' } });
    journal.append<'alert'>({ type: 'alert', data: { message: 'b', mend: '' } });
    const [a = '', b = ''] = readFileSync(paths.journal, 'utf8').split('\n');
    writeFileSync(paths.journal, `${a}${b}\n`);
    const [first, second] = [a, b].map((line) => (JSON.parse(line) as { id: string }).id);
    const stop = new AbortController();
    const from = desk.follow({ after: first!, signal: stop.signal });
    if (!from.ok) throw new Error(from.error.message);
    for await (const { id } of from.value) {
      expect(id).toBe(second);
      break;
    }
    stop.abort();
  });

  it('says that it cannot where the entry is not there', () => {
    const { signal } = new AbortController();
    for (const after of ['01KKN3V8ZC0000000000000000', '', '../etc', 'x'.repeat(10_000)]) {
      expect(desk.follow({ after, signal })).toMatchObject({ ok: false, error: { kind: 'not-found' } });
    }
  });
});

describe('the views', () => {
  it('of a session hold what it does, did and is meant to do, and no process', async () => {
    const { journal } = place.counter;
    const where = { project: 'api', session: 'alpha', cycle: 'c1' };
    journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: exampleOf('cycle_started').data });
    await desk.do({ command: 'add-task', text: 'Next', session: 'alpha' }, { asker: CI });
    const shown = await desk.session('alpha');
    expect(shown).toMatchObject({
      ok: true,
      value: { name: 'alpha', running: { cycle: 'c1', phase: 'read' }, tasks: [{ text: 'Next' }], recent: [] },
    });
    expect(JSON.stringify(shown)).not.toContain('workspace');
    expect(await desk.session('gamma')).toMatchObject({ ok: false, error: { kind: 'not-found' } });
  });

  it('of a home in which nothing runs say so', async () => {
    expect(desk.isUp()).toBe(false);
    expect(await desk.status()).toMatchObject({
      processes: [],
      queue: [],
      sessions: [{ name: 'alpha' }, { name: 'beta' }],
    });
    expect(desk.crew()).toEqual({ standup: undefined, doctor: undefined, skills: [], proposals: [] });
  });
});
