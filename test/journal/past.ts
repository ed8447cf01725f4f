import fs from 'node:fs';
import { dirname } from 'node:path';
import { monotonicFactory } from 'ulid';
import { renderLine } from '../../src/journal/line.ts';
import type { Entry, EntryOf, NewEntry } from '../../src/model/entry.ts';
import { CYCLE } from '../model/examples.ts';

/** A long past, written by hand: what many processes would have appended in weeks. */

export interface PastCycle {
  title: string;
  files?: string[];
  outcome?: 'pushed' | 'discarded';
  reason?: string;
  broken?: string[];
  fixed?: string[];
  project?: string;
  session?: string;
  cycle?: string;
  why?: string;
  branch?: string;
}

export const pastCycle = (past: PastCycle): NewEntry => {
  const { title, files = ['src/a.ts'], outcome = 'discarded', broken = [], fixed = [] } = past;
  const plan = { title, why: past.why ?? 'it is so', kind: 'fix', files, expects: 'nothing else changes' };
  const { branch: _, ...cycle } = CYCLE;
  const data = {
    ...cycle,
    ...{ outcome, plan, files, broken, fixed, reason: past.reason ?? 'breaks 1 test: adds' },
    verdict: outcome === 'discarded' ? ('worse' as const) : ('better' as const),
    ...(past.branch ? { branch: past.branch } : {}),
    ...(outcome === 'discarded' ? { patch: 'logs/patches/past.patch' } : {}),
  };
  const where = { project: past.project ?? 'api', session: past.session ?? 'beta' };
  return { type: 'ralph_cycle', ...where, cycle: past.cycle ?? '01KKN3V8ZC0000000000000007', data };
};

const ids = monotonicFactory(Math.random);

/** Appends entries as lines; a second lies between two of them, and the last is of `untilMs`. */
export const writePast = (file: string, entries: readonly NewEntry[], untilMs = Date.now() - 60_000): Entry[] => {
  const whole = entries.map((entry, index) => {
    const atMs = untilMs - (entries.length - 1 - index) * 1000;
    return { id: ids(atMs), ts: new Date(atMs).toISOString(), ...entry } as Entry;
  });
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.appendFileSync(file, whole.map((entry) => `${renderLine(entry)}\n`).join(''));
  return whole;
};

export const titleOf = (entry: Entry): string => (entry as EntryOf<'ralph_cycle'>).data.plan?.title ?? '';
