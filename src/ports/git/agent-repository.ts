import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isDirectory, readSmallFile } from './files.ts';
import type { Git } from './git.ts';
import type { Author } from './mirror.ts';
import { asPattern } from './worktree.ts';

/**
 * The `.git` that an agent has in its workspace: made by Winnow as plain files, then the agent's alone. Winnow never
 * runs git in it. To bring commits home it reads the name of HEAD itself and lends the agent's object files to the
 * mirror for one packing; what comes out is checked and named anew, as if it came over the network.
 * So no configuration, hook, filter, alternate or remote in there can run or redirect anything.
 */

/** Longest a git command may take over an agent's objects: a planted pipe among them blocks without end. */
const IMPORT_TIMEOUT_MS = 90_000;
/** Commits of one cycle beyond this are made into one: it is the tree that is judged. */
const COMMITS_MAX = 500;
/** More new content than any reviewable change has. */
const PACK_MAX_BYTES = 1024 * 1024 * 1024;
const REF_MAX_BYTES = 4 * 1024;
const PACKED_REFS_MAX_BYTES = 16 * 1024 * 1024;

const OID = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
export const BRANCH_NAME = /^(?!\/|.*(?:\/\/|\.\.|@\{|\/\.|\.lock(?:\/|$)|\.$|\/$))[A-Za-z0-9][A-Za-z0-9._/@+-]*$/;

/** A fresh git directory: on the branch at base, objects borrowed, no remote, no hook. */
export const writeAgentRepository = async ({
  dir,
  mirrorDir,
  index,
  branch,
  base,
  author,
  exclude,
}: {
  /** The workspace. */
  dir: string;
  mirrorDir: string;
  index: string;
  branch: string;
  base: string;
  author: Author;
  exclude: string[];
}): Promise<void> => {
  const at = path.join(dir, '.git');
  const ref = path.join(at, 'refs', 'heads', branch);
  for (const name of ['objects/info', 'objects/pack', 'hooks', 'info', 'refs/tags']) {
    await mkdir(path.join(at, name), { recursive: true });
  }
  await mkdir(path.dirname(ref), { recursive: true });
  await writeFile(path.join(at, 'objects', 'info', 'alternates'), `${path.join(mirrorDir, 'objects')}\n`);
  await writeFile(path.join(at, 'info', 'exclude'), exclude.map((name) => `${asPattern(name)}\n`).join(''));
  await writeFile(path.join(at, 'config'), configText(base.length === 64, author));
  await writeFile(ref, `${base}\n`);
  // The same files are checked out, so the same index fits: the agent's first `git status` reads no file.
  await copyFile(index, path.join(at, 'index'));
  await copyFile(path.join(mirrorDir, 'shallow'), path.join(at, 'shallow')).catch(() => undefined);
  await writeFile(path.join(at, 'HEAD'), `ref: refs/heads/${branch}\n`);
};

const configText = (sha256: boolean, author: Author): string =>
  [
    '[core]',
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    '\tfilemode = true',
    '\tbare = false',
    '\tlogallrefupdates = true',
    ...(sha256 ? ['[extensions]', '\tobjectformat = sha256'] : []),
    '[user]',
    `\tname = "${quoted(author.name)}"`,
    `\temail = "${quoted(author.email)}"`,
    '[gc]',
    '\tauto = 0',
    '',
  ].join('\n');

const quoted = (text: string): string => text.replace(/[\r\n\0]/g, ' ').replace(/["\\]/g, '\\$&');

/**
 * The commit of the agent's HEAD, with all that is new behind it, in the mirror; undefined when there is none that
 * descends from `base` and is whole. The second value says why.
 */
export const importHead = async ({
  git,
  mirrorDir,
  dir,
  base,
}: {
  git: Git;
  mirrorDir: string;
  dir: string;
  base: string;
}): Promise<{ commit: string } | { unusable: string }> => {
  const agentDir = path.join(dir, '.git');
  const head = await readHead(agentDir);
  if (head === undefined) return { unusable: 'its git directory is damaged or gone' };
  if (head === base) return { commit: base };
  const packed = await bringObjects({ git, mirrorDir, agentDir, head, base });
  if (packed !== undefined) return { unusable: packed };
  const descends = await git.run({ gitDir: mirrorDir, args: ['merge-base', '--is-ancestor', base, head] });
  if (descends.exitCode !== 0) return { unusable: 'its HEAD does not descend from the base' };
  const count = await git.ask(mirrorDir, ['rev-list', '--count', `${base}..${head}`]);
  if (!count.ok) return { unusable: 'its commits are not whole' };
  if (Number(count.value) > COMMITS_MAX) return { unusable: `it made ${count.value} commits` };
  return { commit: head };
};

/** What HEAD names, by reading the files; no git opens this directory. */
const readHead = async (agentDir: string): Promise<string | undefined> => {
  if (!(await isDirectory(agentDir)) || !(await isDirectory(path.join(agentDir, 'objects')))) return undefined;
  const head = (await readSmallFile(path.join(agentDir, 'HEAD'), REF_MAX_BYTES))?.trim() ?? '';
  if (OID.test(head)) return head;
  const ref = /^ref: (refs\/heads\/(\S+))$/.exec(head);
  if (!ref?.[1] || !BRANCH_NAME.test(ref[2] ?? '')) return undefined;
  const loose = (await readSmallFile(path.join(agentDir, ref[1]), REF_MAX_BYTES))?.trim() ?? '';
  if (OID.test(loose)) return loose;
  const packed = await readSmallFile(path.join(agentDir, 'packed-refs'), PACKED_REFS_MAX_BYTES);
  const line = packed?.split('\n').find((text) => text.endsWith(` ${ref[1]}`));
  const oid = line?.split(' ')[0] ?? '';
  return OID.test(oid) ? oid : undefined;
};

/** Packs what is new behind `head` and takes it into the mirror; why it did not work, else undefined. */
const bringObjects = async ({
  git,
  mirrorDir,
  agentDir,
  head,
  base,
}: {
  git: Git;
  mirrorDir: string;
  agentDir: string;
  head: string;
  base: string;
}): Promise<string | undefined> => {
  const desk = await mkdtemp(path.join(mirrorDir, 'winnow-import-'));
  try {
    const lent = path.join(desk, 'objects');
    await lendObjects(path.join(agentDir, 'objects'), lent);
    const pack = path.join(desk, 'new.pack');
    const packed = await git.run({
      gitDir: mirrorDir,
      alternates: [lent],
      args: ['pack-objects', '--quiet', '--revs', '--stdout', '--delta-base-offset', '--no-use-bitmap-index'],
      input: `${head}\n^${base}\n`,
      outputFile: pack,
      timeoutMs: IMPORT_TIMEOUT_MS,
    });
    if (packed.exitCode !== 0) return 'its objects are not whole';
    const received = await git.run({
      gitDir: mirrorDir,
      args: ['unpack-objects', '-q', '--strict', `--max-input-size=${PACK_MAX_BYTES}`],
      inputFile: pack,
      timeoutMs: IMPORT_TIMEOUT_MS,
    });
    if (received.exitCode !== 0) return 'its objects are not sound';
    return undefined;
  } finally {
    await rm(desk, { recursive: true, force: true });
  }
};

/** The object files alone, by links: not `info/`, whose alternates could name any repository on this machine. */
const lendObjects = async (from: string, to: string): Promise<void> => {
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (!/^([0-9a-f]{2}|pack)$/.test(name) || !(await isDirectory(path.join(from, name)))) continue;
    await symlink(path.join(from, name), path.join(to, name));
  }
};
