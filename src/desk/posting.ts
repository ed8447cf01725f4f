import { renderProblem } from '../base/file-problem.ts';
import { ok } from '../base/result.ts';
import type { EntryType } from '../model/entry.ts';
import { loadHome } from '../ports/home/load.ts';
import type { Channel } from '../ports/post/channel.ts';
import { createPost } from '../roles/post.ts';
import { channelsOf } from './channels.ts';
import { onEntries } from './follow.ts';
import type { RoleInput, StartPart } from './role-at-work.ts';

/**
 * Telling people within a running factory: at once when something happens that they should know of or a message is
 * queued, and by the clock for what comes due.
 */
export interface Posting {
  /** Nothing new goes out; what is being handed over may end. */
  stop(): void;
  /** Resolves when nothing is under way; another process may go on with it then. */
  idle(): Promise<void>;
}

/** The post as a part of the role `bot`. */
export const startPosting: StartPart = (input) => ok(startPost(input));

/** What may raise a matter, end it, or wait to go out. */
const WAKING: readonly EntryType[] = [
  'message_queued',
  'alert',
  'gate_closed',
  'gate_opened',
  'session_parked',
  'session_unparked',
  'resumed',
  'main_red',
  'main_green',
  'main_judged',
  'cto_review',
  'review_failed',
  'branch_moved',
  'branch_deleted',
  'branch_dropped',
  'merged',
  'train_blocked',
  'train_unblocked',
  'project_unready',
  'project_ready',
  'config_loaded',
  'config_rejected',
  'team_standup',
  'role_parked',
  'role_unparked',
];

/** Entries that come together are looked at together. */
const WAKE_DELAY_MS = 100;
/** What changes without an entry: a file that is put right, a day that begins. */
const LOOK_AT_LEAST_MS = 60_000;
/** A moment that is due may be missed by a timer's grain. */
const LOOK_AT_MOST_MS = 250;

export const startPost = (
  { factory, signal, tell, fail }: Pick<RoleInput, 'factory' | 'signal' | 'tell' | 'fail'>,
  channels: readonly Channel[] = channelsOf(factory),
): Posting => {
  const { shop, journal, clock, config, sessions, paths } = factory;
  const closing = new AbortController();
  const stopped = AbortSignal.any([signal, closing.signal]);
  const post = createPost({
    ...{ journal, clock, config, sessions, channels, tell },
    slots: shop.slots,
    redact: shop.redact,
    random: shop.random,
    signal: stopped,
    problems: () => {
      const read = loadHome(paths.home);
      return read.ok ? [] : read.error.map(renderProblem);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  let timerMs = Number.POSITIVE_INFINITY;
  const lookAt = (ms: number): void => {
    if (stopped.aborted || ms >= timerMs) return;
    clearTimeout(timer);
    timerMs = ms;
    timer = setTimeout(look, Math.max(0, ms - clock.now()));
  };
  const look = (): void => {
    timerMs = Number.POSITIVE_INFINITY;
    lookAt(clock.now() + LOOK_AT_LEAST_MS);
    post
      .tick()
      .then((next) => {
        if (next !== undefined) lookAt(Math.max(next, clock.now() + LOOK_AT_MOST_MS));
      })
      .catch((error: unknown) => tell(`post failed: ${error instanceof Error ? error.message : String(error)}`));
  };
  onEntries(journal, WAKING, stopped, () => lookAt(clock.now() + WAKE_DELAY_MS)).catch(fail);
  stopped.addEventListener('abort', () => clearTimeout(timer), { once: true });
  look();
  return {
    stop: () => closing.abort(),
    idle: () => post.close(),
  };
};
