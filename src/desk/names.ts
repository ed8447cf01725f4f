import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHome, type HomePaths, homePaths } from '../ports/home/home.ts';

export { configSchema } from '../ports/home/config.ts';
export { findHome } from '../ports/home/home.ts';

/** Names for a press of Tab, which waits neither for a configuration to be read nor for a journal to be folded. */

/** By the names of the files alone. */
export const sessionNames = (): string[] =>
  atHome(({ sessions }) =>
    existsSync(sessions)
      ? readdirSync(sessions).flatMap((file) => (/^[a-z][a-z0-9-]*\.md$/.test(file) ? [file.slice(0, -3)] : []))
      : [],
  );

/** From the picture of the queue: what waits, and what is approved. */
export const branchNames = (): string[] =>
  atHome(({ reviewQueue }) => {
    try {
      const { pending, approved } = JSON.parse(readFileSync(reviewQueue, 'utf8')) as {
        [list in 'pending' | 'approved']: { branch: string }[];
      };
      return [...pending, ...approved].map(({ branch }) => branch);
    } catch {
      return [];
    }
  });

export const skillNames = (which: 'lent' | 'retired'): string[] =>
  atHome(({ skills }) => {
    const at = which === 'retired' ? join(skills, '.retired') : skills;
    return existsSync(at) ? readdirSync(at).filter((name) => /^(?!bot$)[a-z0-9][a-z0-9-]*$/.test(name)) : [];
  });

const atHome = (names: (paths: HomePaths) => string[]): string[] => {
  const home = findHome(undefined, process.env, process.cwd());
  return home.ok ? names(homePaths(home.value)) : [];
};
