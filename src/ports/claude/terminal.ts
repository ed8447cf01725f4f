/**
 * The pseudo-terminal of a run. It ties the run's life to ours: when this process dies, the kernel hangs up the
 * terminal and the run ends instead of working and paying on. Only standard error is on it; the protocol goes straight
 * into a file, because a pseudo-terminal may lose what is written just before the end.
 */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { finished } from 'node:stream/promises';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from 'node-pty';
import { err, ok, type Result } from '../../base/result.ts';

/** What comes here is a handful of warnings; a flood is cut, not stored. */
const TTY_FILE_MAX_BYTES = 1024 * 1024;
const TAIL_MAX_CHARS = 4096;

/** $1 the prompt, $2 the transcript, then the command: nothing is ever put together into shell text. */
const SCRIPT = 'exec <"$1" >"$2"; shift 2; exec "$@"';

export interface Exit {
  exitCode: number | null;
  signal: number | undefined;
}

export interface Terminal {
  exited: Promise<Exit>;
  /** Sends a signal to the run itself, inside its wrapper; SIGKILL goes to both. */
  signal(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** The end of what was written on the terminal, without control characters. */
  tail(): string;
  /** Resolves when the copy of it is on the disk. */
  flushed(): Promise<void>;
}

export const openTerminal = ({
  wrapper,
  command,
  args,
  cwd,
  env,
  input,
  output,
  copy,
}: {
  /** A program that reaps all descendants, such as `unshare --pid …`; may be empty. */
  wrapper: string[];
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  input: string;
  output: string;
  copy: string;
}): Result<Terminal, string> => {
  let pty: ReturnType<typeof spawn>;
  try {
    pty = spawn('/bin/sh', ['-c', SCRIPT, 'winnow-run', input, output, ...wrapper, command, ...args], {
      cwd,
      env,
      name: env.TERM ?? 'dumb',
      cols: 200,
      rows: 50,
    });
  } catch (error) {
    return err((error as Error).message);
  }

  let tail = '';
  let written = 0;
  const file = createWriteStream(copy);
  // The copy is for people; a full disk must not end the run.
  file.on('error', () => {});
  pty.onData((data) => {
    tail = (tail + data).slice(-TAIL_MAX_CHARS);
    if (written >= TTY_FILE_MAX_BYTES) return;
    written += Buffer.byteLength(data);
    file.write(data);
  });
  const exited = new Promise<Exit>((done) => {
    pty.onExit(({ exitCode, signal }) => {
      file.end();
      done(signal ? { exitCode: null, signal } : { exitCode, signal: undefined });
    });
  });

  return ok({
    exited,
    signal: async (signal) => {
      const inner = await insideOf(pty.pid, wrapper);
      for (const pid of signal === 'SIGKILL' ? [pty.pid, inner] : [inner]) {
        try {
          process.kill(pid, signal);
        } catch {
          // It ended between the look and the signal.
        }
      }
    },
    tail: () => stripVTControlCharacters(tail).replaceAll('\r\n', '\n').trim(),
    flushed: () => finished(file).catch(() => {}),
  });
};

/** A wrapper may have some processes of its own above the run. */
const WRAPPER_DEPTH_MAX = 6;

/**
 * The process inside the wrapper: wrappers ignore the signals that the run itself understands. A wrapper may be several
 * programs, each of which becomes the next or starts it.
 */
export const insideOf = async (pid: number, wrapper: readonly string[]): Promise<number> => {
  const names = new Set(
    wrapper.filter((word) => word === wrapper[0] || isAbsolute(word)).map((word) => basename(word)),
  );
  let inner = pid;
  for (let depth = 0; wrapper.length > 0 && depth < WRAPPER_DEPTH_MAX; depth += 1) {
    const name = (await readFile(`/proc/${inner}/cmdline`, 'utf8').catch(() => '')).split('\0')[0] ?? '';
    if (!names.has(basename(name))) return inner;
    const children = await readFile(`/proc/${inner}/task/${inner}/children`, 'utf8').catch(() => '');
    const child = Number.parseInt(children, 10);
    if (!(child > 0)) return inner;
    inner = child;
  }
  return inner;
};
