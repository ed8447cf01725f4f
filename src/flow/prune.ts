import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ok, type Result } from '../base/result.ts';
import type { ProjectConfig } from '../model/config.ts';
import type { Failure } from '../model/failure.ts';
import type { State } from '../model/state.ts';
import { isOpen } from '../policy/queue.ts';
import type { Workshop } from './workshop.ts';

/**
 * Takes out of a mirror what nothing refers to: neither a ref, nor a workspace, nor the journal. Every attempt leaves
 * trees and commits there, and only this ever makes it smaller.
 */
export const pruneMirror = async (shop: Workshop, project: ProjectConfig): Promise<Result<void, Failure>> => {
  const mirror = await shop.mirrorOf(project);
  if (!mirror.ok) return mirror;
  const note = join(mirror.value.dir, PRUNED_NOTE);
  const lastMs = Date.parse((await readFile(note, 'utf8').catch(() => '')).trim());
  const now = shop.clock.now();
  // A note that cannot be read, or is of the future, says nothing.
  if (lastMs <= now && now - lastMs < PRUNE_EVERY_MS) return ok(undefined);
  const pruned = await mirror.value.prune(spokenOf(shop.journal.state(), project.name));
  if (!pruned.ok) return pruned;
  await writeFileAtomic(note, `${new Date(now).toISOString()}\n`);
  return ok(undefined);
};

/** It packs the whole repository anew, which for a large one takes minutes and its size once more on the disk. */
const PRUNE_EVERY_MS = 7 * 86_400_000;
const PRUNED_NOTE = 'winnow-pruned';

/** Commits that something may still be compared with or built on, though main was rewritten without them. */
const spokenOf = (state: Readonly<State>, name: string): string[] => {
  const project = state.projects[name];
  const open = Object.values(state.queue).filter((queued) => queued.project === name && isOpen(queued));
  const intents = Object.values(state.intents).filter((intent) => intent.project === name);
  const spoken = [
    project?.tip,
    project?.baseline?.commit,
    project?.good?.commit,
    project?.red?.commit,
    project?.red?.green,
    ...open.flatMap(({ base, commit }) => [base, commit]),
    ...intents.flatMap(({ data }) => (data.effect === 'move-main' ? [data.merge.from, data.merge.to] : [data.commit])),
  ];
  return [...new Set(spoken.filter((commit) => commit !== undefined))];
};
