import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TaskQueueFile, taskQueueOf, writeTaskQueue } from '../../src/flow/task-queue.ts';
import { stateOf, taskOf } from '../policy/situations.ts';
import { openHomeJournal } from './home-journal.ts';

let dir: string;
const closing: (() => void)[] = [];
beforeEach(() => {
  dir = fs.mkdtempSync(join(os.tmpdir(), 'winnow-queue-'));
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  fs.rmSync(dir, { recursive: true, force: true });
});

const open = () => {
  const home = openHomeJournal(dir);
  closing.push(() => home.journal.close());
  const picture = () => JSON.parse(fs.readFileSync(home.file, 'utf8')) as TaskQueueFile;
  const queue = (task: string, more: { priority?: 'low' | 'urgent' } = {}) =>
    home.journal.append<'task_queued'>({
      type: 'task_queued',
      project: 'api',
      data: { task, text: `do ${task}`, priority: 'normal', origin: 'person', ...more },
    });
  return { ...home, picture, queue };
};

describe('the picture of the queue', () => {
  it('shows what waits by priority, what is worked on, and what is over with the newest first', () => {
    const tasks = [
      taskOf('a', { priority: 'low' }),
      taskOf('b', { priority: 'urgent' }),
      taskOf('c', { state: 'assigned' }),
      taskOf('d', { state: 'done', changedAt: '2026-03-14T08:00:00.000Z' }),
      taskOf('e', { state: 'failed', changedAt: '2026-03-14T09:00:00.000Z' }),
      taskOf('f', { state: 'cancelled', changedAt: '2026-03-14T07:00:00.000Z' }),
    ];
    const picture = taskQueueOf(
      stateOf((state) => {
        for (const task of tasks) state.tasks[task.id] = task;
      }),
    );
    const ids = Object.fromEntries(
      Object.entries(picture).map(([name, list]) => [name, list.map((t: { id: string }) => t.id)]),
    );
    expect(ids).toEqual({ queued: ['b', 'a'], assigned: ['c'], closed: ['e', 'd', 'f'] });
  });

  it('shows everything that is open and a hundred of what is over', () => {
    const picture = taskQueueOf(
      stateOf((state) => {
        for (let n = 0; n < 300; n += 1) {
          state.tasks[`q${n}`] = taskOf(`q${n}`);
          state.tasks[`d${n}`] = taskOf(`d${n}`, { state: 'done' });
        }
      }),
    );
    expect(picture.queued).toHaveLength(300);
    expect(picture.closed).toHaveLength(100);
  });

  it('is written when there is none yet, and not again when it says the same', () => {
    const { journal, file, picture, queue } = open();
    writeTaskQueue(journal, file);
    expect(picture()).toEqual({ queued: [], assigned: [], closed: [] });
    queue('t1');
    writeTaskQueue(journal, file);
    const { ino } = fs.statSync(file);
    writeTaskQueue(journal, file);
    expect(fs.statSync(file).ino).toBe(ino);
    expect(picture().queued.map(({ id }) => id)).toEqual(['t1']);
  });

  it('replaces what is damaged or was edited', () => {
    const { journal, file, picture, queue } = open();
    queue('t1');
    for (const content of ['', '{"queued": [', '\0\0\0', '{"queued":[]}']) {
      fs.writeFileSync(file, content);
      writeTaskQueue(journal, file);
      expect(picture().queued).toHaveLength(1);
    }
  });

  it('that cannot be written fails nothing: the journal has the tasks', () => {
    const { journal, file, queue } = open();
    fs.mkdirSync(file, { recursive: true });
    queue('t1');
    writeTaskQueue(journal, file);
    expect(journal.state().tasks.t1?.state).toBe('queued');
  });

  it('says what the journal says when two processes have written at once, and is whole at every moment', async () => {
    const { journal, file, picture } = open();
    writeTaskQueue(journal, file);
    const script = fileURLToPath(new URL('fixtures/queuer.ts', import.meta.url));
    const writers = ['one', 'two'].map((name) =>
      spawn(process.execPath, ['--import', 'tsx', script, dir, name, '60'], {
        cwd: join(dirname(script), '../../..'),
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const gone = Promise.all(writers.map((writer) => once(writer, 'exit')));
    await Promise.all(writers.map((writer) => once(writer.stdout, 'data')));
    for (const writer of writers) writer.stdin.end('go\n');
    let running = true;
    void gone.then(() => {
      running = false;
    });
    while (running) {
      expect(picture().queued.length).toBeGreaterThanOrEqual(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await gone).map(([code]) => code)).toEqual([0, 0]);
    expect(picture()).toEqual(JSON.parse(JSON.stringify(taskQueueOf(journal.state()))));
    expect(picture().queued).toHaveLength(120);
  });
});
