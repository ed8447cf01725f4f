import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { systemClock } from './base/clock.ts';
import { createReleaseStack } from './base/release.ts';
import { ok, type Result } from './base/result.ts';
import type { CannotOpen, Factory } from './desk/doors.ts';
import { machineFacts } from './desk/machine.ts';
import { createPurse } from './flow/purse.ts';
import type { Workshop } from './flow/workshop.ts';
import { openHome } from './home.ts';
import type { ProjectConfig } from './model/config.ts';
import type { Failure } from './model/failure.ts';
import { createCheckCache } from './ports/checks/cache.ts';
import { createDependencies } from './ports/checks/dependencies.ts';
import { createClaude } from './ports/claude/run.ts';
import { createGit } from './ports/git/git.ts';
import type { Mirror } from './ports/git/mirror.ts';
import { isMirror, openMirror } from './ports/git/open-mirror.ts';
import { createWorkspaces } from './ports/git/workspaces.ts';
import { createBotLibrary } from './ports/home/bot-skills.ts';
import type { HomePaths } from './ports/home/home.ts';
import type { LoadedHome } from './ports/home/load.ts';
import { createProcessLog } from './ports/home/process-log.ts';
import { createSkillLibrary } from './ports/home/skills.ts';
import { climbWalls } from './ports/machine/climb.ts';
import { createCommands } from './ports/machine/command.ts';
import { createEnvironments, toolChainPlaces } from './ports/machine/environment.ts';
import { markedMemoryBytes } from './ports/machine/facts.ts';
import { createMemoryWatch } from './ports/machine/memory-watch.ts';
import { sweep } from './ports/machine/processes.ts';
import { createWalls, toolPlaces } from './ports/machine/sandbox.ts';
import { writeShims } from './ports/machine/shims.ts';
import { SLOT_SECRET } from './ports/machine/slot-wire.ts';
import { createSlots } from './ports/machine/slots.ts';
import { detectReaper } from './ports/machine/walls.ts';

/** Puts the house together: every port of one home, released in reverse when it closes. */
export const openFactory = async (named: string | undefined): Promise<Result<Factory, CannotOpen>> => {
  const opened = openHome(named);
  if (!opened.ok) return opened;
  const { counter, files, guard } = opened.value;
  const { journal, clock, ids, paths } = counter;
  const releases = createReleaseStack();
  releases.push(() => counter.close());
  const { config } = counter;

  const parent = { ...files().dotEnv, ...process.env };
  for (const dir of [paths.disposable, paths.tmp, paths.homes]) mkdirSync(dir, { recursive: true });
  const slots = createSlots({ dir: paths.disposable, who: `pid ${process.pid}`, clock });
  releases.push(() => slots.close());
  const reaper = await detectReaper();
  const walls = createWalls({
    wanted: () => {
      const { sandbox: kind, user, readable } = config().agent;
      return { kind, user, readable };
    },
    reaper,
    disposable: paths.disposable,
    shown: () => shownBehindWalls(paths, parent),
    hidden: [paths.env, paths.config, paths.logs],
  });
  const commands = createCommands({ clock, reaper, walls });
  const git = createGit({ clock });
  const workspaces = createWorkspaces({ git, home: paths.home });
  const log = createProcessLog({
    file: paths.processLog,
    limits: () => ({ maxBytes: config().retention.log, files: config().retention.logFiles }),
  });
  const memory = createMemoryWatch({ bytesOf: markedMemoryBytes });
  releases.push(() => memory.stop());

  const shop: Workshop = {
    journal,
    clock,
    ids,
    config,
    paths,
    ownerClaudeConfig: process.env.CLAUDE_CONFIG_DIR ?? join(homedir(), '.claude'),
    prompts: () => files().prompts,
    slots,
    commands,
    walls,
    claude: createClaude({
      command: config().agent.command,
      clock,
      walls,
      sweep: (marker) => sweep(marker),
      fallbackPath: OWN_CLAUDE,
      clean: guard.clean,
    }),
    workspaces,
    dependencies: createDependencies({
      git,
      workspaces,
      commands,
      clock,
      home: paths.home,
      withLock: async (name, install, signal) => {
        const wait = { who: `pid ${process.pid}`, waitMs: INSTALL_WAIT_MS, ...(signal ? { signal } : {}) };
        const lease = await slots.acquire(`install:${name}`, 1, wait);
        if (!lease.ok) return lease;
        try {
          return await install();
        } finally {
          lease.value.release();
        }
      },
    }),
    cache: createCheckCache({ dir: paths.checks }),
    skills: createSkillLibrary(paths.skills),
    botSkills: createBotLibrary(paths.home, paths.botSkills, guard.clean),
    environments: createEnvironments({ parent, homesDir: paths.homes, tmpDir: paths.tmp }),
    purse: createPurse(),
    mirrorOf: createMirrors({ git, clock, home: paths.home }),
    redact: guard.clean,
    random: Math.random,
    memory,
    onProgress: () => {},
  };
  await writeShims({
    dir: paths.shims,
    home: paths.disposable,
    tools: shimmedTools(files()),
    node: process.execPath,
    entry: SHIM_ENTRY,
  });

  return ok({
    ...counter,
    shop,
    reaper,
    climb: (network) =>
      climbWalls({
        commands,
        climber: CLIMBER_ENTRY,
        disposable: paths.disposable,
        secretPlaces: [homedir(), join(homedir(), '.ssh'), paths.env, paths.config, paths.journal],
        network,
      }),
    facts: () => machineFacts(paths),
    configHash: () => files().hash,
    log: (line) => log.info(guard.clean(line)),
    close: async () => {
      await releases.releaseAll();
    },
  });
};

/** The same places from src/ and from dist/. */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SHIM_ENTRY = join(ROOT, 'dist/shim.js');
const CLIMBER_ENTRY = join(ROOT, 'dist/climber.js');
const OWN_CLAUDE = join(ROOT, 'node_modules/.bin/claude');
/** Winnow's own node_modules: the tool chain of the demo. */
export const OWN_MODULES = join(ROOT, 'node_modules');

/**
 * What every room behind a wall shows beside the system: tools, Winnow's own program, and of the home the store of
 * dependencies and what the shims need. The rest of the home is not there: configuration, `.env`, journal, other sessions.
 */
const shownBehindWalls = (paths: HomePaths, env: Readonly<Record<string, string | undefined>>): string[] => {
  const own = ['dist', 'node_modules', 'package.json'].map((name) => join(ROOT, name));
  const homes = [paths.home, homedir()];
  return [
    ...toolPlaces(env, [...own, ...toolChainPlaces(env)], homes),
    ...[paths.deps, paths.shims, join(paths.disposable, SLOT_SECRET)],
  ];
};

/** Somebody else installs the same: as long as the longest install may take. */
const INSTALL_WAIT_MS = 3_600_000;

const createMirrors = (deps: { git: ReturnType<typeof createGit>; clock: typeof systemClock; home: string }) => {
  const open = new Map<string, Promise<Result<Mirror, Failure>>>();
  return async (project: ProjectConfig): Promise<Result<Mirror, Failure>> => {
    const key = JSON.stringify([project.name, project.repo, project.branch]);
    const known = open.get(key);
    if (known) {
      const mirror = await known;
      if (!mirror.ok || (await isMirror(mirror.value.dir))) return mirror;
      // Somebody removed it, and it is disposable: it is made anew, once for all who ask at this moment.
      if (open.get(key) === known) open.delete(key);
    }
    const meanwhile = open.get(key);
    if (meanwhile) return meanwhile;
    const opening = openMirror({ ...deps, project: project.name, repo: project.repo, branch: project.branch }).then(
      (mirror) => {
        // A repository that could not be opened is tried again by the next cycle.
        if (!mirror.ok) open.delete(key);
        return mirror;
      },
    );
    open.set(key, opening);
    return opening;
  };
};

/** Tools that agents call by name and that a slot is meant for. */
const TOOLS_BY_SLOT: Record<string, string[]> = {
  tsc: ['tsc', 'tsgo', 'vue-tsc'],
  test: ['vitest', 'jest', 'mocha', 'ava', 'pytest'],
};

const shimmedTools = ({ config }: LoadedHome): { tool: string; slot: string; capacity: number }[] =>
  Object.entries(config.slots).flatMap(([slot, capacity]) =>
    (TOOLS_BY_SLOT[slot] ?? [slot]).map((tool) => ({ tool, slot, capacity })),
  );
