import { SMALL } from '../test/factory/workbench.ts';
import { type BenchRow, benchRow } from './row.ts';
import { createStandInBench, type Deed, runCycles, sessionNames } from './stand-ins.ts';

/** How many checks are executed when eight sessions work on one tip, against the two per cycle of work by hand. */
export const checkRows = async (): Promise<BenchRow[]> => {
  const sessions = sessionNames(SESSIONS);
  const bench = await createStandInBench({ files: GREEN, sessions });
  try {
    for (const [index, session] of sessions.entries())
      bench.lay(
        session,
        [0, 1, 2].map((round) => deedOf(index, round)),
      );
    const cycles = await runCycles(await bench.open(), ROUNDS);
    const ran = bench.ofType('check_ran').map(({ data }) => data);
    const distinct = new Set(ran.map(({ tree }) => tree)).size;
    // Known without the journal: what was judged by a check at all, and the tip itself.
    const judged = new Set(cycles.flatMap(({ after, tree }) => (after && tree ? [tree] : []))).size + 1;
    const again = ran.length - distinct;
    const ratio = ran.length / judged;
    const outcomes = (name: string) => cycles.filter(({ outcome }) => outcome === name).length;
    return [
      benchRow({
        key: 'checks.executed',
        row: `checks executed for ${cycles.length} cycles of ${SESSIONS} sessions on one tip`,
        figure: `${ran.length}, of which ${again} are second looks at tests that had just failed`,
        baseline: `${2 * cycles.length} by hand (a baseline and an evaluation per cycle); lower bound ${judged}`,
        value: ran.length,
        baselineValue: judged,
        unit: 'runs',
        // One more second look.
        tolerance: 0.06,
        goal: 'at most 1.05 of the lower bound: one per distinct tree that survives cheaper filters',
        met: ratio <= 1.05,
        method:
          `entries check_ran of one run, exact; ${outcomes('pushed')} cycles pushed, of them 3 with a tree that another ` +
          `had, ${outcomes('discarded')} discarded, of them 2 for a test they broke, ${outcomes('empty')} empty; agents ` +
          'are stand-ins that do what was laid down; the ratio is to the lower bound',
      }),
    ];
  } finally {
    await bench.close();
  }
};

const SESSIONS = 8;
const ROUNDS = 3;

const GREEN = {
  ...SMALL,
  'sum.js': 'export const sum = (a, b) => a + b;\nexport const twice = (a) => a * 2;\n',
};

/** Mostly changes of their own; now and then the same as another's, nothing, a forbidden one, one that breaks a test. */
const deedOf = (session: number, round: number): Deed => {
  const own = `part${session}-${round}.js`;
  const write = (name: string, value: number) => `echo 'export const value = ${value};' > ${name}`;
  const deed = (script: string): Deed => ({ title: `Piece ${session} of round ${round}`, files: [own], script });
  switch (`${round}.${session}`) {
    case '0.5':
    case '1.6':
    case '2.5':
      return deed(write(`part0-${round}.js`, round));
    case '0.6':
      return { ...deed(':'), nothing: true };
    case '0.7':
      return deed('echo >> package.json');
    case '1.7':
      return deed(':');
    case '2.6':
      return deed(`sed -i 's/a + b/a - b/' sum.js`);
    case '2.7':
      return deed(`sed -i 's/a \\* 2/a * 3/' sum.js`);
    default:
      return deed(write(own, session === 0 ? round : 100 * session + round));
  }
};
