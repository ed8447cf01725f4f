import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/base/clock.ts';
import { createSlots, type SlotLease } from '../../../src/ports/machine/slots.ts';

/**
 * A process of a home that does what it is told on its standard input and says what came of it, with the time that all
 * processes share. Usage: member.ts DIR WHO; one JSON array a line: [operation, ...arguments].
 */
const [dir, who] = process.argv.slice(2) as [string, string];
const slots = createSlots({ dir, who, clock: systemClock });
const leases = new Map<string, SlotLease>();
const nowUs = () => Number(process.hrtime.bigint() / 1000n);
const say = (...said: unknown[]) => process.stdout.write(`${JSON.stringify([nowUs(), ...said])}\n`);

const operations: Record<string, (...args: never[]) => unknown> = {
  acquire: async (name: string, capacity: number, waitMs: number) => {
    say('asked', name);
    const result = await slots.acquire(name, capacity, { who, waitMs });
    if (result.ok) leases.set(name, result.value);
    say(result.ok ? 'got' : 'failed', name, result.ok ? '' : result.error.message);
  },
  release: (name: string) => {
    say('releasing', name);
    leases.get(name)?.release();
  },
  /** Takes and gives back again and again; says when each was asked for, got and given back. */
  hammer: async (name: string, capacity: number, times: number, holdMs: number) => {
    for (let i = 0; i < times; i++) {
      const askedUs = nowUs();
      const result = await slots.acquire(name, capacity, { who, waitMs: 60_000 });
      if (!result.ok) {
        say('failed', name, result.error.message);
        continue;
      }
      say('got', name, askedUs);
      if (holdMs > 0) await systemClock.sleep(Math.random() * holdMs);
      else await Promise.resolve();
      say('releasing', name);
      result.value.release();
    }
    say('hammered');
  },
  stall: (ms: number) => {
    say('stalling');
    const until = performance.now() + ms;
    while (performance.now() < until);
    say('back');
  },
  view: async () => say('view', await slots.view()),
  close: async () => {
    await slots.close();
    say('closed');
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [operation, ...args] = JSON.parse(line) as [string, ...never[]];
  void operations[operation]?.(...args);
});
say('up');
