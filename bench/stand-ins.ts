import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Factory } from '../src/desk/doors.ts';
import type { RalphCycle } from '../src/model/entry.ts';
import { runCycle } from '../src/roles/session.ts';
import { createWorkbench, type Workbench, type WorkbenchOptions } from '../test/factory/workbench.ts';

/** A home whose agents are stand-ins: they do what was laid down for each cycle and cost a few milliseconds. */
export interface StandInBench extends Workbench {
  /** Where the stand-ins find what to do. */
  deeds: string;
  /** Lays down the cycles of a session, from the first on. */
  lay: (session: string, deeds: readonly Deed[]) => void;
}

export interface Deed {
  title: string;
  /** What the plan claims. */
  files: string[];
  nothing?: boolean;
  /** Shell, in the workspace. */
  script: string;
}

export const createStandInBench = async (options: WorkbenchOptions): Promise<StandInBench> => {
  const bench = await createWorkbench({
    ...options,
    agent: {
      command: STAND_IN,
      env: { STAND_IN_DIR: DEEDS, STAND_IN_SESSION: '{session}', ANTHROPIC_API_KEY: 'none' },
      ...options.agent,
    },
  });
  const deeds = join(bench.dir, 'deeds');
  mkdirSync(deeds);
  const config = join(bench.home, 'winnow.config.yaml');
  writeFileSync(config, readFileSync(config, 'utf8').replace(DEEDS, deeds));
  return {
    ...bench,
    deeds,
    lay: (session, list) => {
      for (const [index, { title, files, nothing, script }] of list.entries()) {
        const plan = { title, why: 'as laid down', kind: 'feature', files, expects: 'nothing breaks' };
        const at = join(deeds, `${session}.${index + 1}`);
        writeFileSync(`${at}.json`, JSON.stringify({ ...plan, ...(nothing ? { nothing } : {}) }));
        writeFileSync(`${at}.sh`, `${script}\n`);
      }
    },
  };
};

/** All sessions at once, each its cycles one after the other. */
export const runCycles = async (factory: Factory, cyclesEach: number): Promise<RalphCycle[]> => {
  const { signal } = new AbortController();
  const all = factory.sessions().map(async (session) => {
    const ended: RalphCycle[] = [];
    for (let n = 0; n < cyclesEach; n += 1) {
      const cycle = await runCycle(factory.shop, { session, trigger: 'manual', signal });
      if (!cycle.ok) throw new Error(`${session.name}: ${cycle.error.message}`);
      ended.push(cycle.value.data);
    }
    return ended;
  });
  return (await Promise.all(all)).flat();
};

export const sessionNames = (count: number): string[] => Array.from({ length: count }, (_, n) => `session-${n + 1}`);

const STAND_IN = join(import.meta.dirname, 'stand-in.sh');
/** Stands in the configuration until the directory is known. */
const DEEDS = 'DIRECTORY-OF-DEEDS';
