import { join } from 'node:path';
import type { Session } from '../model/session.ts';
import { oneLine } from '../policy/placeholders.ts';
import { createFacts, FACT_TYPES, type LandedFact, type SessionFacts } from '../policy/session-facts.ts';
import { lastTranscriptIn, readTranscriptEnd } from '../ports/claude/transcript-end.ts';
import type { Workshop } from './workshop.ts';

/**
 * What sessions did since a moment, from the journal, from git and from their last transcripts: for the standup and
 * for the doctor. The journal is read once for all of them, from that moment on and never from its begin.
 */
export const gatherFacts = async (
  shop: Workshop,
  sessions: readonly Session[],
  sinceMs: number,
): Promise<SessionFacts[]> => {
  const from = Math.max(sinceMs, shop.clock.now() - SINCE_MAX_MS);
  const fold = createFacts({ sessions, state: shop.journal.state(), sinceMs: from });
  for await (const entry of shop.journal.read({ types: FACT_TYPES, sinceMs: from })) fold.add(entry);
  const landed = await landedBy(shop, sessions, from);
  return Promise.all(
    fold.facts().map(async (facts) => {
      const mine = landed.get(`${facts.project}/${facts.session}`) ?? [];
      return { ...(await withTerminal(shop, facts)), landed: mine };
    }),
  );
};

/** A day and a half: more than any meeting or diagnosis looks back, and little enough to be read in a moment. */
export const SINCE_MAX_MS = 36 * 3_600_000;

/** More than land in that time. */
const COMMITS_READ_MAX = 500;

/** By the trailers in main, with the time at which each landed where the journal still knows it. */
const landedBy = async (
  shop: Workshop,
  sessions: readonly Session[],
  sinceMs: number,
): Promise<Map<string, LandedFact[]>> => {
  const found = new Map<string, LandedFact[]>();
  const names = new Set(sessions.map(({ project }) => project));
  for (const project of shop.config().projects.filter(({ name }) => names.has(name))) {
    const known = shop.journal.state().projects[project.name];
    if (known?.tip === undefined) continue;
    // What cannot be opened now has been told elsewhere; the meeting speaks of the rest.
    const mirror = await shop.mirrorOf(project);
    if (!mirror.ok) continue;
    const at = new Map(known.landings.flatMap(({ at, branches }) => branches.map(({ merged }) => [merged, at])));
    for (const { commit, session, subject, atMs } of await mirror.value.commitsOfSessions(
      known.tip,
      COMMITS_READ_MAX,
    )) {
      const landedAt = at.get(commit) ?? new Date(atMs).toISOString();
      if (Date.parse(landedAt) < sinceMs) continue;
      const key = `${project.name}/${session}`;
      const fact = { commit, subject: shop.redact(oneLine(subject)), at: landedAt };
      found.set(key, [...(found.get(key) ?? []), fact]);
    }
  }
  return found;
};

/** As much of a terminal as a person would scroll back. */
const TERMINAL_LINES = 60;

const withTerminal = async (shop: Workshop, facts: SessionFacts): Promise<SessionFacts> => {
  const { running } = facts.standing;
  const live = running && (await lastTranscriptIn(shop.paths.transcript(running.cycle)));
  const file = live ?? (facts.lastRun && join(shop.paths.home, facts.lastRun.transcript));
  if (file === undefined) return facts;
  const cwd = shop.paths.workspace(facts.session);
  const lines = await readTranscriptEnd(file, { maxLines: TERMINAL_LINES, cwd });
  const tail = lines.map(shop.redact);
  const last = facts.lastRun;
  // A run that is not over yet is in no entry.
  if (live && running && last?.transcript !== live.slice(shop.paths.home.length + 1)) {
    const transcript = live.slice(shop.paths.home.length + 1);
    const run = { run: running.cycle, purpose: running.phase, at: running.startedAt, ok: false, transcript };
    return { ...facts, lastRun: { ...run, tail } };
  }
  return last ? { ...facts, lastRun: { ...last, tail } } : facts;
};
