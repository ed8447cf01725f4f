import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf } from './processes.ts';

/**
 * The directory at the head of an agent's PATH: a script for each tool that takes a slot and then runs the real one,
 * so that eight agents that all think of running the tests do not do it at the same time.
 */
export interface ShimTool {
  /** The program's name, e.g. vitest. */
  tool: string;
  slot: string;
  capacity: number;
}

export interface Shims {
  /** For the head of PATH. */
  dir: string;
  /** For npm_config_script_shell: npm and npx put node_modules/.bin before PATH, this puts the shims before that. */
  shell: string;
}

/** Writes the scripts, each at once and whole, over those of an earlier configuration; scripts of other tools go. */
export const writeShims = async ({
  dir,
  home,
  tools,
  node,
  entry,
  waitMs = WAIT_MS,
}: {
  dir: string;
  /** The home's .winnow directory. */
  home: string;
  tools: ShimTool[];
  /** The Node that runs the shim, usually process.execPath. */
  node: string;
  /** The compiled shim.js. */
  entry: string;
  waitMs?: number;
}): Promise<Shims> => {
  await mkdir(dir, { recursive: true });
  const scripts = new Map<string, string>();
  for (const { tool, slot, capacity } of tools) {
    // A configuration that names a path or nothing at all must not write outside the directory.
    if (!/^[\w@+-][\w.@+-]*$/.test(tool) || tool === SHELL)
      throw new Error(`no name for a shim: ${JSON.stringify(tool)}`);
    const words = [node, entry, tool, slot, String(capacity), dir, home, String(waitMs)].map(quote).join(' ');
    // Options for the agent's Node are for its tools: the shim must neither obey nor lose them.
    scripts.set(
      tool,
      `WINNOW_NODE_OPTIONS=\${NODE_OPTIONS-}\nexport WINNOW_NODE_OPTIONS\nunset NODE_OPTIONS\nexec ${words} "$@"`,
    );
  }
  scripts.set(SHELL, `PATH=${quote(dir)}:$PATH\nexport PATH\nexec /bin/sh "$@"`);
  for (const [name, script] of scripts) await writeScript(join(dir, name), `#!/bin/sh\n${script}\n`);
  for (const name of await readdir(dir)) {
    if (!scripts.has(name) && !isBeingWritten(name)) await rm(join(dir, name), { force: true });
  }
  return { dir, shell: join(dir, SHELL) };
};

const SHELL = 'winnow-shell';

/** Claude Code gives a command two minutes: a wait must leave the tool some of it. */
const WAIT_MS = 60_000;

const writeScript = async (file: string, script: string): Promise<void> => {
  const fresh = `${file}.${process.pid}~`;
  await writeFile(fresh, script);
  await chmod(fresh, 0o755);
  await rename(fresh, file);
};

/** Several processes of a home begin at once, each with its own role: what one of them writes is not another's to sweep. */
const isBeingWritten = (name: string): boolean => {
  const pid = /\.(\d+)~$/.exec(name)?.[1];
  return pid !== undefined && identityOf(Number(pid)) !== undefined;
};

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
