import type { Command } from '../../model/command.ts';

/** What the person looks at and types: plain data, changed by keys alone. */
export const SCREENS = ['floor', 'review', 'tasks', 'journal', 'doctor', 'metrics', 'gates', 'alerts'] as const;
export type ScreenName = (typeof SCREENS)[number];

export interface Ui {
  screen: ScreenName;
  /** The chosen row’s detail has the whole screen. */
  zoom: boolean;
  /** By screen, the id of the row that keys act on: it stays the same when rows move. */
  chosen: Partial<Record<ScreenName, string>>;
  filters: Partial<Record<ScreenName, string>>;
  /** Lines that the detail is moved by: from its begin, or back from its end where that is what one wants to see. */
  scroll: number;
  mode: Mode;
  notice: Notice | undefined;
  /** What was asked for here and what came of it, newest last. */
  said: Notice[];
}

export type Mode =
  | { kind: 'browse' }
  | { kind: 'filter'; text: string }
  | { kind: 'palette'; text: string; place: number }
  | { kind: 'help'; scroll: number }
  | { kind: 'said' }
  /** A sentence is missing to the command. */
  | { kind: 'ask'; question: string; text: string; draft: Command; field: 'reason' | 'text' }
  /** `seen`: the commit that the question is about; another one since is another question. */
  | { kind: 'confirm'; question: string; command: Command; seen?: { branch: string; commit: string } };

export interface Notice {
  text: string;
  good: boolean;
  /** Milliseconds since the epoch. */
  at: number;
}

/** A receipt is read by then; what failed stays until the next key. */
export const NOTICE_MS = 8000;
const SAID_MAX = 100;

export const startUi = (): Ui => ({
  ...{ screen: 'floor', zoom: false, chosen: {}, filters: {}, scroll: 0, mode: { kind: 'browse' } },
  ...{ notice: undefined, said: [] },
});

/** What may be typed into a field; a task has as many. */
export const FIELD_MAX_CHARS = 20_000;

export const withNotice = (ui: Ui, notice: Notice): Ui => ({
  ...ui,
  notice,
  said: [...ui.said, notice].slice(-SAID_MAX),
});
