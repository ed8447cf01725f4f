import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBoard } from '../../../src/desk/board.ts';
import { createDesk } from '../../../src/desk/desk.ts';
import type { Factory } from '../../../src/desk/doors.ts';
import { type Ended, runTui } from '../../../src/faces/tui/run.ts';
import { createWorkbench, type Workbench } from '../../factory/workbench.ts';
import { createHeadless } from './term/headless.ts';

/** The screen of review before a real mirror and a real remote. */

let bench: Workbench;
let factory: Factory;
beforeAll(async () => {
  bench = await createWorkbench({ sessions: ['alpha'] });
  factory = await bench.open();
});
afterAll(() => bench.close());

const WAIT = { timeout: 60_000, interval: 20 };

const push = async (name: string, code: string): Promise<string> => {
  const branch = `brl/alpha/${name}`;
  await bench.git('fetch', '--quiet', 'origin');
  await bench.git('checkout', '--quiet', '--force', '--detach', 'origin/main');
  await writeFile(join(bench.dir, 'work/sum.js'), code);
  await bench.git('commit', '--quiet', '--all', '--message', 'Add instead of subtracting');
  await bench.git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  const [commit, base, tree] = await Promise.all(
    ['HEAD', 'origin/main', 'HEAD^{tree}'].map((what) => bench.git('rev-parse', what)),
  );
  factory.journal.append<'branch_pushed'>({
    type: 'branch_pushed',
    ...{ project: 'small', session: 'alpha', cycle: `cycle-${name}` },
    data: { branch, commit: commit!, base: base!, tree: tree! },
  });
  return branch;
};

it('shows the diff of what waits, and takes the person’s word on it', async () => {
  const first = await push('20260314-000001', 'export const sum = (a, b) => a + b;\n');
  const second = await push('20260314-000002', 'export const sum = () => 3;\n');
  const screen = createHeadless(140, 40);
  const stop = new AbortController();
  const tui: Promise<Ended> = runTui({
    board: (onChange) => createBoard(factory, onChange),
    desk: createDesk(factory),
    ...{ input: screen.input, output: screen.output, theme: { colours: 'none', light: false, ascii: false } },
    ...{ themeIsGiven: true, mouse: false, name: Promise.resolve('mia'), now: Date.now, signal: stop.signal },
    suspend: () => {},
  });
  const until = (text: RegExp) => expect.poll(() => screen.shown(), WAIT).toMatch(text);
  try {
    await until(/alpha/);
    screen.input.write('2');
    await until(/-export const sum = \(a, b\) => a - b;[\s\S]*\+export const sum = \(a, b\) => a \+ b;/);
    for (const key of ['A', 'y']) screen.input.write(key);
    await until(/✓ brl\/alpha\/20260314-000001 is approved/);
    screen.input.write('j');
    await until(/\+export const sum = \(\) => 3;/);
    for (const key of ['D', ...'it cheats', '\r']) screen.input.write(key);
    await until(/✓ brl\/alpha\/20260314-000002 is rejected/);
    const { queue } = factory.journal.state();
    expect(queue[first]?.status).toMatchObject({ state: 'approved', by: 'person', name: 'mia' });
    expect(queue[second]?.status).toMatchObject({ state: 'rejected', name: 'mia', reason: 'it cheats' });
  } finally {
    stop.abort();
    await tui;
  }
});
