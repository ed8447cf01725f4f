import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Factory } from '../../src/desk/doors.ts';
import { collect, planGc } from '../../src/flow/gc.ts';
import type { Workshop } from '../../src/flow/workshop.ts';
import type { Mirror } from '../../src/ports/git/mirror.ts';
import { createWorkbench, type Workbench } from '../factory/workbench.ts';

/** A real home with a real mirror; time is turned on by forty days, so that everything made now is old. */
const DAY = 86_400_000;
const LATER_MS = 40 * DAY;
const CYCLE = '01KKN3V8ZC0000000000000000';
const OTHER = '01KKN3V8ZC0000000000000001';
const ALPHA = { project: 'small', session: 'alpha', cycle: CYCLE };

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

interface Scene {
  bench: Workbench;
  factory: Factory;
  /** Forty days on. */
  shop: Workshop;
  mirror: Mirror;
  put: (path: string, text?: string) => Promise<string>;
  has: (path: string) => boolean;
}

const scene = async (): Promise<Scene> => {
  const bench = await createWorkbench({ sessions: ['alpha'] });
  benches.push(bench);
  const factory = await bench.open();
  const shop = later(factory.shop);
  const mirror = await shop.mirrorOf(shop.config().projects[0]!);
  if (!mirror.ok) throw new Error(mirror.error.message);
  await mirror.value.fetch();
  return {
    bench,
    factory,
    shop,
    mirror: mirror.value,
    put: async (path, text = 'x') => {
      const file = join(bench.home, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    has: (path) => existsSync(join(bench.home, path)),
  };
};

const later = (shop: Workshop): Workshop => ({
  ...shop,
  clock: { ...shop.clock, now: () => shop.clock.now() + LATER_MS },
});

/** Something happens at the moment at which a lock is taken: between the plan and the removal. */
const meanwhile = (shop: Workshop, lock: string, deed: () => Promise<unknown>): Workshop => ({
  ...shop,
  slots: {
    ...shop.slots,
    tryAcquire: async (name, capacity, who) => {
      const lease = await shop.slots.tryAcquire(name, capacity, who);
      if (name === lock) await deed();
      return lease;
    },
  },
});

const run = async (shop: Workshop) => {
  const done = await collect(shop, 'person');
  if (!done.ok) throw new Error(done.error.message);
  return done.value;
};

const begin = ({ factory }: Scene): void => {
  const data = { pid: 1, start: '1', trigger: 'manual', workspace: 'x' } as const;
  factory.journal.append<'cycle_started'>({ type: 'cycle_started', ...ALPHA, data });
};

/** A workspace in which a session has changed a file and added one. */
const workIn = async ({ shop, mirror, factory }: Scene, session = 'alpha') => {
  const tip = await mirror.fetch();
  if (!tip.ok) throw new Error(tip.error.message);
  const branch = `brl/${session}/20260101-000000`;
  const input = { mirror, name: session, base: tip.value.tip, branch, exclude: [] };
  const made = await shop.workspaces.prepare(input);
  if (!made.ok) throw new Error(made.error.message);
  // A session that has run is known with its project.
  const where = { project: 'small', session, cycle: OTHER };
  factory.journal.append<'session_unparked'>({ type: 'session_unparked', ...where, data: { reason: 'begins' } });
  await writeFile(join(made.value.dir, 'sum.js'), 'export const sum = (a, b) => a + b;\n');
  await writeFile(join(made.value.dir, 'new file.txt'), 'what nobody else has\n');
  return made.value;
};

const commitOf = async (at: Scene, session = 'alpha') => {
  const workspace = await workIn(at, session);
  const author = { name: 'a', email: 'a@winnow.invalid' };
  const caught = await at.shop.workspaces.capture({
    mirror: at.mirror,
    workspace,
    author,
    message: 'm',
    at: Date.now(),
  });
  if (!caught.ok) throw new Error(caught.error.message);
  return { ...workspace, ...caught.value };
};

const push = async (at: Scene, session = 'alpha') => {
  const made = await commitOf(at, session);
  const { branch, base, commit, tree } = made;
  const pushed = await at.mirror.pushBranch(branch, commit);
  if (!pushed.ok) throw new Error(pushed.error.message);
  const where = { project: 'small', session, cycle: CYCLE };
  at.factory.journal.append<'branch_pushed'>({ type: 'branch_pushed', ...where, data: { branch, commit, base, tree } });
  return made;
};

const reject = ({ factory }: Scene, { branch, commit }: { branch: string; commit: string }): void => {
  const data = {
    branch,
    commit,
    decision: 'reject',
    by: 'person',
    name: 'ada',
    reasons: ['no'],
    comments: [],
  } as const;
  factory.journal.append<'cto_review'>({
    type: 'cto_review',
    project: 'small',
    data: { ...data, reasons: ['no'], comments: [] },
  });
};

const remove = async (at: Scene, { branch, commit }: { branch: string; commit: string }): Promise<void> => {
  await at.mirror.deleteRemoteBranch(branch, commit);
  at.factory.journal.append<'branch_deleted'>({
    type: 'branch_deleted',
    project: 'small',
    data: { branch, commit, reason: 'rejected' },
  });
};

const refs = async ({ mirror }: Scene): Promise<string[]> => {
  const kept = await mirror.kept();
  return kept.ok ? kept.value.map(({ name }) => name) : ['?'];
};

const patches = ({ bench }: Scene): string[] => {
  const dir = join(bench.home, 'logs/patches');
  return existsSync(dir) ? readdirSync(dir) : [];
};

const OUTSIDE = 'outside of the home';

describe('what has had its time', () => {
  it('is shown, and nothing is touched; then it is removed once, with one entry, and a second time there is nothing', async () => {
    const at = await scene();
    const gone = [
      `logs/transcripts/${CYCLE}/hack.jsonl`,
      `.winnow/checks/ab/${'ab'.repeat(32)}.json`,
      `.winnow/tmp/${OTHER}/x`,
      '.winnow/tmp/checks.small/vitest-1/x',
      '.winnow/claude/alpha/projects/-work/1.jsonl',
      `.winnow/deps/${'a'.repeat(40)}/store.json`,
      `.winnow/deps/.aside/${'a'.repeat(40)}-1/x`,
      '.winnow/homes/alpha/.cache/x',
      '.winnow/checkouts/small/1/x',
      '.winnow/checkouts/small/1.index',
      `logs/reports/${CYCLE}.json.12345`,
    ];
    const stays = [
      `logs/reports/${CYCLE}.json`,
      `logs/patches/${CYCLE}.patch`,
      'logs/reviews/brl-alpha-1.md',
      `logs/overflow/${CYCLE}.json`,
      '.winnow/claude/alpha/settings.json',
      '.winnow/homes/checks.small/x',
    ];
    for (const path of [...gone, ...stays]) await at.put(path);
    const plan = await planGc(at.shop);
    expect(plan.goes.map(({ item }) => item.kind).sort()).toEqual(
      [
        'transcripts',
        'checks',
        'tmp',
        'tmp',
        'conversations',
        'dependencies',
        'leftovers',
        'leftovers',
        'homes',
        'checkouts',
      ].sort(),
    );
    for (const path of [...gone, ...stays]) expect(at.has(path), path).toBe(true);
    expect(at.bench.ofType('collected')).toEqual([]);

    // Turned on only where this file looks: the installations are swept by the clock of the port.
    const old = new Date(Date.now() - LATER_MS);
    await utimes(join(at.bench.home, `.winnow/deps/${'a'.repeat(40)}/store.json`), old, old);
    const done = await run(at.shop);
    expect(done).toMatchObject({ kept: [], failed: [], patches: [] });
    for (const path of gone) expect(at.has(path), path).toBe(false);
    for (const path of stays) expect(at.has(path), path).toBe(true);
    const [entry, ...more] = at.bench.ofType('collected');
    expect(more).toEqual([]);
    expect(entry?.data).toMatchObject({ by: 'person', failed: 0, patches: [] });
    expect(entry?.data.items).toContainEqual({ kind: 'tmp', count: 2, bytes: expect.any(Number) });

    expect(await run(at.shop)).toEqual({ items: [], patches: [], kept: [], failed: [] });
    expect(at.bench.ofType('collected')).toHaveLength(1);
  });

  it('is collected by one process at a time', async () => {
    const at = await scene();
    const lease = await at.shop.slots.tryAcquire('gc', 1, 'another');
    expect(await collect(at.shop, 'person')).toMatchObject({ ok: false, error: { kind: 'already-running' } });
    lease?.release();
    expect((await collect(at.shop, 'person')).ok).toBe(true);
  });

  it('is left alone while it is young', async () => {
    const at = await scene();
    await at.put(`logs/transcripts/${CYCLE}/hack.jsonl`);
    await workIn(at);
    const plan = await planGc(at.factory.shop);
    expect(plan).toEqual({ goes: [], stays: [], notes: [] });
  });

  it('is not made young by a date in the future', async () => {
    const at = await scene();
    const far = new Date('2099-01-01');
    await utimes(await at.put('.winnow/tmp/alpha/forged'), far, far);
    expect((await run(at.shop)).items).toMatchObject([{ kind: 'tmp', count: 1 }]);
    expect(at.has('.winnow/tmp/alpha/forged')).toBe(false);
  });

  it('goes also where a thousand files lie', async () => {
    const at = await scene();
    const dir = join(at.bench.home, `logs/transcripts/${CYCLE}`);
    await mkdir(dir, { recursive: true });
    await Promise.all(Array.from({ length: 1000 }, (_, n) => writeFile(join(dir, `${n}.jsonl`), 'x'.repeat(10))));
    const done = await run(at.shop);
    expect(done.items).toMatchObject([{ kind: 'transcripts', count: 1 }]);
    expect(done.items[0]?.bytes).toBeGreaterThanOrEqual(10_000);
    expect(existsSync(dir)).toBe(false);
  });

  it('stays when nobody may remove it, is told, and stops nothing else', async () => {
    const at = await scene();
    const stuck = join(at.bench.home, `logs/transcripts/${CYCLE}`);
    await at.put(`logs/transcripts/${CYCLE}/run/x`);
    await at.put(`.winnow/checks/ab/${'ab'.repeat(32)}.json`);
    const isRoot = process.getuid?.() === 0;
    // Root may do everything but remove what something is mounted on.
    if (isRoot) execFileSync('mount', ['-t', 'tmpfs', 'none', join(stuck, 'run')]);
    else await chmod(dirname(stuck), 0o555);
    try {
      const done = await run(at.shop);
      expect(done.failed).toEqual([
        { name: `logs/transcripts/${CYCLE}`, why: expect.stringContaining('cannot be removed') },
      ]);
      expect(done.items).toMatchObject([{ kind: 'checks', count: 1 }]);
      expect(at.bench.ofType('collected')[0]?.data.failed).toBe(1);
    } finally {
      if (isRoot) execFileSync('umount', [join(stuck, 'run')]);
      else await chmod(dirname(stuck), 0o755);
    }
  });
});

describe('what is in use', () => {
  it('stays, all of it, while its cycle runs', async () => {
    const at = await scene();
    const { commit, branch } = await commitOf(at);
    const used = [
      `logs/transcripts/${CYCLE}/x`,
      '.winnow/claude/alpha/projects/-w/1.jsonl',
      '.winnow/homes/alpha/x',
      '.winnow/tmp/alpha/x',
    ];
    for (const path of used) await at.put(path);
    begin(at);
    expect((await run(at.shop)).items).toEqual([]);
    for (const path of [...used, '.winnow/workspaces/alpha/new file.txt']) expect(at.has(path), path).toBe(true);
    expect(await at.mirror.kept()).toMatchObject({ value: [{ name: branch, commit }] });
    expect(at.bench.ofType('collected')).toEqual([]);
  });

  it('stays while a process holds the session or the checkout', async () => {
    const at = await scene();
    await workIn(at);
    await at.put('.winnow/checkouts/small/1/x');
    const leases = [
      await at.shop.slots.tryAcquire('session:alpha', 1, 'a cycle'),
      await at.shop.slots.tryAcquire('checkout:small:1', 1, 'a check'),
    ];
    const done = await run(at.shop);
    expect(done.items).toEqual([]);
    expect(done.kept.map(({ name, why }) => `${name}: ${why}`)).toEqual([
      '.winnow/workspaces/alpha: somebody is using it',
      '.winnow/checkouts/small/1: somebody is using it',
    ]);
    expect(at.has('.winnow/workspaces/alpha/new file.txt')).toBe(true);
    for (const lease of leases) lease?.release();
  });

  it('stays when its cycle begins between the plan and the removal', async () => {
    const at = await scene();
    await workIn(at);
    const done = await run(meanwhile(at.shop, 'session:alpha', async () => begin(at)));
    expect(done.kept).toEqual([{ name: '.winnow/workspaces/alpha', why: 'alpha is in a cycle' }]);
    expect(at.has('.winnow/workspaces/alpha/new file.txt')).toBe(true);
  });

  it('is no fault when it vanishes meanwhile', async () => {
    const at = await scene();
    await at.put('.winnow/homes/alpha/x');
    const home = join(at.bench.home, '.winnow/homes/alpha');
    const done = await run(meanwhile(at.shop, 'session:alpha', () => rm(home, { recursive: true })));
    expect(done).toEqual({ items: [], patches: [], kept: [], failed: [] });
  });
});

describe('a workspace', () => {
  it('with work that nothing else holds becomes a patch first, which makes the same files again', async () => {
    const at = await scene();
    await workIn(at);
    const done = await run(at.shop);
    expect(done.items).toMatchObject([{ kind: 'workspaces', count: 1 }]);
    expect(done.patches).toHaveLength(1);
    expect(readdirSync(join(at.bench.home, '.winnow/workspaces'))).toEqual([]);
    await at.bench.git('apply', join(at.bench.home, done.patches[0]!));
    expect(readFileSync(join(at.bench.dir, 'work', 'new file.txt'), 'utf8')).toBe('what nobody else has\n');
    expect(readFileSync(join(at.bench.dir, 'work', 'sum.js'), 'utf8')).toContain('a + b');
    expect(await refs(at)).toEqual([]);
    expect(at.bench.ofType('collected')[0]?.data.patches).toEqual(done.patches);
  });

  it('goes without a patch when its branch is in the remote exactly as it is', async () => {
    const at = await scene();
    await push(at);
    const done = await run(at.shop);
    expect(done).toMatchObject({ items: [{ kind: 'workspaces', count: 1 }], patches: [] });
    expect(patches(at)).toEqual([]);
  });

  it('leaves the commit that was reviewed where it is, though it was changed since', async () => {
    const at = await scene();
    const { dir, branch, commit } = await push(at);
    await writeFile(join(dir, 'sum.js'), '// later\n');
    const done = await run(at.shop);
    expect(done.patches).toHaveLength(1);
    expect(await at.mirror.kept()).toMatchObject({ value: [{ name: branch, commit }] });
  });

  it.each<[why: string, spoil: (at: Scene) => Promise<unknown>]>([
    [
      'nobody knows what it began with',
      (at) => writeFile(join(at.bench.home, '.winnow/workspaces/alpha.exclude'), '{'),
    ],
    [
      'git-failed',
      (at) =>
        rm(join(at.bench.home, '.winnow/mirrors/small.git/refs/remotes'), { recursive: true })
          .then(() => rm(join(at.bench.home, '.winnow/mirrors/small.git/objects'), { recursive: true }))
          .then(() => mkdir(join(at.bench.home, '.winnow/mirrors/small.git/objects'))),
    ],
  ])('stays when its work cannot be saved: %s', async (_, spoil) => {
    const at = await scene();
    await workIn(at);
    await spoil(at);
    expect((await run(at.shop)).items).toEqual([]);
    expect(at.has('.winnow/workspaces/alpha/new file.txt')).toBe(true);
  });

  it('stays when it holds what no patch takes, and its patch is written once, however often it is tried', async () => {
    const at = await scene();
    const { dir } = await workIn(at);
    await writeFile(join(dir, 'model.bin'), '');
    await truncate(join(dir, 'model.bin'), 101 * 1024 ** 2);
    for (const _ of [1, 2]) {
      const done = await run(at.shop);
      expect(done.kept).toEqual([{ name: '.winnow/workspaces/alpha', why: expect.stringContaining('model.bin') }]);
      expect(patches(at)).toHaveLength(1);
    }
    expect(at.has('.winnow/workspaces/alpha/model.bin')).toBe(true);
  });

  it('of a session and a project that are no longer there stays, with the reason', async () => {
    const at = await scene();
    await at.put('.winnow/workspaces/stranger/x');
    const plan = await planGc(at.shop);
    expect(plan.stays.map(({ item, why }) => `${item.name}: ${why}`)).toEqual([
      '.winnow/workspaces/stranger: its project is not configured, so what lies in it cannot be saved',
    ]);
    await run(at.shop);
    expect(at.has('.winnow/workspaces/stranger/x')).toBe(true);
  });
});

describe('a branch', () => {
  it('that is open keeps its commit and its place in the remote', async () => {
    const at = await scene();
    const { branch, commit } = await push(at);
    await run(at.shop);
    expect(await refs(at)).toEqual([branch]);
    expect(await at.bench.branches()).toEqual([`${branch} ${commit}`]);
  });

  it('that was rejected stays until the train has deleted it in the remote; then its commit goes, with a patch', async () => {
    const at = await scene();
    const made = await push(at);
    reject(at, made);
    const first = await run(at.shop);
    expect(first.items.map(({ kind }) => kind)).toEqual(['workspaces']);
    expect((await planGc(at.shop)).stays.map(({ item, why }) => `${item.kind}: ${why}`)).toEqual([
      'commits: the branch in the remote is deleted first',
      'branches: it is closed: the train deletes it at its next round',
    ]);
    expect(await at.bench.branches()).toHaveLength(1);

    await remove(at, made);
    const last = await run(at.shop);
    expect(last.items).toMatchObject([{ kind: 'commits', count: 1 }]);
    expect(await refs(at)).toEqual([]);
    const [patch] = last.patches;
    expect(readFileSync(join(at.bench.home, patch!), 'utf8')).toContain('what nobody else has');
  });

  it('that was approved by a person between the plan and the removal keeps its commit', async () => {
    const at = await scene();
    const made = await push(at);
    reject(at, made);
    await remove(at, made);
    await rm(join(at.bench.home, '.winnow/workspaces'), { recursive: true });
    const { branch, commit } = made;
    const approve = async () => {
      const data = {
        branch,
        commit,
        decision: 'approve',
        by: 'person',
        name: 'ada',
        reasons: ['yes'],
        comments: [],
      } as const;
      at.factory.journal.append<'cto_review'>({
        type: 'cto_review',
        project: 'small',
        data: { ...data, reasons: ['yes'], comments: [] },
      });
    };
    const done = await run(meanwhile(at.shop, 'session:alpha', approve));
    expect(done.kept).toEqual([{ name: branch, why: `${branch} is open` }]);
    expect(await refs(at)).toEqual([branch]);
  });

  it.each([
    ['1970', 1_000],
    ['2100', Date.parse('2100-01-01')],
  ])('that nobody queued is as old as its name in the mirror, also when its agent dated it to %s', async (_, dated) => {
    const at = await scene();
    const branch = 'brl/alpha/20260101-000000';
    const tip = await at.mirror.fetch();
    if (!tip.ok) throw new Error(tip.error.message);
    const { tip: parent } = tip.value;
    const tree = await at.mirror.treeOf(parent);
    const author = { name: 'a', email: 'a@winnow.invalid' };
    const input = { tree: tree.ok ? tree.value : '', parents: [parent], message: 'm', author, at: dated };
    const made = await at.mirror.commitTree(input);
    if (!made.ok) throw new Error(made.error.message);
    await at.mirror.keep(branch, made.value);
    await run(at.factory.shop);
    expect(await refs(at)).toEqual([branch]);
    expect(await run(at.shop)).toMatchObject({ items: [{ kind: 'commits', count: 1 }] });
    expect(await refs(at)).toEqual([]);
  });

  it('whose commit is part of main leaves no patch', async () => {
    const at = await scene();
    const made = await commitOf(at);
    await at.bench.git(
      'fetch',
      '--quiet',
      join(at.bench.home, '.winnow/mirrors/small.git'),
      `refs/winnow/${made.branch}`,
    );
    await at.bench.git('push', '--quiet', 'origin', 'FETCH_HEAD:main');
    await at.mirror.fetch();
    await rm(join(at.bench.home, '.winnow/workspaces'), { recursive: true });
    expect(await run(at.shop)).toMatchObject({ items: [{ kind: 'commits', count: 1 }], patches: [] });
    expect(patches(at)).toEqual([]);
  });

  it('whose patch cannot be written keeps its commit', async () => {
    const at = await scene();
    const made = await push(at);
    reject(at, made);
    await remove(at, made);
    await rm(join(at.bench.home, '.winnow/workspaces'), { recursive: true });
    // Not even root writes into a directory that is a file.
    await rm(join(at.bench.home, 'logs/patches'), { recursive: true, force: true });
    await at.put(`logs/patches/brl-alpha-20260101-000000-${made.commit.slice(0, 12)}.patch/in the way`);
    const done = await run(at.shop);
    expect(done.failed).toEqual([{ name: made.branch, why: 'no patch of it could be written' }]);
    expect(await refs(at)).toEqual([made.branch]);
  });

  it('that a person pushed under brl/ is told and never touched', async () => {
    const at = await scene();
    await at.bench.git('push', '--quiet', 'origin', 'HEAD:refs/heads/brl/mine');
    const plan = await planGc(at.shop);
    expect(plan.stays.map(({ item, why }) => `${item.name}: ${why}`)).toEqual([
      'brl/mine: the journal does not know it: a person may have pushed it',
    ]);
    await run(at.shop);
    expect(await at.bench.branches()).toHaveLength(1);
  });

  it('in a remote that does not answer is told as not looked at, and the rest goes on', async () => {
    const at = await scene();
    await at.put(`logs/transcripts/${CYCLE}/x`);
    await rm(at.bench.remote, { recursive: true });
    const plan = await planGc(at.shop);
    expect(plan.notes).toEqual([expect.stringContaining('there is nothing at')]);
    expect(plan.goes).toHaveLength(1);
  });
});

describe('a link', () => {
  it('inside what goes is removed, and never what it leads to', async () => {
    const at = await scene();
    const outside = join(at.bench.dir, OUTSIDE);
    await mkdir(outside);
    await writeFile(join(outside, 'precious'), 'x');
    await at.put(`logs/transcripts/${CYCLE}/x`);
    await symlink(outside, join(at.bench.home, `logs/transcripts/${CYCLE}/out`));
    const { dir } = await workIn(at);
    await symlink(outside, join(dir, 'out'));
    await at.put('.winnow/tmp/alpha/x');
    await symlink(outside, join(at.bench.home, '.winnow/tmp/alpha/out'));
    const done = await run(at.shop);
    expect(done.items.map(({ kind, count }) => `${kind} ${count}`)).toEqual(['transcripts 1', 'workspaces 1', 'tmp 2']);
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(readFileSync(join(at.bench.home, done.patches[0]!), 'utf8')).toContain('new file mode 120000');
  });

  it('in the place of anything of ours is not gone through', async () => {
    const at = await scene();
    const inside = [CYCLE, 'small/1', `${'ab'.repeat(32)}.json`];
    const links = [
      `logs/transcripts/${CYCLE}`,
      'logs/reports',
      '.winnow/checks/ab',
      '.winnow/workspaces/alpha',
      '.winnow/checkouts',
      '.winnow/deps',
      '.winnow/tmp/alpha',
      '.winnow/homes/alpha',
      '.winnow/claude/alpha/projects',
    ];
    const outside = (n: number, name = '') => join(at.bench.dir, `${OUTSIDE} ${n}`, name);
    for (const [n, path] of links.entries()) {
      for (const name of inside) await mkdir(outside(n, name), { recursive: true });
      const link = join(at.bench.home, path);
      await mkdir(dirname(link), { recursive: true });
      await rm(link, { recursive: true, force: true });
      await symlink(outside(n), link);
    }
    expect((await run(at.shop)).items).toEqual([]);
    for (const [n, path] of links.entries()) {
      for (const name of inside) expect(existsSync(outside(n, name)), `${path}/${name}`).toBe(true);
      expect(at.has(path), path).toBe(true);
    }
  });

  it('that takes the place of a directory between the plan and the removal is not gone through', async () => {
    const at = await scene();
    const outside = join(at.bench.dir, OUTSIDE);
    await mkdir(join(outside, 'old'), { recursive: true });
    await at.put('.winnow/tmp/alpha/old/x');
    const tmp = join(at.bench.home, '.winnow/tmp/alpha');
    const swap = async () => {
      await rm(tmp, { recursive: true });
      await symlink(outside, tmp);
    };
    const done = await run(meanwhile(at.shop, 'session:alpha', swap));
    expect(done.kept).toEqual([
      { name: '.winnow/tmp/alpha/old', why: 'a link leads out of the home on the way to it' },
    ]);
    expect(existsSync(join(outside, 'old'))).toBe(true);
  });
});

it('a transcript whose name Winnow would not give was made by somebody else and stays', async () => {
  const at = await scene();
  const names = ['-rf', 'a\nb', '..x', ' ', '$(touch x)', '😀'];
  for (const name of names) await at.put(`logs/transcripts/${name}/x`);
  const plan = await planGc(at.shop);
  expect(plan.stays.map(({ why }) => why)).toEqual(names.map(() => 'Winnow gives no such names'));
  await run(at.shop);
  for (const name of names) expect(at.has(`logs/transcripts/${name}/x`), name).toBe(true);
});
