import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { atSomeMoment, type Fault } from './faults.ts';
import { pause } from './world.ts';

const leftFile = (dir: string): string => join(dir, 'memory-left');
/** Well behind the gate, and well before it. */
const LITTLE = '0.02';

/**
 * Somebody else on the machine takes its memory. Only what Winnow reads of it is changed: to take it for real would
 * have the kernel kill whatever else runs here.
 */
export const MEMORY: Fault = {
  name: 'memory-hog',
  what: 'the memory of the machine is used up for some seconds: nothing begins, and what runs goes on',
  setting: {
    preload: (dir) => [
      `${pathToFileURL(join(import.meta.dirname, 'preload/memory.mjs'))}?file=${encodeURIComponent(leftFile(dir))}`,
    ],
    config: { gates: { memory: '90%', disk: '1MB', budgetPerDayUsd: 50 } },
  },
  strike: async (world) => {
    const { bench, random } = world;
    await world.next((entry) => entry.type === 'cycle_started', 'a cycle');
    await atSomeMoment(world);
    const closed = world.next((entry) => entry.type === 'gate_closed' && entry.data.gate === 'memory', 'a closed gate');
    await writeFile(leftFile(bench.dir), LITTLE);
    await closed;
    const running = new Set(bench.ofType('cycle_started').map(({ cycle }) => cycle));
    for (const { cycle } of bench.ofType('ralph_cycle')) running.delete(cycle);
    await pause(random.between(2_000, 8_000));
    const opened = world.next((entry) => entry.type === 'gate_opened' && entry.data.gate === 'memory', 'an open gate');
    await rm(leftFile(bench.dir));
    await opened;
    for (const cycle of running) {
      const end = await bench.until((entry) => entry.type === 'ralph_cycle' && entry.cycle === cycle, 'its end');
      // Empty: what landed meanwhile was the same.
      if (end.type === 'ralph_cycle' && end.data.outcome !== 'pushed' && end.data.outcome !== 'empty')
        throw new Error(`what ran was ${end.data.outcome}: ${end.data.reason}`);
    }
  },
  after: async ({ bench }) => {
    let shut = false;
    for (const entry of bench.entries()) {
      if (entry.type === 'gate_closed' && entry.data.gate === 'memory') shut = true;
      if (entry.type === 'gate_opened' && entry.data.gate === 'memory') shut = false;
      if (shut && entry.type === 'cycle_started')
        throw new Error(`cycle ${entry.cycle} began while the gate was closed`);
    }
  },
};
