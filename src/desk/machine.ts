import { existsSync } from 'node:fs';
import type { MachineFacts } from '../policy/gates.ts';
import type { HomePaths } from '../ports/home/home.ts';
import { diskFacts, memoryFacts } from '../ports/machine/facts.ts';

/** The machine's figures for the gates of a home. */
export const machineFacts = async (paths: HomePaths): Promise<MachineFacts> => {
  const { usedShare, totalBytes, availableBytes } = memoryFacts();
  const { freeBytes } = await diskFacts(paths.home);
  return {
    memoryUsedShare: usedShare,
    memoryTotalBytes: totalBytes,
    memoryAvailableBytes: availableBytes,
    diskFreeBytes: freeBytes,
    stopFile: existsSync(paths.stop),
  };
};
