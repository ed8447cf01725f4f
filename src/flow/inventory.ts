import { basename, join, relative } from 'node:path';
import pLimit from 'p-limit';
import type { ProjectConfig } from '../model/config.ts';
import type { Retained } from '../model/retention.ts';
import { isOpen } from '../policy/queue.ts';
import { type Item, queuedOf, sessionOfBranch } from '../policy/retention.ts';
import { type Footprint, footprint, namesIn } from '../ports/home/footprint.ts';
import type { Workshop } from './workshop.ts';

/**
 * Everything in a home that grows. What belongs to the journal (the file itself and logs/overflow/, where its large
 * entries lie) is not in it: that is never removed.
 */
export interface Inventory {
  items: Item[];
  /** What could not be looked at, in sentences. */
  notes: string[];
}

export const takeInventory = async (shop: Workshop): Promise<Inventory> => {
  const notes: string[] = [];
  const items = [
    ...(await logItems(shop)),
    ...(await checkItems(shop)),
    ...(await workspaceItems(shop)),
    ...(await checkoutItems(shop)),
    ...(await agentItems(shop)),
    ...(await dependencyItems(shop)),
    ...(await mirrorItems(shop)),
  ];
  for (const project of shop.config().projects) {
    const found = await branchItems(shop, project);
    items.push(...found.items);
    notes.push(...found.notes);
  }
  return { items, notes };
};

/** Names as Winnow gives them; what is called otherwise was put there by somebody else. */
const OWN_NAME = /^\w[\w.@-]{0,199}$/;
/** Half-written files: of write-file-atomic, and of patches. */
const HALF_WRITTEN = /\.(\d{2,}|\d+-[a-z0-9]+\.tmp)$/;

const itemAt = async (
  shop: Workshop,
  kind: Retained,
  path: string,
  expected: Footprint['type'],
  more: Partial<Item> = {},
): Promise<Item | undefined> => {
  const seen = await footprint(path, shop.clock.now());
  if (!seen) return undefined;
  const own = OWN_NAME.test(basename(path));
  const leftover = expected === 'file' && own && seen.type === 'file' && HALF_WRITTEN.test(basename(path));
  const strange = seen.type !== expected ? STRANGE[seen.type] : own ? undefined : 'Winnow gives no such names';
  return {
    kind: leftover ? 'leftovers' : kind,
    name: relative(shop.paths.home, path),
    bytes: seen.bytes,
    usedMs: seen.usedMs,
    ...(strange === undefined ? {} : { unsafe: strange }),
    ...more,
  };
};

const STRANGE: Record<Footprint['type'], string> = {
  link: 'it is a link to somewhere else',
  file: 'it is a file where a directory belongs',
  directory: 'it is a directory where a file belongs',
  other: 'it is neither a file nor a directory',
};

type Made = Item | undefined;
const there = (items: Made[]): Item[] => items.filter((item) => item !== undefined);

const itemsIn = async (dir: string, make: (name: string, path: string) => Promise<Made> | Made): Promise<Item[]> => {
  const limit = pLimit(LOOKED_AT_AT_ONCE);
  const names = await namesIn(dir);
  return there(await Promise.all(names.map((name) => limit(() => make(name, join(dir, name))))));
};

/** A cache has tens of thousands of files; more at once only wait for the same disk. */
const LOOKED_AT_AT_ONCE = 32;

const logItems = async (shop: Workshop): Promise<Item[]> => {
  const { paths } = shop;
  return [
    ...(await itemsIn(paths.transcripts, (cycle, path) => itemAt(shop, 'transcripts', path, 'directory', { cycle }))),
    ...(await itemsIn(paths.reports, (name, path) => {
      const [, tree] = /^baseline-(.+)\.json$/.exec(name) ?? [];
      return itemAt(shop, 'reports', path, 'file', tree ? { tree } : { cycle: withoutEnd(name) });
    })),
    ...(await itemsIn(paths.patches, (name, path) =>
      itemAt(shop, 'patches', path, 'file', { cycle: withoutEnd(name) }),
    )),
    ...(await itemsIn(paths.reviews, (name, path) =>
      itemAt(shop, 'reviews', path, 'file', { branch: withoutEnd(name) }),
    )),
  ];
};

const withoutEnd = (name: string): string => name.replace(/\.[a-z]+$/, '');

const checkItems = async (shop: Workshop): Promise<Item[]> => {
  const found: Item[] = [];
  for (const shelf of await namesIn(shop.paths.checks)) {
    found.push(...(await itemsIn(join(shop.paths.checks, shelf), (_, path) => itemAt(shop, 'checks', path, 'file'))));
  }
  return found;
};

const workspaceItems = (shop: Workshop): Promise<Item[]> =>
  itemsIn(shop.paths.workspaces, (name, path) =>
    // Beside each lie the index and the notes by which Winnow fills it.
    /\.(index|exclude|add-exclude)$/.test(name) || /\.(index|exclude|add-exclude)\./.test(name)
      ? undefined
      : workspaceItem(shop, name, path),
  );

const workspaceItem = async (shop: Workshop, session: string, path: string): Promise<Made> => {
  const left = shop.workspaces.left(session);
  const project = projectOf(shop, session);
  const unsafe =
    project === undefined
      ? 'its project is not configured, so what lies in it cannot be saved'
      : left === undefined
        ? 'nobody knows what it began with, so what lies in it cannot be saved'
        : undefined;
  const more = { session, ...(project ? { project: project.name } : {}), ...(left ? { branch: left.branch } : {}) };
  const item = await itemAt(shop, 'workspaces', path, 'directory', more);
  return item && unsafe && item.unsafe === undefined ? { ...item, unsafe } : item;
};

/** The project that a session works on, or worked on last. */
export const projectOf = (shop: Workshop, session: string): ProjectConfig | undefined => {
  const name = shop.journal.state().sessions[session]?.project;
  return shop.config().projects.find((project) => project.name === name);
};

const checkoutItems = async (shop: Workshop): Promise<Item[]> => {
  const found: Item[] = [];
  for (const project of await namesIn(shop.paths.checkouts)) {
    found.push(
      ...(await itemsIn(join(shop.paths.checkouts, project), async (name, path) =>
        /^\d+$/.test(name) ? checkoutItem(shop, project, path) : undefined,
      )),
    );
  }
  return found;
};

const checkoutItem = async (shop: Workshop, project: string, path: string): Promise<Made> => {
  const item = await itemAt(shop, 'checkouts', path, 'directory', { project });
  // Its files may be as old as the tree; its index is written at every use.
  const index = await footprint(`${path}.index`, shop.clock.now());
  return item && index ? { ...item, usedMs: Math.max(item.usedMs, index.usedMs) } : item;
};

/** Where Claude Code gathers what it remembers; everything else in its directory is configuration. */
const CLAUDE_GATHERS = ['projects', 'todos', 'debug', 'shell-snapshots', 'file-history', 'session-env'];

const agentItems = async (shop: Workshop): Promise<Item[]> => {
  const { paths } = shop;
  const found: Item[] = [];
  for (const session of await namesIn(paths.claudes)) {
    for (const gathers of CLAUDE_GATHERS) {
      found.push(
        ...(await itemsIn(join(paths.claude(session), gathers), async (_, path) =>
          gathers === 'projects' ? undefined : anyItem(shop, 'conversations', path, { session }),
        )),
      );
    }
    const projects = join(paths.claude(session), 'projects');
    for (const place of await namesIn(projects)) {
      found.push(
        ...(await itemsIn(join(projects, place), (_, path) => anyItem(shop, 'conversations', path, { session }))),
      );
    }
  }
  found.push(...(await itemsIn(paths.homes, (who, path) => itemAt(shop, 'homes', path, 'directory', whoseHome(who)))));
  for (const who of await namesIn(paths.tmp)) {
    const path = join(paths.tmp, who);
    const ofRun = /^[0-9A-HJKMNP-TV-Z]{26}$/.test(who);
    const item = ofRun ? await itemAt(shop, 'tmp', path, 'directory') : undefined;
    if (ofRun) found.push(...there([item]));
    else found.push(...(await itemsIn(path, (_, inner) => anyItem(shop, 'tmp', inner, whoseHome(who)))));
  }
  return found;
};

/** Sessions and agents give names and types as they like: whatever it is, it goes as one and no link is followed. */
const anyItem = async (shop: Workshop, kind: Retained, path: string, more: Partial<Item>): Promise<Made> => {
  const seen = await footprint(path, shop.clock.now());
  return seen && { kind, name: relative(shop.paths.home, path), bytes: seen.bytes, usedMs: seen.usedMs, ...more };
};

/** No session has a dot in its name: `checks.<project>` is where a project's checks are at home. */
const whoseHome = (who: string): Partial<Item> =>
  who.startsWith('checks.') ? { project: who.slice('checks.'.length) } : { session: who };

const dependencyItems = async (shop: Workshop): Promise<Item[]> => [
  ...(await itemsIn(shop.paths.deps, async (key, path) => {
    if (/^[0-9a-f]{40}\.failed\.json$/.test(key)) return itemAt(shop, 'leftovers', path, 'file');
    if (!/^[0-9a-f]{40}$/.test(key)) return undefined;
    const item = await itemAt(shop, 'dependencies', path, 'directory');
    // Packages keep the dates of their authors; the record is touched at every use.
    const record = await footprint(join(path, 'store.json'), shop.clock.now());
    return item && record ? { ...item, usedMs: record.usedMs } : item;
  })),
  ...(await itemsIn(join(shop.paths.deps, '.aside'), (_, path) => itemAt(shop, 'leftovers', path, 'directory'))),
];

const mirrorItems = (shop: Workshop): Promise<Item[]> => {
  const configured = new Set(shop.config().projects.map(({ name }) => `${name}.git`));
  return itemsIn(shop.paths.mirrors, (name, path) =>
    configured.has(name) || name.startsWith('.') ? undefined : itemAt(shop, 'mirrors', path, 'directory'),
  );
};

/** What the mirror keeps by name, and what the remote has under brl/. */
const branchItems = async (shop: Workshop, project: ProjectConfig): Promise<Inventory> => {
  const mirror = await shop.mirrorOf(project);
  if (!mirror.ok) return { items: [], notes: [mirror.error.message] };
  const state = shop.journal.state();
  const kept = await mirror.value.kept();
  if (!kept.ok) return { items: [], notes: [kept.error.message] };
  const commits = kept.value.map(({ name: branch, commit, atMs }): Item => {
    const session = sessionOfBranch(branch);
    const queued = queuedOf(state, branch);
    const usedMs = queued ? Date.parse(queued.changedAt) : atMs;
    const item: Item = { kind: 'commits', name: branch, bytes: 0, usedMs, project: project.name, branch, commit };
    return session === undefined ? item : { ...item, session };
  });
  const remote = await mirror.value.remoteBranches();
  if (!remote.ok) return { items: commits, notes: [remote.error.message] };
  const branches = [...remote.value].flatMap(([branch, commit]): Item[] => {
    const queued = queuedOf(state, branch);
    if (!branch.startsWith('brl/') || (queued && isOpen(queued)) || branch === project.branch) return [];
    const usedMs = queued ? Date.parse(queued.changedAt) : 0;
    return [{ kind: 'branches', name: branch, bytes: 0, usedMs, project: project.name, branch, commit }];
  });
  return { items: [...commits, ...branches], notes: [] };
};

/** The same thing as it is now; undefined when it has gone. */
export const lookAgain = async (shop: Workshop, item: Item): Promise<Item | undefined> => {
  const path = join(shop.paths.home, item.name);
  switch (item.kind) {
    case 'workspaces':
      return workspaceItem(shop, basename(path), path);
    case 'checkouts':
      return checkoutItem(shop, item.project ?? '', path);
    case 'commits':
    case 'branches':
      // What the name stands for is compared by whoever removes it.
      return item;
    default: {
      const seen = await footprint(path, shop.clock.now());
      if (!seen) return undefined;
      return { ...item, bytes: seen.bytes, usedMs: seen.usedMs };
    }
  }
};
