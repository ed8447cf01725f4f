import { describe, expect, it } from 'vitest';
import { readPatch } from '../../src/policy/patch.ts';
import { edit, gitDiff } from './patches.ts';

const read = (patch: string) => [...readPatch(patch)];
const shown = (patch: string) =>
  read(patch).map(({ file, lines }) => ({
    paths: `${file.oldPath ?? '-'} ${file.newPath ?? '-'}`,
    lines: lines.map((line) => `${line.side}${line.text}`),
  }));

describe('readPatch', () => {
  it('numbers lines on both sides', () => {
    const [hunk] = read('diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -10,3 +20,3 @@ head\n a\n-b\n+c\n+d\n-e\n');
    expect(hunk?.lines.map((line) => `${line.side}${line.oldLine}/${line.newLine}`)).toEqual([
      ' 10/20',
      '-11/21',
      '+12/21',
      '+12/22',
      '-12/23',
    ]);
  });

  it('reads every kind of change that git writes', () => {
    const old = `${'line\n'.repeat(20)}end`;
    const { patch } = gitDiff(
      {
        'deleted.ts': 'gone\n',
        'old name.ts': old,
        'pure.ts': old.replaceAll('l', 'm'),
        'bin.dat': 'a\0b',
        'crlf.ts': 'a\r\n',
      },
      {
        'new.ts': 'a\nb',
        'new name.ts': `${old}\n`,
        'moved.ts': old.replaceAll('l', 'm'),
        'bin.dat': 'a\0c',
        'crlf.ts': 'b\r\n',
        empty: '',
      },
    );
    expect(shown(patch)).toEqual([
      { paths: 'bin.dat bin.dat', lines: [] },
      { paths: 'crlf.ts crlf.ts', lines: ['-a', '+b'] },
      { paths: 'deleted.ts -', lines: ['-gone'] },
      { paths: '- empty', lines: [] },
      { paths: 'pure.ts moved.ts', lines: [] },
      { paths: 'old name.ts new name.ts', lines: [' line', ' line', ' line', '-end', '+end'] },
      { paths: '- new.ts', lines: ['+a', '+b'] },
    ]);
  });

  it('reads names that git quotes', () => {
    const names = [
      '日本.ts',
      'tab\there.ts',
      'quo"te.ts',
      'back\\slash.ts',
      'line\nbreak.ts',
      'a b/c d.ts',
      ' lead.ts',
      'trail.ts ',
    ];
    const tree = Object.fromEntries(names.map((name) => [name, 'x\n']));
    const { patch } = gitDiff({}, tree);
    const found = read(patch).map(({ file }) => file.newPath);
    expect([...found].sort()).toEqual([...names].sort());
    const modes = gitDiff(Object.fromEntries(names.map((name) => [name, ''])), {});
    expect(
      read(modes.patch)
        .map(({ file }) => file.oldPath)
        .sort(),
    ).toEqual([...names].sort());
  });

  it('takes content for content, even when it looks like a heading', () => {
    const inner = edit('evil.ts', '-a', '+b').trimEnd().split('\n');
    const patch = edit(
      'notes.md',
      ...inner.map((line) => `+${line}`),
      '---- a/x',
      '-++ b/x',
      ' diff --git a/q b/q',
      ' @@ -1 +1 @@',
    );
    const read = shown(patch + edit('real.ts', '+x'));
    expect(read.map((hunk) => hunk.paths)).toEqual(['notes.md notes.md', 'real.ts real.ts']);
    expect(read[0]?.lines).toHaveLength(inner.length + 4);
  });

  it.each([
    '',
    'hello',
    'diff --git',
    'diff --git ',
    'diff --git a/x',
    'diff --git "a/x b/x',
    '@@ -1 +1 @@\n+x',
    'diff --git a/x b/x\n@@ nonsense @@\n+x\n',
    'diff --git a/x b/x\n@@ -1,999999999 +1,999999999 @@\n x\n',
    'diff --git a/x b/x\nGIT binary patch\nliteral 3\nKc$@<O00001\n\nliteral 0\nHcmV?d00001\n\n',
    `diff --git a/x b/x\n${'\\'.repeat(1000)}`,
  ])('survives %j', (patch) => {
    expect(() => read(patch)).not.toThrow();
  });

  it('goes on with the next file where a hunk promises more than there is', () => {
    const cut = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,50 +1,50 @@\n+x\n';
    expect(shown(cut + edit('y.ts', '+y')).map((hunk) => hunk.paths)).toEqual(['x x', 'y.ts y.ts']);
  });
});
