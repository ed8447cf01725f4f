import type { FileListing } from './detect-files.ts';
import { hasTool, type Machine, type PackageManager } from './detect-part.ts';

const LOCKFILES: readonly [string, 'npm' | 'pnpm' | 'yarn' | 'bun'][] = [
  // A stray package-lock.json beside another lockfile is common, the reverse is not: npm comes last.
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['npm-shrinkwrap.json', 'npm'],
  ['package-lock.json', 'npm'],
];

/** Which package manager a JavaScript project uses, and how it is called on this machine. */
export const detectPackageManager = (
  repository: FileListing,
  manifest: Record<string, unknown>,
  machine: Machine | undefined,
): { manager: PackageManager; notes: string[] } => {
  const notes: string[] = [];
  const present = LOCKFILES.filter(([file]) => repository.has(file));
  const field = /^(npm|pnpm|yarn|bun)@(\d+(?:\.\d+){0,2}[\w.-]*)/.exec(String(manifest.packageManager ?? ''));
  const family = (field?.[1] as 'npm' | 'pnpm' | 'yarn' | 'bun' | undefined) ?? present[0]?.[1] ?? 'npm';
  const families = new Set(present.map(([, name]) => name));
  if (families.size > 1) {
    const why = field === null ? 'since the others are rarely there by accident' : 'since `packageManager` says so';
    notes.push(`Several lockfiles (${present.map(([file]) => file).join(', ')}): ${family} is used, ${why}.`);
  } else if (field !== null && present.length > 0 && !families.has(family)) {
    notes.push(`\`packageManager\` says ${family}, but the only lockfile is ${present[0]![0]}.`);
  }
  const locked = families.has(family);
  const version = field?.[2];
  const missing = (tool: string, command: string) =>
    notes.push(`${tool} is not on this machine: \`${command}\` fetches it when dependencies are installed.`);

  switch (family) {
    case 'npm': {
      // Without a lockfile two installations may differ; one that a run writes must not become part of a commit.
      const install = locked ? 'npm ci --no-audit --no-fund' : 'npm install --no-audit --no-fund --package-lock=false';
      if (!locked) notes.push('There is no lockfile: what gets installed may change from day to day.');
      return { manager: { name: 'npm', version, command: 'npm', install }, notes };
    }
    case 'pnpm': {
      const wanted = version ?? pnpmMajor(repository.text('pnpm-lock.yaml'));
      const older = tooNewPnpm(wanted, machine);
      const fetched = older ? OLDER_PNPM : `npx -y pnpm@${wanted}`;
      const command = hasTool(machine, 'pnpm') ? 'pnpm' : fetched;
      if (command !== 'pnpm') missing('pnpm', command);
      if (older) {
        notes.push(
          `The project asks for pnpm ${wanted}, which needs Node ${NODE_OF_PNPM_11}; this machine has ${machine!.node}, so pnpm 10 is used. Better: a newer Node.`,
        );
      }
      const install = `${command} install ${locked ? '--frozen-lockfile' : '--no-lockfile'}`;
      return { manager: { name: 'pnpm', version, command, install }, notes };
    }
    case 'bun': {
      const command = hasTool(machine, 'bun') ? 'bun' : `npx -y bun@${version ?? '1'}`;
      if (command !== 'bun') missing('bun', command);
      const install = `${command} install ${locked ? '--frozen-lockfile' : '--no-save'}`;
      return { manager: { name: 'bun', version, command, install }, notes };
    }
    case 'yarn':
      return isBerry(repository, version)
        ? { manager: berry(repository, version, notes), notes }
        : { manager: classic(version, locked, hasTool(machine, 'yarn'), missing), notes };
  }
};

/** From version 11 on pnpm needs `node:sqlite`; version 10 reads the same lockfile, if it is kept from fetching 11. */
const tooNewPnpm = (wanted: string, machine: Machine | undefined): boolean =>
  machine !== undefined && Number.parseInt(wanted, 10) >= 11 && Number.parseInt(machine.node, 10) < NODE_OF_PNPM_11;

const NODE_OF_PNPM_11 = 22;
const OLDER_PNPM = 'npx -y pnpm@10 --config.manage-package-manager-versions=false';

/** lockfileVersion 5 was written by pnpm up to 7, 6 by pnpm 8, 9 by pnpm 9 and later. */
const pnpmMajor = (lockfile: string): string => {
  const format = /^lockfileVersion:\s*['"]?(\d+)/m.exec(lockfile)?.[1];
  return format === '5' ? '7' : format === '6' ? '8' : '9';
};

const isBerry = (repository: FileListing, version: string | undefined): boolean =>
  version === undefined
    ? repository.has('.yarnrc.yml') || /^__metadata:/m.test(repository.text('yarn.lock'))
    : !version.startsWith('1');

const classic = (
  version: string | undefined,
  locked: boolean,
  there: boolean,
  missing: (tool: string, command: string) => void,
): PackageManager => {
  const command = there ? 'yarn' : `npx -y yarn@${version ?? '1.22.22'}`;
  if (!there) missing('yarn', command);
  const install = `${command} install --non-interactive ${locked ? '--frozen-lockfile' : '--no-lockfile'}`;
  return { name: 'yarn', version, command, install };
};

/**
 * The `yarn` on a PATH is nearly always the classic one and refuses a modern project, so a modern yarn is named
 * exactly: the copy in the repository, else the published one.
 */
const berry = (repository: FileListing, version: string | undefined, notes: string[]): PackageManager => {
  const settings = repository.text('.yarnrc.yml');
  const own = /^yarnPath:\s*['"]?([\w./@-]+\.c?js)/m.exec(settings)?.[1];
  const format = Number(/^__metadata:\s*\n\s+version:\s*(\d+)/m.exec(repository.text('yarn.lock'))?.[1] ?? '8');
  // Not every release is published under this name, and within one minor version the lockfile stays as it is.
  const wanted = version === undefined ? (format >= 8 ? '4' : '3') : `~${version}`;
  const command =
    own !== undefined && repository.has(own) ? `node ${own}` : `npx -y -p @yarnpkg/cli-dist@${wanted} yarn`;
  const linked = /^nodeLinker:\s*['"]?node-modules/m.test(settings);
  if (!linked) {
    notes.push(
      'Yarn links packages by Plug’n’Play here; Winnow asks it for node_modules, which tools find everywhere.',
    );
  }
  if (repository.has('.pnp.cjs')) {
    notes.push('.pnp.cjs is in the repository: `yarn install --immutable` may refuse node_modules because of it.');
  }
  const install = `${linked ? '' : 'YARN_NODE_LINKER=node-modules '}${command} install --immutable`;
  return { name: 'yarn-berry', version, command, install };
};
