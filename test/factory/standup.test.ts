import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ModelRequest, Scenario, Step } from '../../src/demo/scenario.ts';
import type { ChairWord, StandupWord } from '../../src/model/standup.ts';
import { createWorkbench, planStep, type Workbench } from './workbench.ts';

let bench: Workbench;
afterEach(() => bench.close());

const SILENT: StandupWord = {
  ...{ did: [], stuck: [], needs: [], offers: [], sharedErrors: [], fileWarnings: [], proposal: '' },
  commitment: { title: '', text: '', files: [] },
};
const word = (said: Partial<StandupWord>): Step => ({ blocks: [{ answer: { ...SILENT, ...said } }] });
const reports = (did: string) => word({ did: [did], stuck: [], needs: [] });
const commits = (title: string, ...files: string[]) =>
  word({ commitment: { title, text: 'Until its test passes.', files }, proposal: 'Look before you leap.' });

const chairSays: Scenario = {
  steps: [
    {
      blocks: [
        {
          answer: {
            summary: 'The sum is wrong and known to be.',
            priorities: ['Mend sum.js'],
            blockers: [],
          } satisfies ChairWord,
        },
      ],
    },
  ],
  after: 'restart',
};

it('is three rounds and the chair', async () => {
  const seen: ModelRequest[] = [];
  const kept = (steps: Step[]): Step[] =>
    steps.map((step) => (request) => {
      seen.push(request);
      return step as never;
    });
  bench = await createWorkbench({
    scenarios: {
      alpha: { steps: kept([reports('I looked at sum.js'), word({}), commits('Add instead of subtracting', 'sum.js')]) },
      beta: { steps: kept([reports('Nothing'), word({ offers: ['alpha: it subtracts'] }), commits('Test zero', 'sum.test.js')]) },
    },
  });
  bench.api.play('chair', chairSays);
  const { out, err, code } = await bench.start('standup').done;
  console.log(out, err, code);
  console.log(JSON.stringify(bench.ofType('team_standup')[0], null, 1));
  for (const r of seen) console.log(r.key, r.tools, JSON.stringify(r.body).length, JSON.stringify(r.body).slice(0, 1500));
});
