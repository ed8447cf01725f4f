import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RECENT_CYCLES_MAX } from '../../src/model/state.ts';
import { pastCycle, writePast } from '../journal/past.ts';
import { THOROUGH } from '../thoroughness.ts';
import { bash, CLEAN_FIX, createWorkbench, planStep, type Workbench } from './workbench.ts';

let bench: Workbench;
afterEach(() => bench.close());

const OLD = '01KKN3V8ZC0000000000000001';
const TITLE = 'Add instead of subtracting';

/** A discarded attempt, and far more cycles since than the state remembers. */
const longPast = (home: string): void => {
  const where = { project: 'small', outcome: 'discarded' as const };
  const old = pastCycle({
    ...{ ...where, title: TITLE, cycle: OLD, files: ['sum.js'] },
    reason: 'breaks 1 test: doubles',
    broken: ['tests: doubles'],
    fixed: [],
  });
  const later = Array.from({ length: RECENT_CYCLES_MAX + 50 }, (_, n) =>
    pastCycle({ ...where, title: `Another matter n${n}`, files: [`other${n}.js`], reason: 'breaks 1 test: other' }),
  );
  // The envelope that a reader needs: each cycle began before it ended.
  const cycles = [old, ...later].flatMap((entry, n) => {
    const cycle = n === 0 ? OLD : `01KKN3V8ZC${String(n).padStart(16, '0')}`.replace(/1$/, 'A');
    const envelope = { project: 'small', session: 'beta', cycle };
    const began = { pid: 1, start: '1', trigger: 'schedule' as const, workspace: '/nowhere' };
    return [
      { type: 'cycle_started' as const, ...envelope, data: began },
      { ...entry, ...envelope },
    ];
  });
  writePast(join(home, 'logs/experiment-log.jsonl'), cycles as Parameters<typeof writePast>[1]);
};

describe('a plan that repeats what was discarded long ago', () => {
  it('is shown to the session, and sent back with the cycle and its patch when it comes all the same', async () => {
    bench = await createWorkbench({
      scenarios: {
        alpha: {
          steps: [
            planStep({ title: 'Adding instead of subtracting!' }),
            planStep({ title: 'Turn the sign of the second operand' }),
            bash(`sed -i 's/a - b/a + b/' sum.js`),
            { blocks: ['It adds now.'] },
          ],
          after: 'restart',
        },
      },
    });
    longPast(bench.home);
    const { code, out } = await bench.start('cycle', 'alpha', '--json').done;
    expect({ code, outcome: (JSON.parse(out) as { data: { outcome: string } }).data.outcome }).toEqual({
      code: 0,
      outcome: 'pushed',
    });
    expect(bench.ofType('plan_refused').map(({ data }) => data)).toEqual([
      {
        title: 'Adding instead of subtracting!',
        why: 'tried',
        reference: OLD,
        reason: expect.stringMatching(
          new RegExp(
            `^beta tried “${TITLE}” on .* and it was discarded: breaks 1 test: doubles \\(cycle ${OLD}, patch logs/patches/past\\.patch\\)`,
          ),
        ),
      },
    ]);
    // The first question to the model already spoke of it.
    const asked = bench.api.log.find(({ prompt }) => prompt.includes('What was tried before'))?.prompt;
    expect(asked).toContain(`“${TITLE}” [sum.js]: discarded: breaks 1 test: doubles (${OLD}, logs/patches/past.patch)`);
  });

  it.runIf(THOROUGH)('goes ahead when a person asks for it', async () => {
    bench = await createWorkbench({ scenarios: { alpha: CLEAN_FIX } });
    longPast(bench.home);
    const { code } = await bench.start('cycle', 'alpha', '--task', 'Add instead of subtracting, once more').done;
    expect(code).toBe(0);
    expect(bench.ofType('plan_refused')).toEqual([]);
    expect(bench.ofType('plan_made').map(({ data }) => data.plan.title)).toEqual([TITLE]);
  });
});
