import type { Board, BoardView } from '../../desk/board.ts';
import type { Desk } from '../../desk/desk.ts';
import type { Command } from '../../model/command.ts';
import { type Binding, bindingsFor, chosenId } from './bindings.ts';
import { drawFrame } from './frame.ts';
import { press } from './press.ts';
import { askTo, type Said } from './receipt.ts';
import { type LookedUp, MEMORY_SAMPLE_MS, type Sight } from './sight.ts';
import type { TermEvent } from './term/decode.ts';
import type { TermOutput } from './term/output.ts';
import { createTerm, type TermInput } from './term/term.ts';
import { paintLine, type Theme } from './theme.ts';
import { NOTICE_MS, startUi, type Ui, withNotice } from './ui.ts';

/**
 * The dashboard while it is open: keys change what is looked at, the journal and the clock change what is known, and
 * both only mark the screen; frames are drawn at their own pace, and not at all when they would show the same.
 */
export interface TuiDeps {
  board: (onChange: () => void) => Board;
  desk: Pick<Desk, 'branch' | 'do'>;
  input: TermInput;
  output: TermOutput;
  theme: Theme;
  /** The terminal is not asked when the person has said. */
  themeIsGiven: boolean;
  mouse: boolean;
  /** Who sits there, for the journal. */
  name: Promise<string>;
  now: () => number;
  /** Hands the terminal to a session’s conversation, and resolves when it is back. */
  attach?: (session: string) => Promise<Said>;
  /** Stops this process until the shell lets it go on. */
  suspend: () => void;
  /** Aborts when the process is to end. */
  signal: AbortSignal;
}

export type Ended = { how: 'quit' | 'lost' | 'stopped' };

/** Of a key the next frame; after it a person waits for more; else they look; after a minute they look elsewhere. */
const FRAME_MS = { key: 40, busy: 100, looking: 250, away: 1000 };
const BUSY_MS = 2000;
const AWAY_MS = 60_000;
/** Times and transcripts go on without an entry in the journal. */
const TICK_MS = 500;
/** Who runs through a list does not want each diff. */
const READ_AFTER_MS = 120;

export const runTui = async (deps: TuiDeps): Promise<Ended> => {
  const { now } = deps;
  const bindings: readonly Binding[] = bindingsFor({ attach: deps.attach !== undefined });
  const ending = new AbortController();
  let ended: Ended | undefined;
  let { theme } = deps;
  let ui: Ui = startUi();
  let view: BoardView | undefined;
  let live: Sight['live'] = { cycle: undefined, lines: [] };
  let branch: LookedUp | undefined;
  const memory: number[] = [];
  let sampledAt = 0;
  let isStale = true;
  let keyFrame: NodeJS.Timeout | undefined;
  let keyAt = now();
  let drawnAt = 0;
  let next: NodeJS.Timeout | undefined;
  let reading: { name: string; key: string; wait: NodeJS.Timeout } | undefined;
  let wake = () => {};
  let defect: { error: unknown } | undefined;

  const end = (how: Ended['how']) => {
    ended ??= { how };
    wake();
  };
  /** A defect is told when the terminal is the person's again. */
  const fail = (error: unknown) => {
    defect ??= { error };
    end('stopped');
  };

  const board = deps.board(() => {
    isStale = true;
    soon();
  });

  const sightOf = (known: BoardView): Sight => ({
    ...{ view: known, entries: board.entries(), live, branch, memory, ui, now: now() },
  });

  /** Something may have changed: it is looked at and drawn when its time has come. */
  const soon = () => {
    if (next !== undefined || ended) return;
    const idle = now() - keyAt;
    const pace = idle < BUSY_MS ? FRAME_MS.busy : idle < AWAY_MS ? FRAME_MS.looking : FRAME_MS.away;
    const frame = async (): Promise<void> => {
      await look();
      next = undefined;
      draw();
      // What came while it looked.
      if (isStale) soon();
    };
    next = setTimeout(() => void frame().catch(fail), Math.max(0, drawnAt + pace - now()));
  };

  /** A person waits: what is known is drawn at once, what has to be read follows. */
  const atOnce = () => {
    if (keyFrame !== undefined) return;
    const show = () => {
      keyFrame = undefined;
      draw();
      soon();
    };
    const wait = drawnAt + FRAME_MS.key - now();
    if (wait <= 0) show();
    else keyFrame = setTimeout(show, wait);
  };

  /** Reads what is new. */
  const look = async (): Promise<void> => {
    if (ended) return;
    if (isStale || view === undefined) {
      isStale = false;
      view = await board.look();
    }
    const known = view;
    const session =
      ui.screen === 'floor' ? known.sessions.find(({ name }) => name === chosenId(sightOf(known))) : undefined;
    if (session) live = { cycle: session.cycle, lines: await board.live(session.cycle) };
  };

  const draw = () => {
    if (view === undefined || ended) return;
    if (ui.notice?.good && now() - ui.notice.at > NOTICE_MS) ui = { ...ui, notice: undefined };
    drawnAt = now();
    const lines = drawFrame(sightOf(view), term.size(), bindings).map((line) => paintLine(line, theme));
    // A terminal that has not read the last frame gets the next one when it has.
    term.draw(lines);
    readBranch(view);
  };

  /** Reads the branch that is looked at, once one stays on it. */
  const readBranch = (known: BoardView) => {
    if (ui.screen !== 'review') return;
    const name = chosenId(sightOf(known));
    const queued = known.branches.find((one) => one.branch === name);
    if (!queued || name === undefined) return;
    const key = `${name} ${queued.commit} ${queued.changedAt}`;
    if (reading?.key === key) return;
    clearTimeout(reading?.wait);
    if (branch?.name !== name) branch = { name, state: 'reading' };
    const wait = setTimeout(() => {
      deps.desk
        .branch(name)
        .then((read) => {
          if (reading?.key !== key) return;
          branch = read.ok ? { name, state: 'read', view: read.value } : { name, state: 'failed', failure: read.error };
          soon();
        })
        .catch(fail);
    }, READ_AFTER_MS);
    reading = { name, key, wait };
  };

  const onEvent = (event: TermEvent) => {
    if (view === undefined || ended) return;
    if (event.type === 'background') {
      if (!deps.themeIsGiven) theme = { ...theme, light: event.light };
      return soon();
    }
    keyAt = now();
    const pressed = press({ sight: sightOf(view), event, size: term.size(), bindings });
    ui = pressed.ui;
    if (pressed.command) carryOut(asked(pressed.command)).catch(fail);
    if (pressed.effect) effect(pressed.effect);
    atOnce();
  };

  const asked = async (command: Command): Promise<Said> => askTo(deps.desk, command, await deps.name, ending.signal);

  const carryOut = async (deed: Promise<Said>): Promise<void> => {
    ui = { ...ui, notice: { text: 'asking …', good: true, at: now() } };
    soon();
    const { text, good } = await deed;
    ui = withNotice(ui, { text, good, at: now() });
    isStale = true;
    soon();
  };

  const effect = (wanted: NonNullable<ReturnType<typeof press>['effect']>) => {
    switch (wanted.effect) {
      case 'quit':
        return end('quit');
      case 'redraw':
        return term.forget();
      case 'light':
        theme = { ...theme, light: !theme.light };
        return;
      case 'suspend':
        term.leave();
        deps.suspend();
        // Goes on here when the shell lets it.
        term.enter();
        return;
      case 'attach':
        return void attach(wanted.session!).catch(fail);
      default:
        wanted.effect satisfies never;
    }
  };

  const attach = async (session: string): Promise<void> => {
    if (!deps.attach) return;
    term.leave();
    const said = await deps.attach(session);
    term.enter();
    await carryOut(Promise.resolve(said));
  };

  const term = createTerm({
    ...{ input: deps.input, output: deps.output, mouse: deps.mouse },
    onEvent: (event) => {
      try {
        onEvent(event);
      } catch (error) {
        fail(error);
      }
    },
    onResize: () => {
      keyAt = now();
      soon();
    },
    onDrain: () => soon(),
    onLost: () => end('lost'),
  });
  const tick = setInterval(() => {
    // Somebody else’s process may die, and a gate may open, without an entry.
    isStale = true;
    if (view && now() - sampledAt >= MEMORY_SAMPLE_MS) {
      memory.push(view.machine.memoryUsedShare);
      if (memory.length > MEMORY_SAMPLES_MAX) memory.shift();
      sampledAt = now();
    }
    soon();
  }, TICK_MS);
  const onAbort = () => end('stopped');
  deps.signal.addEventListener('abort', onAbort);
  try {
    soon();
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (deps.signal.aborted) end('stopped');
    });
    if (defect) throw defect.error;
    return ended ?? { how: 'quit' };
  } finally {
    deps.signal.removeEventListener('abort', onAbort);
    clearInterval(tick);
    clearTimeout(next);
    clearTimeout(keyFrame);
    clearTimeout(reading?.wait);
    ending.abort();
    term.close();
    await board.close();
  }
};

/** Half an hour. */
const MEMORY_SAMPLES_MAX = 360;
