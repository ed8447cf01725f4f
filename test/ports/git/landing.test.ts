import { chmod, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change, Mirror, Stacked } from '../../../src/ports/git/mirror.ts';
import { commitAll, createWorld, must, sh, type World, write } from './world.ts';

/**
 * One repository for the whole file: each test makes its commits beside the others', from the same first commit, and
 * the mirror takes them over by a plain fetch of git's.
 */
let world: World;
let mirror: Mirror;
let first: string;

beforeAll(async () => {
  world = await createWorld({
    'README.md': '# Project\n',
    'src/a.ts': lines(20),
    'src/b.ts': lines(20),
    'logo.bin': Buffer.from([0, 1, 2, 3]),
    'docs/guide.md': lines(12),
  });
  mirror = await world.mirror();
  first = must(await mirror.fetch()).tip;
});
afterAll(() => world.dispose());

function lines(count: number, changed: Record<number, string> = {}): string {
  return Array.from({ length: count }, (_, at) => `${changed[at + 1] ?? `line ${at + 1}`}\n`).join('');
}

const AUTHOR = { name: 'alpha (Winnow)', email: 'alpha@winnow.invalid' };
const AT = 1_700_000_000_000;

/** A commit on another one, made in the checkout and brought into the mirror. */
const make = async (onto: string, change: (dir: string) => Promise<unknown>, message = 'a change'): Promise<string> => {
  await sh(world.repo, 'checkout', '-q', '-f', '--detach', onto);
  await sh(world.repo, 'clean', '-qfdx');
  await change(world.repo);
  const commit = await commitAll(world.repo, message);
  await bring(commit);
  return commit;
};

const bring = (commit: string) => sh(mirror.dir, 'fetch', '-q', world.repo, commit);
const put = (files: Record<string, string | Buffer>) => (dir: string) => write(dir, files);

const stack = async (onto: string, commit: string, rest: Partial<Change> = {}): Promise<Stacked> =>
  must(
    await mirror.stack({
      onto,
      commit,
      style: 'squash',
      message: 'Mend it\n\nBecause it was broken.',
      trailers: [
        ['Winnow-Session', 'alpha'],
        ['Winnow-Review', 'approved by Ada'],
      ],
      author: AUTHOR,
      at: AT,
      ...rest,
    }),
  );

const stacked = (result: Stacked) => {
  if (result.state !== 'stacked') throw new Error(JSON.stringify(result));
  return result;
};

const conflict = (result: Stacked) => {
  if (result.state !== 'conflict') throw new Error(JSON.stringify(result));
  return result;
};

const told = (commit: string, format: string) => sh(mirror.dir, 'log', '-1', `--format=${format}`, commit);

describe('the three styles', () => {
  let onto: string;
  let one: string;
  let tip: string;
  beforeAll(async () => {
    onto = await make(first, put({ 'src/b.ts': lines(20, { 3: 'by main' }) }), 'on main');
    one = await make(first, put({ 'src/a.ts': lines(20, { 2: 'one' }) }), 'one\n\nFirst of two.');
    tip = await make(one, put({ 'src/a.ts': lines(20, { 2: 'one', 15: 'two' }), 'with space ü\nx.ts': 'x\n' }), 'two');
  });

  it('squash makes one commit by the session, with the trailers of Winnow last', async () => {
    const { merged, tree } = stacked(await stack(onto, tip));
    expect(await told(merged, '%P|%T|%an|%ae|%at|%cn|%ct|%B')).toBe(
      `${onto}|${tree}|alpha (Winnow)|alpha@winnow.invalid|1700000000|alpha (Winnow)|1700000000|` +
        'Mend it\n\nBecause it was broken.\n\nWinnow-Session: alpha\nWinnow-Review: approved by Ada',
    );
    expect(await sh(mirror.dir, 'show', `${merged}:src/b.ts`)).toContain('by main');
    expect(await sh(mirror.dir, 'show', `${merged}:with space ü\nx.ts`)).toBe('x');
  });

  it('merge makes a merge of both, also where the branch could just be moved', async () => {
    const { merged, tree } = stacked(await stack(onto, tip, { style: 'merge' }));
    expect(await told(merged, '%P|%T')).toBe(`${onto} ${tip}|${tree}`);
    const ahead = stacked(await stack(first, tip, { style: 'merge' }));
    expect(await told(ahead.merged, '%P')).toBe(`${first} ${tip}`);
    expect(await told(ahead.merged, '%(trailers:key=Winnow-Session,valueonly)')).toBe('alpha');
  });

  it('rebase makes every commit anew, with its own author, day and message', async () => {
    const { merged, tree, note } = stacked(await stack(onto, tip, { style: 'rebase' }));
    expect(note).toBeUndefined();
    expect(await sh(mirror.dir, 'log', '--reverse', '--format=%an|%cn|%ct|%B', `${onto}..${merged}`)).toBe(
      'Ada|alpha (Winnow)|1700000000|one\n\nFirst of two.\n\nWinnow-Session: alpha\nWinnow-Review: approved by Ada\n\n' +
        'Ada|alpha (Winnow)|1700000000|two\n\nWinnow-Session: alpha\nWinnow-Review: approved by Ada',
    );
    expect(await told(merged, '%ad')).toBe(await told(tip, '%ad'));
    expect(await told(`${merged}~1`, '%T|%P')).not.toContain(tree);
    expect(tree).toBe(stacked(await stack(onto, tip)).tree);
  });

  it.each(['squash', 'merge', 'rebase'] as const)('%s makes the same commits whenever it is asked', async (style) => {
    const made = stacked(await stack(onto, tip, { style })).merged;
    expect(stacked(await stack(onto, tip, { style })).merged).toBe(made);
    const others = await Promise.all([stack(onto, tip, { style, at: AT + 1_000 }), stack(first, tip, { style })]);
    expect(others.map((other) => stacked(other).merged)).not.toContain(made);
  });

  it('a change that is there already stays on the commit it should go to', async () => {
    const landed = stacked(await stack(onto, tip));
    for (const style of ['squash', 'merge', 'rebase'] as const) {
      const again = await stack(landed.merged, tip, { style });
      expect(again).toEqual({ state: 'stacked', merged: landed.merged, tree: landed.tree });
    }
    expect(await stack(tip, one)).toMatchObject({ merged: tip });
  });

  it('rebase leaves out the commits whose work is there already', async () => {
    const half = stacked(await stack(onto, one)).merged;
    const { merged } = stacked(await stack(half, tip, { style: 'rebase' }));
    expect(await sh(mirror.dir, 'log', '--format=%s', `${half}..${merged}`)).toBe('two');
  });

  it('rebase of a branch with merges in it makes one commit, and says so', async () => {
    await sh(world.repo, 'checkout', '-q', '-f', '--detach', tip);
    await sh(world.repo, 'merge', '-q', '--no-edit', onto);
    const merge = await sh(world.repo, 'rev-parse', 'HEAD');
    const more = await make(merge, put({ 'c.ts': 'c\n' }));
    const later = await make(onto, put({ 'd.ts': 'd\n' }));
    const result = stacked(await stack(later, more, { style: 'rebase' }));
    expect(result.note).toBe('made into one commit instead of being rebased: it holds merges');
    expect(await told(result.merged, '%P')).toBe(later);
  });

  it('rebase makes one commit where a single one conflicts and all together do not', async () => {
    const detour = await make(first, put({ 'src/b.ts': lines(20, { 3: 'detour' }) }));
    const back = await make(detour, put({ 'src/b.ts': lines(20), 'e.ts': 'e\n' }));
    const result = stacked(await stack(onto, back, { style: 'rebase' }));
    expect(result.note).toContain(`its commit ${detour.slice(0, 12)} alone conflicts`);
    expect(await sh(mirror.dir, 'diff', '--name-only', onto, result.merged)).toBe('e.ts');
  });

  it('rebase makes one commit where its commits lead to another tree', async () => {
    // Main has made the first step too; one by one it is dropped, then taken back, as a whole it never happened.
    const step = await make(first, put({ 'src/b.ts': lines(20, { 3: 'by main' }), 'f.ts': 'f\n' }));
    const back = await make(step, put({ 'src/b.ts': lines(20) }));
    const result = stacked(await stack(onto, back, { style: 'rebase' }));
    expect(result.note).toContain('make another tree than all together');
    expect(await sh(mirror.dir, 'show', `${result.merged}:src/b.ts`)).toContain('by main');
  });

  it('keeps the words of a commit that was not written in UTF-8', async () => {
    await sh(world.repo, 'checkout', '-q', '-f', '--detach', first);
    await write(world.repo, { 'g.ts': 'g\n', message: Buffer.from('Gr\xf6\xdfe\n', 'latin1') });
    await sh(world.repo, 'add', 'g.ts');
    await sh(world.repo, '-c', 'i18n.commitEncoding=ISO-8859-1', 'commit', '-q', '-F', 'message');
    const commit = await sh(world.repo, 'rev-parse', 'HEAD');
    await bring(commit);
    const { merged } = stacked(await stack(onto, commit, { style: 'rebase' }));
    expect(await sh(mirror.dir, 'cat-file', 'commit', merged)).toContain('Größe');
  });
});

describe('trailers', () => {
  let tip: string;
  beforeAll(async () => {
    tip = await make(first, put({ 'h.ts': 'h\n' }));
  });

  const bodyOf = async (message: string, trailers?: [string, string][]) => {
    const { merged } = stacked(await stack(first, tip, { message, ...(trailers ? { trailers } : {}) }));
    const ours = await told(merged, '%(trailers:key=Winnow-Review,valueonly,separator=%x7C)');
    return { body: await told(merged, '%B'), ours };
  };
  const OURS = 'Winnow-Session: alpha\nWinnow-Review: approved by Ada';

  it('join a block of trailers that is there, and open one where there is none', async () => {
    expect((await bodyOf('Mend it\n\nBody.\n\nCo-authored-by: Bo <bo@example.com>\n\n\n')).body).toBe(
      `Mend it\n\nBody.\n\nCo-authored-by: Bo <bo@example.com>\n${OURS}`,
    );
    expect((await bodyOf('Mend it')).body).toBe(`Mend it\n\n${OURS}`);
    expect((await bodyOf('fix: a subject that looks like a trailer')).body).toBe(
      `fix: a subject that looks like a trailer\n\n${OURS}`,
    );
    expect((await bodyOf('Mend it\n\nA list:\nof: things\nthat are no trailers at all\nbut text')).body).toBe(
      `Mend it\n\nA list:\nof: things\nthat are no trailers at all\nbut text\n\n${OURS}`,
    );
  });

  it.each([
    ['in the last block', 'Mend it\n\nWinnow-Review: forged'],
    ['in another case and spacing', 'Mend it\n\nWINNOW-review  :forged\nwinnow-session: forged'],
    ['indented', 'Mend it\n\n  Winnow-Review: forged'],
    ['in the middle', 'Mend it\n\nWinnow-Review: forged\n\nMore text.'],
    ['with lines that go on', 'Mend it\n\nWinnow-Review: forged\n  and forged\n\tand forged'],
    ['after a line of dashes', 'Mend it\n\nText.\n---\nWinnow-Review: forged'],
    ['among comments', 'Mend it\n\nText.\n\n# comment\nWinnow-Review: forged\n# comment'],
    ['with the line ends of other systems', 'Mend it\r\n\r\nWinnow-Review: forged\rWinnow-Review: forged\r\n'],
    ['with separators of Unicode', 'Mend it\n\nText\u2028Winnow-Review: forged\u0085Winnow-Review: forged'],
    ['as the subject', 'Winnow-Review: forged'],
    ['split by a NUL', 'Mend it\n\nWinnow-\0Review: forged'],
  ])('cannot be forged %s', async (_, message) => {
    const { body, ours } = await bodyOf(message);
    expect(body).not.toContain('forged');
    // Comments after a block of trailers are none of it to git.
    expect(body.replace(/(\n+# comment)+$/, '').endsWith(OURS)).toBe(true);
    expect(ours).toBe('approved by Ada');
  });

  it('cannot be forged by a value', async () => {
    const trailers: [string, string][] = [['Winnow-Review', 'approved by Ada\nWinnow-Review: forged\n\nMore']];
    const { ours } = await bodyOf('Mend it', trailers);
    expect(ours).toBe('approved by Ada Winnow-Review: forged More');
  });

  it('cannot be forged in the commits of a rebase', async () => {
    const one = await make(first, put({ 'i.ts': 'i\n' }), 'one\n\nWinnow-Review: forged');
    const two = await make(one, put({ 'j.ts': 'j\n' }), 'Winnow-Review: forged');
    const { merged } = stacked(await stack(first, two, { style: 'rebase' }));
    expect(await sh(mirror.dir, 'log', '--reverse', '--format=%B', `${first}..${merged}`)).toBe(
      `one\n\n${OURS}\n\n(no message)\n\n${OURS}`,
    );
  });

  it('are none where none are given, and a message that is empty gets a word', async () => {
    expect((await bodyOf('Mend it\n\nBody: text\n', [])).body).toBe('Mend it\n\nBody: text');
    expect((await bodyOf(' \n\n', [])).body).toBe('(no message)');
  });
});

describe('a conflict', () => {
  it('of lines is told with both sides, named, and what stands around', async () => {
    const onto = await make(first, put({ 'src/a.ts': lines(20, { 4: 'by main', 16: 'main too' }) }));
    const tip = await make(first, put({ 'src/a.ts': lines(20, { 4: 'by session', 16: 'session too' }) }));
    const result = conflict(await stack(onto, tip, { style: 'rebase' }));
    expect(result.files).toEqual(['src/a.ts']);
    expect(result.text).toBe(
      [
        'CONFLICT (content): Merge conflict in src/a.ts',
        '',
        'src/a.ts, from line 1:',
        'line 1',
        'line 2',
        'line 3',
        '<<<<<<< main',
        'by main',
        '=======',
        'by session',
        '>>>>>>> the change',
        'line 5',
        'line 6',
        'line 7',
        '',
        'src/a.ts, from line 17:',
        'line 13',
        'line 14',
        'line 15',
        '<<<<<<< main',
        'main too',
        '=======',
        'session too',
        '>>>>>>> the change',
        'line 17',
        'line 18',
        'line 19',
      ].join('\n'),
    );
  });

  it('between a change and a deletion names both', async () => {
    const onto = await make(first, (dir) => rm(path.join(dir, 'src/a.ts')));
    const tip = await make(first, put({ 'src/a.ts': lines(20, { 4: 'changed' }) }));
    const result = conflict(await stack(onto, tip));
    expect(result.files).toEqual(['src/a.ts']);
    expect(result.text).toContain('CONFLICT (modify/delete): src/a.ts deleted in main and modified in the change.');
    expect(result.text).not.toMatch(/[0-9a-f]{40}/);
  });

  it('between two renames names all three', async () => {
    const onto = await make(first, (dir) => sh(dir, 'mv', 'docs/guide.md', 'docs/manual.md'));
    const tip = await make(first, (dir) => sh(dir, 'mv', 'docs/guide.md', 'docs/book ü.md'));
    const result = conflict(await stack(onto, tip));
    expect(result.files.sort()).toEqual(['docs/book ü.md', 'docs/guide.md', 'docs/manual.md']);
    expect(result.text).toContain('CONFLICT (rename/rename): docs/guide.md renamed to docs/manual.md in main');
  });

  it('between a file and a directory says so', async () => {
    const onto = await make(first, put({ 'new/deep.ts': 'x\n' }));
    const tip = await make(first, put({ new: 'x\n' }));
    expect(conflict(await stack(onto, tip)).text).toContain('CONFLICT (file/directory): directory in the way of new');
  });

  it('of binary files says so and shows no bytes', async () => {
    const onto = await make(first, put({ 'logo.bin': Buffer.from([0, 1, 2, 9]) }));
    const tip = await make(first, put({ 'logo.bin': Buffer.from([0, 1, 2, 8]) }));
    const result = conflict(await stack(onto, tip));
    expect(result.files).toEqual(['logo.bin']);
    expect(result.text).toContain('CONFLICT (content): Merge conflict in logo.bin');
    expect(result.text).toContain('Cannot merge binary files');
    expect(result.text).not.toContain('\0');
  });

  it('in a file of a name that is hard to write names it', async () => {
    const name = 'with space ü\nand line.ts';
    const base = await make(first, put({ [name]: 'base\n' }));
    const onto = await make(base, put({ [name]: 'main\n' }));
    const tip = await make(base, put({ [name]: 'change\n' }));
    const result = conflict(await stack(onto, tip));
    expect(result.files).toEqual([name]);
    expect(result.text).toContain(`\n${name}, from line 1:\n<<<<<<< main\nmain\n=======\nchange\n>>>>>>> the change`);
  });

  it('is not mistaken for markers that a file holds itself', async () => {
    const own = '<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\n';
    const base = await make(first, put({ 'k.md': own + lines(20) }));
    const onto = await make(base, put({ 'k.md': own + lines(20, { 18: 'main' }) }));
    const tip = await make(base, put({ 'k.md': own + lines(20, { 18: 'change' }) }));
    const { text } = conflict(await stack(onto, tip));
    expect(text).not.toContain('ours');
    expect(text).toContain('<<<<<<< main\nmain\n=======\nchange\n>>>>>>> the change');
  });

  it('of any size is told in bounded words that say what is missing', async () => {
    const all = (word: string) =>
      Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`m/${at}.ts`, `${word} ${'ü'.repeat(500)}\n`]));
    const base = await make(first, put({ ...all('base'), 'm/long.ts': 'base\n' }));
    const onto = await make(base, put({ ...all('main'), 'm/long.ts': `${'main '.repeat(8_000)}\n` }));
    const tip = await make(base, put({ ...all('change'), 'm/long.ts': `${'change '.repeat(8_000)}\n` }));
    const { files, text } = conflict(await stack(onto, tip));
    expect(files).toHaveLength(61);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
    expect(Buffer.byteLength(text)).toBeGreaterThan(14 * 1024);
    expect(text).toMatch(/\n\(\d+ more conflicting places left out: the text is limited to 16 kB\)$/);
    expect(text).not.toContain('\uFFFD');
  });
});

describe('what cannot be merged', () => {
  const link = (oid: string) => async (dir: string) =>
    sh(dir, 'update-index', '--add', '--cacheinfo', `160000,${oid.repeat(40)},lib`);
  const makeLink = async (onto: string, oid: string) => {
    await sh(world.repo, 'checkout', '-q', '-f', '--detach', onto);
    await link(oid)(world.repo);
    await sh(world.repo, 'commit', '-q', '-m', 'link');
    const commit = await sh(world.repo, 'rev-parse', 'HEAD');
    await bring(commit);
    return commit;
  };

  it('a submodule moved on one side is merged, on both it is not', async () => {
    const base = await makeLink(first, '1');
    const onto = await makeLink(base, '2');
    const tip = await makeLink(base, '3');
    const other = await make(first, put({ 'n.ts': 'n\n' }));
    expect(stacked(await stack(other, onto)).merged).not.toBe(other);
    expect(await stack(onto, tip)).toEqual({
      state: 'unusable',
      reason: 'the submodule lib was moved on both sides, and what lies in it is not known here',
    });
  });

  it('a branch of another history, and one that is not whole, say why', async () => {
    await sh(world.repo, 'checkout', '-q', '-f', '--orphan', 'stranger');
    const stranger = await commitAll(world.repo, 'stranger');
    await bring(stranger);
    expect(await stack(first, stranger)).toEqual({
      state: 'unusable',
      reason: 'it has no commit in common with the branch it should go to',
    });
    expect(await stack(first, '1'.repeat(first.length))).toMatchObject({ state: 'unusable' });

    const tip = await make(first, put({ 'src/a.ts': lines(20, { 1: 'torn' }) }));
    const onto = await make(first, put({ 'src/a.ts': lines(20, { 9: 'main' }) }));
    const blob = await sh(mirror.dir, 'rev-parse', `${tip}:src/a.ts`);
    const file = path.join(mirror.dir, 'objects', blob.slice(0, 2), blob.slice(2));
    await chmod(file, 0o644);
    await rm(file);
    expect(await stack(onto, tip)).toMatchObject({
      state: 'unusable',
      reason: expect.stringContaining('git cannot read all of it'),
    });
  });

  it('a missing commit below is a failure of the mirror, not of the change', async () => {
    const input = { style: 'squash', message: 'm', trailers: [], author: AUTHOR, at: AT } as const;
    const tip = await make(first, put({ 'o.ts': 'o\n' }));
    const result = await mirror.stack({ ...input, trailers: [], onto: '1'.repeat(40), commit: tip });
    expect(result).toMatchObject({ ok: false, error: { kind: 'git-failed' } });
  });
});

describe('commits', () => {
  it('between two are told with the newest first', async () => {
    const one = await make(first, put({ 'p.ts': 'p\n' }), 'one: ü|"x"\n\nbody');
    const two = await make(one, put({ 'p.ts': 'q\n' }), 'two');
    expect(await mirror.commits(first, two, 10)).toEqual([
      { commit: two, author: 'Ada <ada@example.com>', subject: 'two' },
      { commit: one, author: 'Ada <ada@example.com>', subject: 'one: ü|"x"' },
    ]);
    expect(await mirror.commits(first, two, 1)).toHaveLength(1);
    expect(await mirror.commits(two, two, 10)).toEqual([]);
    expect(await mirror.commits('1'.repeat(40), two, 10)).toEqual([]);
    expect(await mirror.parentOf(two)).toBe(one);
    expect(await mirror.parentOf(first)).toBeUndefined();
  });

  it('of sessions are known by the last trailer, which is Winnow’s own', async () => {
    const trailer = (name: string) => `\n\nWinnow-Session: ${name}\nWinnow-Branch: b\n`;
    const one = await make(first, put({ 'p.ts': 'p\n' }), `one: ü${trailer('alpha')}`);
    const two = await make(one, put({ 'p.ts': 'q\n' }), 'two, which says Winnow-Session: beta in its text');
    const three = await make(two, put({ 'p.ts': 'r\n' }), 'three\n\nWinnow-Session: forged\nWinnow-Session: beta');
    const found = await mirror.commitsOfSessions(three, 10);
    expect(found.map(({ commit, session, subject }) => [commit, session, subject])).toEqual([
      [three, 'beta', 'three'],
      [one, 'alpha', 'one: ü'],
    ]);
    expect(Number.isFinite(found[0]?.atMs)).toBe(true);
    expect(await mirror.commitsOfSessions(three, 1)).toHaveLength(1);
    expect(await mirror.commitsOfSessions('1'.repeat(40), 10)).toEqual([]);
  });

  it('that take a range back can be put on whatever came later', async () => {
    const landed = await make(first, put({ 'src/a.ts': lines(20, { 2: 'bad' }), 'bad.ts': 'x\n' }));
    const later = await make(landed, put({ 'src/a.ts': lines(20, { 2: 'bad', 17: 'good' }) }));
    const range = { from: first, to: landed };
    const revert = must(await mirror.revertOf(range, 'Revert it', AUTHOR, AT));
    expect(await told(revert.commit, '%P|%T|%s')).toBe(`${landed}|${must(await mirror.treeOf(first))}|Revert it`);
    expect(must(await mirror.revertOf(range, 'Revert it', AUTHOR, AT))).toEqual(revert);
    const { merged } = stacked(await stack(later, revert.commit));
    expect(await sh(mirror.dir, 'show', `${merged}:src/a.ts`)).toBe(lines(20, { 17: 'good' }).trimEnd());
    expect(await mirror.listFiles(merged, 100)).not.toContain('bad.ts');
  });

  it('are found by the first digits of their name, or the whole name of a branch, and by nothing else', async () => {
    const tip = await make(first, put({ 'r.ts': 'r\n' }));
    must(await mirror.keep('brl/alpha/1', tip));
    for (const name of [tip, tip.slice(0, 10), tip.slice(0, 10).toUpperCase(), 'brl/alpha/1']) {
      expect(await mirror.resolve(name)).toBe(tip);
    }
    expect(await mirror.resolve('refs/winnow/brl/alpha/1')).toBe(tip);
    expect(await mirror.resolve('main')).toBe(first);
    const tree = must(await mirror.treeOf(tip));
    const odd = ['', '-x', '--all', '@', '@{-1}', '@{u}', 'main@{0}', 'main~1', 'main^', ':/first', `${tip}^`, 'a..b'];
    const none = ['HEAD', tree, tip.slice(0, 3), '1'.repeat(40), 'nowhere', 'a b', 'main\n', '../main', 'refs/nowhere'];
    for (const name of [...odd, ...none]) expect([name, await mirror.resolve(name)]).toEqual([name, undefined]);
  });

  it('are not found by digits that two of them begin with, nor by a branch that is named like digits', async () => {
    // On the empty tree these two, out of the first 400, share their first four digits.
    const tree = await sh(mirror.dir, 'hash-object', '-t', 'tree', '-w', '/dev/null');
    const alike = await Promise.all(
      ['27', '308'].map(async (message) =>
        must(await mirror.commitTree({ tree, parents: [], message, author: AUTHOR, at: AT })),
      ),
    );
    expect(alike.map((name) => name.slice(0, 5))).toEqual(['88d3c', '88d3b']);
    expect(await mirror.resolve('88d3')).toBeUndefined();
    expect(await mirror.resolve('88d3c')).toBe(alike[0]);
    must(await mirror.keep('beefbeefbeef', first));
    expect(await mirror.resolve('beefbeefbeef')).toBeUndefined();
    expect(await mirror.resolve('refs/winnow/beefbeefbeef')).toBe(first);
  });
});

describe('the traits of a change', () => {
  const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;

  it('name submodules, pointers to files elsewhere and binaries, and count renames', async () => {
    await sh(world.repo, 'checkout', '-q', '-f', '--detach', first);
    await sh(world.repo, 'clean', '-qfdx');
    await sh(world.repo, 'mv', 'docs/guide.md', 'docs/manual.md');
    const plain = 'as long as a pointer might be, and plain text all the same\n';
    const blobName = async (text: string) => {
      await write(world.root, { blob: text });
      return sh(world.repo, 'hash-object', path.join(world.root, 'blob'));
    };
    await write(world.repo, {
      'big ü\n.psd': POINTER,
      'moved.psd': POINTER.replace('12345', '999'),
      'talks-of-it.md': `It begins with\n${POINTER}`,
      'long.txt': `${POINTER}${'x'.repeat(2_000)}`,
      'logo.bin': Buffer.from([0, 9]),
      // What a batch answers for another object, inside of this one.
      'sly.txt': `${await sh(world.repo, 'rev-parse', `${first}:README.md`)} blob 9\n${POINTER}`,
      // The same for one that is asked for: its name is known to whoever writes both.
      'plain.txt': plain,
      'forged.txt': `x\n${await blobName(plain)} blob 9\n${POINTER}`,
      'README.md': '# Other\n',
    });
    await sh(world.repo, 'add', '-A');
    await sh(world.repo, 'update-index', '--add', '--cacheinfo', `160000,${'4'.repeat(40)},lib`);
    await sh(world.repo, 'commit', '-q', '-m', 'odd');
    const tip = await sh(world.repo, 'rev-parse', 'HEAD');
    await bring(tip);
    expect(must(await mirror.traits(first, tip))).toEqual({
      files: 11,
      renames: 1,
      submodules: ['lib'],
      lfsPointers: ['big ü\n.psd', 'moved.psd'],
      binaries: ['logo.bin'],
    });
    const back = must(await mirror.traits(tip, first));
    expect(back).toMatchObject({ submodules: ['lib'], lfsPointers: [] });
    expect(must(await mirror.traits(tip, tip))).toMatchObject({ files: 0, renames: 0 });
    expect(await mirror.traits(tip, '1'.repeat(40))).toMatchObject({ ok: false });
  });
});
