import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { Factory } from '../../src/desk/doors.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { findMarked } from '../../src/ports/machine/processes.ts';
import { runCycle } from '../../src/roles/session.ts';
import { bash, CLEAN_FIX, createWorkbench, planStep, SMALL, type Workbench, type WorkbenchOptions } from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const workbench = async (options: WorkbenchOptions): Promise<{ bench: Workbench; factory: Factory }> => {
  const bench = await createWorkbench(options);
  benches.push(bench);
  return { bench, factory: await bench.open() };
};

const cycle = async ({ factory }: { factory: Factory }): Promise<EntryOf<'ralph_cycle'>> => {
  const session = factory.sessions()[0]!;
  const result = await runCycle(factory.shop, { session, trigger: 'manual', signal: new AbortController().signal });
  if (!result.ok) throw new Error(result.error.message);
  expect(await findMarked(result.value.cycle!, 'prefix')).toEqual([]);
  return result.value;
};

const toolResults = (bench: Workbench): string =>
  bench.api.log
    .flatMap(({ toolResults: results }) => results)
    .map(({ text }) => text)
    .join('\n');

const probe = await createWorkbench({ agent: { sandbox: 'bwrap' } });
const probed = await probe.open();
const stands = await probed.shop.walls.stand();
await probe.close();
const why = stands.ok ? '' : ` (cannot be built here: ${stands.error.message})`;

describe.skipIf(!stands.ok)(`a cycle behind bubblewrap${why}`, () => {
  it('does its work with the real Claude Code, its tools and its slots, and comes to nothing else', async () => {
    const TRY = `
      cat "$WINNOW_HOME_TRIED/.env" "$WINNOW_HOME_TRIED/winnow.config.yaml" "$WINNOW_HOME_TRIED/logs/experiment-log.jsonl"
      echo mine > "$WINNOW_HOME_TRIED/sessions/mallory.md"
      echo "processes: $(ls -d /proc/[0-9]* | wc -l)"
      PATH="$PATH:$PWD/tools" tsc
      git log --oneline | wc -l
      sed -i 's/a - b/a + b/' sum.js`;
    const scenario: Scenario = { steps: [planStep(), bash('sh ./try.sh'), { blocks: ['It adds now.'] }] };
    const here = await workbench({
      scenarios: { alpha: scenario },
      files: { ...SMALL, 'try.sh': TRY, 'tools/tsc': '#!/bin/sh\necho "holds: $WINNOW_SLOTS_HELD"\n' },
      homeFiles: { '.env': 'SOME_TOKEN=abcdefgh12345678\n' },
      agent: { sandbox: 'bwrap' },
      config: { slots: { test: 2, tsc: 1 } },
    });
    const { bench } = here;
    await bench.git('update-index', '--chmod=+x', 'tools/tsc');
    await bench.commit({});
    const { data } = await cycle(here);
    expect(data).toMatchObject({ outcome: 'pushed', verdict: 'better' });
    expect(toolResults(bench)).toBe('');
  });
});
