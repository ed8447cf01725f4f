import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import type { Reach } from '../../policy/hosts.ts';
import { isDirectory, removeTree } from '../git/files.ts';
import type { Git } from '../git/git.ts';
import type { Mirror, Workspaces } from '../git/mirror.ts';
import { withoutCredentials } from '../git/redact.ts';
import { isPlainPath } from '../git/worktree.ts';
import type { CommandResult, Commands } from '../machine/command.ts';
import { type InstallKey, installKey } from './install-key.ts';
import { type FarmEntry, layFarm, planFarm } from './link-farm.ts';
import { fingerprint, seal } from './store-seal.ts';

/**
 * Dependencies, installed once per content of the lockfiles and shared by every workspace and checkout:
 * each gets real node_modules directories whose entries are links into the store, so that what a tool writes beside
 * the packages stays local; the store itself is read-only and proven unchanged before it is used again.
 */
export interface Installed {
  /** Names the content of the store: part of every check's cache key. '' when the project installs nothing. */
  key: string;
  /** True when this call ran the install command. */
  ran: boolean;
  durationMs: number;
  /** Hosts that this call's command asked for in vain. */
  refused: string[];
}

export interface Dependencies {
  /** Installs for the lockfiles at `treeish` unless that is done; one process at a time, the others wait for it. */
  ensure(input: {
    mirror: Mirror;
    treeish: string;
    project: string;
    install: string | undefined;
    lockfiles: string[] | undefined;
    env: Record<string, string>;
    /** What the command reaches behind a wall that holds back the network; asked only when it is run. */
    network?: () => Promise<Reach>;
    /** What a person may have mended since it failed: a failure under another mark is not remembered. */
    mark?: string;
    timeoutMs: number;
    signal?: AbortSignal;
    /** Tries again although the same installation failed a moment ago. */
    force?: boolean;
  }): Promise<Result<Installed, Failure>>;
  /** Gives a directory the installed dependencies of `key`; quick, idempotent, replaces what was linked before. */
  link(key: string, dir: string): Promise<Result<void, Failure>>;
  /** False when somebody wrote through into the store; it is then set aside and the next `ensure` installs anew. */
  verify(key: string): Promise<boolean>;
  /** Names that `link` makes in a checkout and that no commit may contain. */
  excluded(key: string): Promise<string[]>;
  /** Removes what no `ensure` asked for during `unusedMs`, and what killed installations left; how many. */
  sweep(unusedMs: number): Promise<number>;
}

/** Runs `run` while nobody else on this machine holds the lock of that name. */
export type WithLock = <T>(
  name: string,
  run: () => Promise<Result<T, Failure>>,
  signal?: AbortSignal,
) => Promise<Result<T, Failure>>;

export interface DependenciesDeps {
  git: Git;
  workspaces: Pick<Workspaces, 'checkout'>;
  commands: Commands;
  clock: Clock;
  /** Directory of the factory. */
  home: string;
  withLock: WithLock;
}

/** A broken lockfile or a dead registry must not be tried by every session of every cycle. */
const FAILURE_REMEMBERED_MS = 10 * 60_000;
/** Installers are chatty; beyond this one is in a loop. */
const OUTPUT_MAX_BYTES = 32 * 1024 * 1024;
const OUTPUT_LINES_KEPT = 40;
/** A store that was written to is kept this long, for whoever wants to know what was done to it. */
const ASIDE_MAX_AGE_MS = 24 * 60 * 60_000;

const FarmEntrySchema: z.ZodType<FarmEntry> = z.lazy(() =>
  z.union([
    z.object({ link: z.string() }),
    z.object({ file: z.string() }),
    z.object({ dir: z.record(z.string(), FarmEntrySchema) }),
  ]),
);
/** `<key>/store.json`: written last, so that its presence says that the installation is whole. */
const Store = z.object({
  fingerprint: z.string(),
  durationMs: z.number(),
  farm: z.object({ dirs: z.record(z.string(), z.record(z.string(), FarmEntrySchema)) }),
});
type Store = z.infer<typeof Store>;
const Remembered = z.object({ at: z.number(), message: z.string(), detail: z.string(), mark: z.string().optional() });
const Linked = z.object({ key: z.string(), dirs: z.array(z.string()) });

/**
 * The installation is made at the path where it stays, and counts from the moment its `store.json` is there: package
 * managers write the path they installed to into what they install, so it cannot be moved into place afterwards.
 */
export const createDependencies = (deps: DependenciesDeps): Dependencies => {
  const { git, clock, home, withLock } = deps;
  const root = path.join(path.resolve(home), '.winnow', 'deps');
  const place = (key: string) => ({
    dir: path.join(root, key),
    tree: path.join(root, key, 'tree'),
    store: path.join(root, key, 'store.json'),
    failure: path.join(root, `${key}.failed.json`),
  });
  const storeOf = (key: string) => (KEY.test(key) ? readJson(place(key).store, Store) : Promise.resolve(undefined));
  const recordOf = (dir: string) => path.join(root, 'links', `${sha256(path.resolve(dir)).slice(0, 40)}.json`);

  const remembered = async (key: string, mark?: string): Promise<{ ok: false; error: Failure } | undefined> => {
    const past = await readJson(place(key).failure, Remembered);
    const ageMs = past ? clock.now() - past.at : 0;
    if (!past || past.mark !== mark || ageMs < 0 || ageMs > FAILURE_REMEMBERED_MS) return undefined;
    const minutes = Math.max(1, Math.ceil((FAILURE_REMEMBERED_MS - ageMs) / 60_000));
    return failed('install-failed', `${past.message} (tried again in ${minutes} min)`, past.detail);
  };

  const dependencies: Dependencies = {
    ensure: async (input) => {
      const startMs = clock.monotonic();
      const { mirror, treeish, install, lockfiles } = input;
      if (!install?.trim()) return ok({ key: '', ran: false, durationMs: 0, refused: [] });
      const named = await installKey({ git, gitDir: mirror.dir, treeish, install, lockfiles });
      if (!named.ok) return named;
      const { key } = named.value;
      const look = async (): Promise<Result<Installed, Failure> | undefined> => {
        if (await storeOf(key)) {
          const now = new Date(clock.now());
          await utimes(place(key).store, now, now).catch(() => undefined);
          return ok({ key, ran: false, durationMs: clock.monotonic() - startMs, refused: [] });
        }
        return input.force ? undefined : remembered(key, input.mark);
      };
      const known = await look();
      if (known) return known;
      return withLock(
        `install:${key}`,
        async () =>
          (await look()) ?? installStore({ ...deps, ...input, install, named: named.value, place: place(key) }),
        input.signal,
      );
    },

    link: async (key, dir) => {
      const store = key === '' ? { farm: { dirs: {} } } : await storeOf(key);
      if (!store)
        return failed('install-failed', `the installed dependencies ${key} are gone; they are installed anew`);
      if (!(await isDirectory(dir)))
        return failed('install-failed', `${dir} is no directory to link dependencies into`);
      const record = recordOf(dir);
      const before = await readJson(record, Linked);
      const dirs = Object.keys(store.farm.dirs);
      try {
        for (const name of before?.dirs ?? []) {
          if (dirs.includes(name) || !(await isPlainPath(dir, name.split('/').slice(0, -1)))) continue;
          const gone = await removeTree(path.join(dir, name));
          if (!gone.ok) return gone;
        }
        if (before?.key !== key) await writeJson(record, { key, dirs });
        await layFarm(store.farm, dir);
        return ok(undefined);
      } catch (error) {
        const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
        return failed(
          full ? 'disk-full' : 'install-failed',
          `dependencies cannot be linked into ${dir}: ${String(error)}`,
        );
      }
    },

    verify: async (key) => {
      if (key === '') return true;
      const store = await storeOf(key);
      if (!store) return false;
      const { dir, tree } = place(key);
      if ((await fingerprint(tree).catch(() => undefined)) === store.fingerprint) return true;
      const aside = path.join(root, '.aside');
      await mkdir(aside, { recursive: true });
      await rename(dir, path.join(aside, `${key}-${randomUUID()}`)).catch(() => undefined);
      return false;
    },

    excluded: async (key) => Object.keys((await storeOf(key))?.farm.dirs ?? {}),

    sweep: async (unusedMs) => {
      let swept = 0;
      const unused = async (key: string) => {
        // Without a store.json the directory itself says when it was begun.
        const used =
          (await stat(place(key).store).catch(() => undefined)) ?? (await stat(place(key).dir).catch(() => undefined));
        return used !== undefined && clock.now() - used.mtimeMs > unusedMs;
      };
      for (const key of (await readdir(root).catch(() => [])).filter((name) => KEY.test(name))) {
        if (!(await unused(key))) continue;
        const gone = await withLock(`install:${key}`, async () =>
          (await unused(key)) ? removeTree(place(key).dir) : failed('interrupted', 'it is used again'),
        );
        if (gone.ok) swept += 1;
      }
      return swept;
    },
  };
  return dependencies;
};

const KEY = /^[0-9a-f]{40}$/;

const installStore = async ({
  workspaces,
  commands,
  clock,
  mirror,
  treeish,
  install,
  env,
  network,
  mark,
  timeoutMs,
  signal,
  named,
  place,
}: DependenciesDeps &
  Omit<Parameters<Dependencies['ensure']>[0], 'install'> & {
    install: string;
    named: InstallKey;
    place: { dir: string; tree: string; store: string; failure: string };
  }): Promise<Result<Installed, Failure>> => {
  const startMs = clock.monotonic();
  await removeAside(path.join(path.dirname(place.dir), '.aside'), clock.now());
  const empty = await removeTree(place.dir);
  if (!empty.ok) return empty;
  const abandon = async (failure: { ok: false; error: Failure }) => {
    await removeTree(place.dir);
    return failure;
  };
  await mkdir(place.dir, { recursive: true });
  const tree = await mirror.treeOf(treeish);
  if (!tree.ok) return abandon(tree);
  const filled = await workspaces.checkout({ mirror, tree: tree.value, dir: place.tree, exclude: [] });
  if (!filled.ok) return abandon(filled);
  const result = await commands.run({
    command: install,
    cwd: place.tree,
    env: { ...env, ...installEnv(place.dir, named.pnpm) },
    timeoutMs,
    outputMaxBytes: OUTPUT_MAX_BYTES,
    marker: `install-${named.key.slice(0, 12)}-${randomUUID()}`,
    trusted: true,
    ...(network === undefined ? {} : { network: await network() }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.aborted || signal?.aborted) return abandon(failed('interrupted', `\`${install}\` was stopped`));
  const why = whyFailed(install, result, timeoutMs);
  if (why !== undefined) {
    const detail = lastLines(result, OUTPUT_LINES_KEPT);
    if (/ENOSPC|No space left on device/i.test(detail)) {
      return abandon(failed('disk-full', `\`${install}\` found no space left on the disk`, detail));
    }
    await writeJson(place.failure, { at: clock.now(), message: why, detail, mark });
    return abandon(failed('install-failed', why, detail));
  }
  try {
    const farm = await planFarm(place.tree, named.vendored);
    const durationMs = clock.monotonic() - startMs;
    const store: Store = { fingerprint: await seal(place.tree), durationMs, farm };
    await writeJson(place.store, store);
  } catch (error) {
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    const message = `what \`${install}\` installed cannot be kept: ${String(error)}`;
    return abandon(failed(full ? 'disk-full' : 'install-failed', message));
  }
  await rm(place.failure, { force: true });
  return ok({ key: named.key, ran: true, durationMs: clock.monotonic() - startMs, refused: result.refused });
};

/** What makes every package manager leave a plain node_modules of its own behind, and nobody else's repository alone. */
const installEnv = (dir: string, pnpm: boolean): Record<string, string> => ({
  YARN_NODE_LINKER: 'node-modules',
  // Files of its own instead of links into the store that all projects of the user share.
  ...(pnpm
    ? { npm_config_package_import_method: 'clone-or-copy', pnpm_config_package_import_method: 'clone-or-copy' }
    : {}),
  // The checkout is no repository: a git in a prepare script must not find the one the factory lies in.
  GIT_CEILING_DIRECTORIES: dir,
  HUSKY: '0',
});

const whyFailed = (install: string, result: CommandResult, timeoutMs: number): string | undefined => {
  const name = `\`${withoutCredentials(install)}\``;
  if (result.spawnError !== undefined) return `${name} could not start: ${result.spawnError}`;
  if (result.timedOut) return `${name} was killed after ${Math.round(timeoutMs / 1000)} s`;
  if (result.outputExceeded) return `${name} was killed: it printed more than ${OUTPUT_MAX_BYTES / 2 ** 20} MB`;
  if (result.exitCode === 0) return undefined;
  const ended = result.exitCode === null ? `was killed by ${result.signal}` : `failed with exit ${result.exitCode}`;
  const last = tellingLines(result).join(' / ');
  const refused =
    result.refused.length === 0 ? '' : `; not among its hosts: ${result.refused.join(', ')} (projects[].hosts)`;
  return `${name} ${ended}${last === '' ? '' : `: ${last}`}${refused}`;
};

/** The first lines that name an error: what follows is advice, or a stack. Without one, the last lines of all. */
const tellingLines = (result: CommandResult): string[] => {
  const lines = [...said(result.stderr), ...said(result.stdout)].map((line) =>
    line.replace(/^npm (error|ERR!) ?/, 'npm error ').replace(/^(npm error )\d{3} /, '$1'),
  );
  const telling = lines.filter((line) => /\berror\b|\bERR_|\bfatal\b|\bYN0028\b/i.test(line));
  const worded = telling
    .map((line) => line.replace(/^npm error /, '').trim())
    .filter((line) => !EMPTY_WORDS.test(line));
  const chosen = worded.length > 0 ? worded.slice(0, 3) : said(result.stderr || result.stdout).slice(-3);
  return chosen.map((line) => line.slice(0, 300));
};

/** Lines that installers print with every error. */
const EMPTY_WORDS =
  /^(\d{3}|code E\w+|Note that you can also install from a|tarball, folder, http url.*|In most cases .*|)$/;

/** Of standard error, where installers say why; else of standard output. */
const lastLines = (result: CommandResult, count: number): string => {
  const errors = said(result.stderr);
  return (errors.length > 0 ? errors : said(result.stdout))
    .slice(-count)
    .map((line) => line.slice(0, 500))
    .join('\n');
};

const said = (text: string): string[] =>
  withoutCredentials(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/A complete log of this run can be found|_logs\//.test(line));

const removeAside = async (aside: string, nowMs: number): Promise<void> => {
  for (const name of await readdir(aside).catch(() => [])) {
    const file = path.join(aside, name);
    const made = await stat(file).catch(() => undefined);
    if (made && nowMs - made.ctimeMs > ASIDE_MAX_AGE_MS) await removeTree(file);
  }
};

const readJson = async <T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> => {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
};

const writeJson = async (file: string, value: unknown): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, JSON.stringify(value));
};
