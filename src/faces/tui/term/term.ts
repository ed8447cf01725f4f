import { EventEmitter } from 'node:events';
import blessed from 'blessed';
import { createDecoder, type TermEvent } from './decode.ts';
import { createFrameWriter, type TermOutput } from './output.ts';

/**
 * The terminal of a person: events in, frames out. Behind it stands blessed, which knows what is on the screen and
 * writes only what is new; its own input, its widgets and its signal handlers are not used.
 */
export interface Term {
  size(): { width: number; height: number };
  /** False when the terminal is not yet done with the last frame: draw again at `onDrain`. */
  draw(lines: readonly string[]): boolean;
  /** Draws the next frame on a cleared screen. */
  forget(): void;
  /** Gives the terminal back as it was; `enter` takes it again. */
  leave(): void;
  enter(): void;
  close(): void;
}

export interface TermInput extends EventEmitter {
  setRawMode?: (raw: boolean) => unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface TermDeps {
  input: TermInput;
  output: TermOutput;
  mouse: boolean;
  onEvent: (event: TermEvent) => void;
  onResize: () => void;
  onDrain: () => void;
  /** The terminal is gone, or says so. */
  onLost: () => void;
}

/** How long the rest of a sequence may take, on a slow line too; after it a lone Escape is the key. */
const ESCAPE_WAIT_MS = 60;

/** Marked pastes; clicks, drags and the wheel in the coordinates of wide screens; and what the background looks like. */
const ASK = '\x1b[?2004h';
const ASK_MOUSE = '\x1b[?1002h\x1b[?1006h';
const ASK_BACKGROUND = '\x1b]11;?\x1b\\';
const UNASK = '\x1b[?1006l\x1b[?1002l\x1b[?2004l';

/** Of a terminal that does not say. */
const SIZE_DEFAULT = { width: 80, height: 24 };

export const createTerm = (deps: TermDeps): Term => {
  const { input, output, onEvent } = deps;
  const writer = createFrameWriter(output);
  const decoder = createDecoder();
  const size = () => ({
    width: output.columns || SIZE_DEFAULT.width,
    height: output.rows || SIZE_DEFAULT.height,
  });

  const paper = createPaper(size());
  const { screen, box } = createScreen(paper);
  let isEntered = true;
  let isClosed = false;

  let escapeWait: NodeJS.Timeout | undefined;
  const onData = (bytes: Buffer) => {
    clearTimeout(escapeWait);
    for (const event of decoder.write(bytes)) onEvent(event);
    if (decoder.pending()) {
      escapeWait = setTimeout(() => {
        for (const event of decoder.flush()) onEvent(event);
      }, ESCAPE_WAIT_MS);
    }
  };
  const onError = () => deps.onLost();
  const begin = () => {
    input.setRawMode?.(true);
    input.on('data', onData);
    input.resume();
    paper.text += ASK + (deps.mouse ? ASK_MOUSE : '') + ASK_BACKGROUND;
  };
  const end = () => {
    clearTimeout(escapeWait);
    input.off('data', onData);
    input.setRawMode?.(false);
    input.pause();
  };
  output.on('resize', deps.onResize);
  output.on('drain', deps.onDrain);
  output.on('error', onError);
  input.on('error', onError);
  input.on('end', onError);
  begin();

  /** What blessed has to say, and nothing of it later. */
  const taken = (): string => {
    screen.program.flush();
    return paper.take();
  };

  const leave = () => {
    if (!isEntered) return;
    isEntered = false;
    end();
    screen.leave();
    // Not a frame: it is said also to a terminal that is behind.
    output.write(taken() + UNASK);
  };

  return {
    size,
    draw: (lines) => {
      if (!isEntered || isClosed) return true;
      if (writer.isBusy()) return false;
      const { width, height } = size();
      const content = lines.join('\n');
      if (width !== paper.columns || height !== paper.rows) {
        Object.assign(paper, { columns: width, rows: height });
        box.setContent(content);
        paper.emit('resize');
      } else if (content !== paper.shown) {
        box.setContent(content);
        screen.render();
      } else if (paper.text === '') return true;
      paper.shown = content;
      writer.frame(taken());
      return true;
    },
    forget: () => {
      screen.realloc();
      paper.shown = undefined;
    },
    leave,
    enter: () => {
      if (isEntered || isClosed) return;
      isEntered = true;
      screen.enter();
      screen.realloc();
      paper.shown = undefined;
      begin();
    },
    close: () => {
      if (isClosed) return;
      leave();
      isClosed = true;
      output.off('resize', deps.onResize);
      output.off('drain', deps.onDrain);
      screen.destroy();
    },
  };
};

/** What blessed writes on: it is collected, and goes out as one frame. */
interface Paper extends EventEmitter {
  columns: number;
  rows: number;
  isTTY: true;
  text: string;
  /** The content of the last frame. */
  shown: string | undefined;
  write: (text: string) => boolean;
  take: () => string;
}

const createPaper = ({ width, height }: { width: number; height: number }): Paper => {
  const paper: Paper = Object.assign(new EventEmitter(), {
    columns: width,
    rows: height,
    isTTY: true as const,
    // Read by blessed before each write.
    writable: true,
    text: '',
    shown: undefined,
    write: (text: string) => {
      paper.text += text;
      return true;
    },
    take: () => {
      const { text } = paper;
      paper.text = '';
      return text;
    },
  });
  return paper;
};

/** What blessed has and its types forget. */
type Screen = blessed.Widgets.Screen & { enter(): void; leave(): void };

const createScreen = (paper: Paper) => {
  const before = new Map(SIGNALS.map((name) => [name, new Set(process.listeners(name as NodeJS.Signals))]));
  const screen = blessed.screen({
    // It never hears anything: what a terminal sends is decoded above.
    input: Object.assign(new EventEmitter(), { isTTY: true, resume: () => {}, pause: () => {} }),
    output: paper,
    // Newer terminal descriptions are in a form that blessed does not read; this one every terminal understands.
    terminal: 'xterm-256color',
    fullUnicode: true,
    forceUnicode: true,
    smartCSR: false,
    // biome-ignore lint/suspicious/noExplicitAny: the types know real streams only, and blessed uses what is here.
  } as any) as Screen;
  // Its handlers end the process with code 0 and do not restore on all signals; who runs the screen has better ones.
  for (const [name, known] of before) {
    for (const listener of process.listeners(name as NodeJS.Signals)) {
      if (!known.has(listener)) process.off(name, listener);
    }
  }
  // Lines of boxes as they are, and not by a switch of the character set that some programs show as letters.
  Object.assign(screen.tput, { brokenACS: true, unicode: true });
  const box = blessed.box({ parent: screen, top: 0, left: 0, width: '100%', height: '100%', wrap: false, tags: false });
  return { screen, box };
};

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'uncaughtException'];
