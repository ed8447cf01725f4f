import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Doors } from '../desk/doors.ts';
import { renderEntry, TOLD } from '../faces/cli/log.ts';
import { sayCannotOpen, sayFailure, sayJson } from '../faces/cli/say.ts';
import { stopSignal } from '../faces/cli/stop.ts';
import type { Terminal } from '../faces/cli/terminal.ts';
import { runDemo } from './demo.ts';
import { renderDemo } from './render.ts';

/** `winnow demo`: told live, ended by a table; exit 0 only when every outcome is the expected one. */
export const demoCommand = async (
  doors: Doors,
  terminal: Terminal,
  modules: string,
  options: { keep?: boolean; live?: boolean; crew?: boolean; json?: boolean },
): Promise<number> => {
  const dir = await mkdtemp(join(tmpdir(), 'winnow-demo-'));
  const stop = stopSignal();
  const say = options.json ? terminal.note : terminal.out;
  try {
    say(
      options.live
        ? 'A small repository with planted faults, and sessions and a reviewer with your own Claude Code login.'
        : 'A small repository with planted faults, eleven sessions and a reviewer with the real Claude Code; only the model’s words are scripted.',
    );
    const result = await runDemo({
      dir,
      live: options.live === true,
      crew: options.crew === true,
      modules,
      version: doors.version,
      openFactory: doors.openFactory,
      signal: stop.signal,
      onEntry: (entry) => {
        if (SHOWN.has(entry.type)) say(renderEntry(entry, terminal, Date.now()));
      },
    });
    if (!result.ok)
      return 'kind' in result.error ? sayFailure(terminal, result.error) : sayCannotOpen(terminal, result.error);
    if (options.json) sayJson(terminal, { ...result.value, kept: options.keep === true });
    else terminal.out(renderDemo(result.value, options.keep === true, terminal));
    if (stop.signal.aborted) return 130;
    return result.value.wrong.length === 0 ? 0 : 1;
  } finally {
    stop.end();
    if (!options.keep) await rm(dir, { recursive: true, force: true });
  }
};

const SHOWN: ReadonlySet<string> = new Set([...TOLD, 'baseline_measured', 'check_ran', 'cycle_started']);
