import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import type { Entry, EntryType } from '../src/model/entry.ts';
import { atSomeMoment, type Fault } from './faults.ts';
import type { Random } from './random.ts';
import { aheadMs, clockFile, pause, SESSIONS, type World } from './world.ts';

/** The clock of the wall is set while Winnow works: by the hour, the day, the year, and to where all clocks begin. */
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const JUMPS: readonly ((nowMs: number) => number)[] = [
  (now) => now + HOUR_MS,
  (now) => now - HOUR_MS,
  (now) => now + DAY_MS,
  (now) => now - DAY_MS,
  (now) => now + 365 * DAY_MS,
  (now) => now - 365 * DAY_MS,
  // Always the same moment, so that what is named by the time meets its own name again.
  () => Date.UTC(1970, 0, 1, 0, 0, 2),
];

const set = (world: World, toMs: number): void => {
  const file = clockFile(world.bench.dir);
  writeFileSync(`${file}.new`, String(toMs - Date.now()));
  renameSync(`${file}.new`, file);
};

const jumpsOf = (random: Random): ((nowMs: number) => number)[] => {
  const one = random.pick(JUMPS);
  const forth = random.pick([HOUR_MS, DAY_MS]);
  return random.next() < 0.5
    ? [one, random.pick(JUMPS), random.pick(JUMPS)]
    : [(now) => now + forth, (now) => now - forth, (now) => now + forth, (now) => now - forth];
};

const SLOT = '0 * * * *';

export const CLOCK: Fault = {
  name: 'clock-jump',
  what: 'the clock is set by hours, a day, a year and to 1970, back and forth, while Winnow works',
  setting: {
    preload: (dir) => [
      `${pathToFileURL(join(import.meta.dirname, 'preload/clock.mjs'))}?file=${encodeURIComponent(clockFile(dir))}`,
    ],
    config: { schedule: { standup: SLOT, review: SLOT } },
  },
  strike: async (world) => {
    const { random } = world;
    await world.next((entry) => entry.type === 'cycle_phase', 'a cycle under way');
    await atSomeMoment(world);
    for (const jump of jumpsOf(random)) {
      set(world, jump(Date.now() + aheadMs(world.bench.dir)));
      await pause(random.between(100, 2_000));
      await world.next(() => true, 'an entry of that time');
    }
    if (random.next() < 0.3) {
      world.acknowledge();
      await world.kill();
    }
    // Somebody sets it right again, or nobody does.
    if (random.next() < 0.5) set(world, Date.now());
  },
  after: async (world) => {
    const hours = new Set(world.bench.entries().map(({ ts }) => ts.slice(0, 13)));
    if (hours.size < 2) throw new Error('the clock never jumped');
    const broken = [...twiceInSlot(world), ...namedTwice(world), ...cyclesBesideEachOther(world), ...orderOf(world)];
    const told = await execa('node', [join(process.cwd(), 'dist/main.js'), 'status', '--json'], {
      cwd: world.bench.home,
      reject: false,
    });
    if (told.exitCode !== 0) broken.push(`status ends with ${told.exitCode}: ${told.stderr}`);
    if (broken.length > 0) throw new Error(broken.join('; '));
  },
};

/** A meeting of the clock belongs to the whole hour that was last struck. */
const twiceInSlot = ({ bench }: World): string[] => {
  const slots = bench
    .ofType('team_standup')
    .filter(({ data }) => data.trigger === 'schedule')
    .map(({ ts }) => ts.slice(0, 13));
  return slots.filter((slot, n) => slots.indexOf(slot) !== n).map((slot) => `two standups in the hour ${slot}`);
};

const namedTwice = ({ bench }: World): string[] => {
  const names = bench.ofType('branch_pushed').map(({ data }) => data.branch);
  return names.filter((name, n) => names.indexOf(name) !== n).map((name) => `two branches are called ${name}`);
};

const cyclesBesideEachOther = ({ bench }: World): string[] =>
  SESSIONS.flatMap((session) => {
    let running: string | undefined;
    return bench.entries().flatMap((entry) => {
      if (entry.session !== session) return [];
      if (entry.type === 'ralph_cycle' && entry.cycle === running) running = undefined;
      if (entry.type !== 'cycle_started') return [];
      const beside = running === undefined ? [] : [`${entry.cycle} of ${session} began while ${running} ran`];
      running = entry.cycle;
      return beside;
    });
  });

/** By their places in the journal, whatever their times say. */
const orderOf = ({ bench }: World): string[] => {
  const entries = bench.entries();
  const first = (type: EntryType, is: (entry: Entry) => boolean) =>
    entries.findIndex((entry) => entry.type === type && is(entry));
  return entries.flatMap((entry, place) => {
    if (entry.type === 'ralph_cycle' && first('cycle_started', ({ cycle }) => cycle === entry.cycle) > place)
      return [`cycle ${entry.cycle} ends before it began`];
    if (entry.type === 'intent_settled' && first('intent', ({ id }) => id === entry.data.intent) > place)
      return [`intent ${entry.data.intent} is settled before it was formed`];
    return [];
  });
};
