import type { Counter } from '../../desk/counter.ts';
import { createDesk, type Desk } from '../../desk/desk.ts';
import type { Doors, Factory } from '../../desk/doors.ts';
import type { EntryFilter } from '../../desk/follow.ts';
import { atKeyboard } from '../../desk/person.ts';
import type { Entry } from '../../model/entry.ts';
import type { Asker } from '../../model/request.ts';
import { renderEntry } from './log.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** Opens what a command needs, closes it whatever happens, and says why it could not be opened. */

/** The desk, and who stands at it; what needs the whole factory opens it by itself. */
export interface AtDesk {
  desk: Desk;
  counter: Counter;
  asker: Asker;
}

export const atDesk = async (
  doors: Doors,
  terminal: Terminal,
  { home }: Homed,
  deed: (at: AtDesk) => Promise<number>,
): Promise<number> => {
  const opened = await doors.openCounter(home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const counter = opened.value;
  let factory: Factory | undefined;
  const desk = createDesk(counter, async () => {
    const whole = await doors.openFactory(home);
    if (whole.ok) factory = whole.value;
    return whole;
  });
  try {
    return await deed({ desk, counter, asker: await atKeyboard('cli') });
  } finally {
    await factory?.close();
    await counter.close();
  }
};

export interface InFactory {
  factory: Factory;
  asker: Asker;
  /** Ctrl-C and its kin. */
  signal: AbortSignal;
}

/** A whole factory in this process; `told`: what happens in it meanwhile and the person wants to see. */
export const inFactory = async (
  doors: Doors,
  terminal: Terminal,
  { home }: Homed,
  deed: (at: InFactory) => Promise<number>,
  told?: EntryFilter & { but?: (entry: Entry) => boolean },
): Promise<number> => {
  const opened = await doors.openFactory(home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const stop = stopSignal();
  const telling = new AbortController();
  try {
    if (told) void tell(factory, terminal, told, telling.signal);
    return await deed({ factory, asker: await atKeyboard('cli'), signal: stop.signal });
  } finally {
    telling.abort();
    stop.end();
    await factory.close();
  }
};

const tell = async (
  { journal, clock }: Factory,
  terminal: Terminal,
  { but, ...filter }: EntryFilter & { but?: (entry: Entry) => boolean },
  signal: AbortSignal,
): Promise<void> => {
  for await (const entry of journal.follow({ from: 'end', signal, filter }))
    if (!but?.(entry)) terminal.note(renderEntry(entry, terminal, clock.now()));
};
