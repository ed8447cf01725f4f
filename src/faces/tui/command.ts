import { spawn } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { createBoard } from '../../desk/board.ts';
import type { Counter } from '../../desk/counter.ts';
import { createDesk } from '../../desk/desk.ts';
import type { Doors, Factory } from '../../desk/doors.ts';
import { atKeyboard } from '../../desk/person.ts';
import { plainLine } from '../cli/plain.ts';
import { EXIT_USAGE, type Homed } from '../cli/program.ts';
import { sayCannotOpen } from '../cli/say.ts';
import type { Terminal } from '../cli/terminal.ts';
import type { Said } from './receipt.ts';
import { runTui } from './run.ts';
import { unblock } from './term/output.ts';
import { type ThemeWish, themeOf } from './theme.ts';

/** `winnow tui`: the dashboard, in a process of its own that reads the home’s files and may die at any moment. */
export interface TuiOptions extends Homed {
  theme?: 'light' | 'dark';
  colours?: 'none' | '16' | '256';
  ascii?: boolean;
  /** False with --no-mouse. */
  mouse?: boolean;
}

export const tuiCommand = async (doors: Doors, terminal: Terminal, options: TuiOptions): Promise<number> => {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY || process.env.TERM === 'dumb') {
    terminal.note('winnow: the dashboard needs a terminal; `winnow status` and `winnow log -f` do without');
    return EXIT_USAGE;
  }
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const counter = opened.value;
  let factory: Factory | undefined;
  const stop = stopOnSignals();
  // Frames are garbage at once: more room for young ones would be a third of the memory, and no less work.
  setFlagsFromString('--semi-space-growth-factor=1');
  unblock(stdout);
  const wish: ThemeWish = {
    ...(options.theme ? { light: options.theme === 'light' } : {}),
    ...(options.colours ? { colours: options.colours } : {}),
    ...(options.ascii ? { ascii: true } : {}),
  };
  try {
    const ended = await runTui({
      board: (onChange) => createBoard(counter, onChange),
      desk: createDesk(counter, async () => {
        const whole = await doors.openFactory(options.home);
        if (whole.ok) {
          const { watch, reload } = whole.value;
          factory = whole.value;
          // What is asked for is done by the files as they are; of a broken edit the board says why.
          watch(() => void reload(), stop.signal);
        }
        return whole;
      }),
      ...{ input: stdin, output: stdout, theme: themeOf(process.env, wish), themeIsGiven: options.theme !== undefined },
      mouse: options.mouse !== false,
      name: atKeyboard('tui').then(({ name }) => name),
      now: () => counter.clock.now(),
      attach: (session) => stop.without(() => takeSession(counter, session)),
      suspend: () => process.kill(process.pid, 'SIGTSTP'),
      signal: stop.signal,
    });
    if (ended.how === 'quit') return 0;
    const code = stop.code() ?? SIGNAL_CODES.SIGHUP;
    // A terminal that reads no more would keep the last words, and this process with them.
    setTimeout(() => process.exit(code), LAST_WORDS_MS).unref();
    return code;
  } finally {
    stop.end();
    await factory?.close();
    await counter.close();
  }
};

/** A program of its own has the terminal meanwhile: what befalls it leaves the dashboard as it is. */
const takeSession = async ({ journal, paths }: Counter, session: string): Promise<Said> => {
  const before = journal.offset();
  const code = await new Promise<number | null>((resolve) => {
    const argv = [process.argv[1]!, 'attach', session, '--take', '--home', paths.home];
    const child = spawn(process.execPath, [...process.execArgv, ...argv], { stdio: 'inherit' });
    child.once('error', () => resolve(null));
    child.once('exit', (exitCode) => resolve(exitCode));
  });
  const [last] = journal.tail(1, { types: ['session_given_back'], session });
  const isNew = last !== undefined && (journal.locate(last.id, LOOK_BACK_BYTES) ?? 0) >= before;
  if (isNew && last.type === 'session_given_back')
    return { text: plainLine(`${session} is given back: ${last.data.note}`), good: code === 0 };
  return {
    text: `${session} could not be taken (exit ${code}): \`winnow attach ${session} --take\` says why`,
    good: false,
  };
};

const LOOK_BACK_BYTES = 64 * 1024 ** 2;

/** Each ends the dashboard with its terminal restored; the code is the one that shells give. */
const SIGNAL_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** How long a terminal may take to read that it is given back. */
const LAST_WORDS_MS = 1000;

const stopOnSignals = () => {
  const controller = new AbortController();
  let code: number | undefined;
  let isLent = false;
  const handlers = Object.entries(SIGNAL_CODES).map(([name, own]) => {
    const handler = () => {
      // Ctrl-C of a terminal goes to every program at it; this one is not meant.
      if (isLent && name === 'SIGINT') return;
      code ??= own;
      controller.abort();
    };
    process.on(name, handler);
    return { name, handler };
  });
  return {
    signal: controller.signal,
    code: () => code,
    /** While another program has the terminal. */
    without: async <T>(deed: () => Promise<T>): Promise<T> => {
      isLent = true;
      try {
        return await deed();
      } finally {
        isLent = false;
      }
    },
    end: () => {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
};
