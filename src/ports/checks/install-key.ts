import path from 'node:path';
import { sha256 } from '../../base/hash.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Failure } from '../../model/failure.ts';
import { type Git, gitFailure } from '../git/git.ts';

/**
 * What an installation depends on, as one name: two trees with the same key may share one. Everything a package
 * manager reads counts, and nothing else, or every edited script would cost an installation.
 */
export const installKey = async ({
  git,
  gitDir,
  treeish,
  install,
  lockfiles,
}: KeyInput): Promise<Result<InstallKey, Failure>> => {
  const listed = await git.done({ gitDir, args: ['ls-tree', '-r', '-z', '--full-tree', treeish] });
  if (!listed.ok) return listed;
  const blobs = new Map<string, string>();
  const vendored = new Set<string>();
  for (const line of listed.value.split('\0')) {
    const [, oid, name] = /^\d+ blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (oid === undefined || name === undefined) continue;
    const inModules = /^(?:.*?\/)?node_modules(?=\/)/.exec(name)?.[0];
    if (inModules !== undefined) vendored.add(inModules);
    else if (lockfiles ? lockfiles.includes(name) : READ_BY_INSTALLERS.test(name)) blobs.set(name, oid);
  }
  const manifests = lockfiles ? [] : [...blobs].filter(([name]) => path.posix.basename(name) === 'package.json');
  const texts = await readBlobs(
    git,
    gitDir,
    manifests.map(([, oid]) => oid),
  );
  if (!texts.ok) return texts;
  const parts = [...blobs].map(([name, oid]) => {
    const text = path.posix.basename(name) === 'package.json' ? texts.value.get(oid) : undefined;
    return `${name}\0${text === undefined ? oid : manifestOf(text)}`;
  });
  const machine = `${process.platform}-${process.arch}-node${process.versions.node.split('.')[0]}`;
  return ok({
    key: sha256(install, machine, ...parts.sort()).slice(0, KEY_LENGTH),
    vendored,
    pnpm: blobs.has('pnpm-lock.yaml'),
  });
};

export interface KeyInput {
  git: Git;
  gitDir: string;
  treeish: string;
  install: string;
  lockfiles: string[] | undefined;
}

export interface InstallKey {
  key: string;
  /** node_modules directories that are part of the repository and nobody's to replace. */
  vendored: Set<string>;
  pnpm: boolean;
}

/** 160 bits name a content for good, and fit into a path. */
const KEY_LENGTH = 40;

const READ_BY_INSTALLERS = new RegExp(
  `^(?:.*/)?(?:${[
    'package-lock\\.json|npm-shrinkwrap\\.json|pnpm-lock\\.yaml|yarn\\.lock|bun\\.lockb?',
    'package\\.json|\\.npmrc|\\.yarnrc|\\.yarnrc\\.yml|pnpm-workspace\\.yaml|\\.pnpmfile\\.[cm]?js|bunfig\\.toml',
    '\\.yarn/(?:patches|plugins|releases)/.*|patches/.*\\.patch',
  ].join('|')})$`,
);

/** The fields of package.json that decide what lies in node_modules. */
const INSTALL_FIELDS = [
  'name version bin workspaces packageManager devEngines engines os cpu libc',
  'dependencies devDependencies optionalDependencies peerDependencies peerDependenciesMeta',
  'bundleDependencies bundledDependencies dependenciesMeta overrides resolutions catalog catalogs',
  'pnpm allowScripts trustedDependencies patchedDependencies installConfig',
].flatMap((line) => line.split(' '));
const INSTALL_SCRIPTS = 'preinstall install postinstall preprepare prepare postprepare prepublish dependencies'.split(
  ' ',
);

const manifestOf = (text: string): string => {
  try {
    const manifest = JSON.parse(text) as Record<string, unknown>;
    const scripts = (manifest.scripts ?? {}) as Record<string, unknown>;
    return JSON.stringify([
      INSTALL_FIELDS.map((field) => manifest[field] ?? null),
      INSTALL_SCRIPTS.map((name) => scripts[name] ?? null),
    ]);
  } catch {
    // The installer will say what is wrong with it.
    return text;
  }
};

const readBlobs = async (git: Git, gitDir: string, oids: string[]): Promise<Result<Map<string, string>, Failure>> => {
  const texts = new Map<string, string>();
  if (oids.length === 0) return ok(texts);
  const call = { gitDir, args: ['cat-file', '--batch'], input: oids.map((oid) => `${oid}\n`).join('') };
  const answer = await git.run(call);
  if (answer.exitCode !== 0) return err(gitFailure(call, answer));
  const bytes = answer.stdout;
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf('\n', at);
    const [oid = '', , size = '0'] = bytes.subarray(at, lineEnd).toString('utf8').split(' ');
    const end = lineEnd + 1 + Number(size);
    texts.set(oid, bytes.subarray(lineEnd + 1, end).toString('utf8'));
    at = end + 1;
  }
  return ok(texts);
};
