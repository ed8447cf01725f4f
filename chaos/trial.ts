import type { Fault } from './faults.ts';
import { INVARIANTS } from './invariants.ts';
import { createRandom } from './random.ts';
import { inDir, mountSmall, unmountSmall } from './small-disk.ts';
import { createWorld, type Setting, type World } from './world.ts';

/** One trial: a factory at work, one fault, a look at whether work went on, and all promises. */
export interface Trial {
  fault: string;
  seed: number;
  sandbox: Setting['sandbox'];
  apart: boolean;
  /** What was broken; empty: it survived. */
  losses: string[];
  seconds: number;
  /** It went on, or says until when it rests; absent: neither. */
  after?: 'works' | 'rests';
  /** What a person reads who wants to know what happened; the end of the journal and of what Winnow printed. */
  evidence: string;
}

/** The whole of a trial’s home, with room for both workspaces and little more. */
const SMALL_DISK = '400m';
const EVIDENCE_ENTRIES = 40;

/** Every third trial that may be either has the roles apart: their starts cost more than the rest of it. */
const APART_SHARE = 0.34;

/** Drawn apart from the trial’s own chance, so that the same seed strikes at the same moment with either wall. */
const settingOf = (fault: Fault, seed: number, sandboxes: readonly Setting['sandbox'][]): Setting => {
  const random = createRandom(seed ^ 0x5e771e5);
  const sandbox = random.pick(sandboxes);
  const apart = random.next() < APART_SHARE && fault.orApart === true;
  return { sandbox, apart, ...fault.setting };
};

export const runTrial = async (
  fault: Fault,
  seed: number,
  sandboxes: readonly Setting['sandbox'][],
): Promise<Trial> => {
  const setting = settingOf(fault, seed, sandboxes);
  const began = Date.now();
  const disk = fault.smallDisk ? await mountSmall(SMALL_DISK) : undefined;
  if (fault.smallDisk && disk === undefined) throw new Error('a small disk cannot be mounted');
  const losses: string[] = [];
  let world: World | undefined;
  let evidence = '';
  let after: Trial['after'];
  try {
    world = await inDir(disk, () => createWorld(createRandom(seed), setting));
    world.start();
    await attempt(losses, 'strikes', () => fault.strike(world!));
    world.start();
    await attempt(losses, 'work goes on', async () => {
      after = await world!.workGoesOn();
    });
    const { code, said } = await world.stop();
    if (code !== 0) losses.push(`work goes on – Winnow ended with code ${code}: ${said.trim().slice(-300)}`);
    if (fault.after) await attempt(losses, fault.name, () => fault.after!(world!));
    for (const [promise, ask] of Object.entries(INVARIANTS)) {
      await attempt(losses, promise, async () => {
        for (const what of await ask(world!)) losses.push(`${promise} – ${what}`);
      });
    }
    if (losses.length > 0) evidence = evidenceOf(world);
  } finally {
    await world?.close();
    if (disk) await unmountSmall(disk);
  }
  return {
    fault: fault.name,
    seed,
    ...{ sandbox: setting.sandbox, apart: setting.apart },
    losses,
    seconds: (Date.now() - began) / 1000,
    ...(after ? { after } : {}),
    evidence,
  };
};

const attempt = async (losses: string[], what: string, deed: () => Promise<void>): Promise<void> => {
  try {
    await deed();
  } catch (error) {
    losses.push(`${what} – ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }
};

const evidenceOf = ({ bench }: World): string =>
  bench
    .entries()
    .slice(-EVIDENCE_ENTRIES)
    .map((entry) => JSON.stringify(entry).slice(0, 400))
    .join('\n');
