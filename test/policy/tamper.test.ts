import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FINDING_KINDS } from '../../src/model/verdict.ts';
import {
  type ChangedFile,
  createPathMatcher,
  DEFAULT_ACTIONS,
  DEFAULT_CHECK_CONFIG,
  editedTests,
  findTampering,
  isTestFile,
  type TamperInput,
} from '../../src/policy/tamper.ts';
import { howMany } from '../thoroughness.ts';
import { edit, gitDiff } from './patches.ts';

/** Far above what a slow machine needs, far below what quadratic work would take. */
const MOMENT_MS = 15_000;

const find = (patch: string, more: Partial<TamperInput> = {}) =>
  findTampering({ diff: { files: [] }, patch, protect: [], checkConfig: DEFAULT_CHECK_CONFIG, actions: {}, ...more });

const file = (path: string, more: Partial<ChangedFile> = {}): ChangedFile => ({
  path,
  status: 'modified',
  oldMode: '100644',
  newMode: '100644',
  ...more,
});
const touching = (files: ChangedFile[], more: Partial<TamperInput> = {}) => find('', { diff: { files }, ...more });

const kinds = (findings: { kind: string }[]): string[] => findings.map((finding) => finding.kind);

describe('an honest change', () => {
  it.each<[what: string, patch: string]>([
    ['a mended function', edit('src/a.ts', '-  return 1;', '+  return 2;')],
    ['a new test', edit('test/a.test.ts', "+it('adds', () => {", '+  expect(add(1, 2)).toBe(3);', '+});')],
    ['a pagination', edit('src/db.ts', '+  return query.skip(10).only("id").todo();', '+  const fit = model.fit(x);')],
    ['a stricter assertion', edit('a.test.ts', '-  expect(x).toBeDefined();', '+  expect(x).toBe(3);')],
    [
      'a test that is moved',
      edit(
        'a.test.ts',
        "-it('a', () => {",
        '-  expect(1).toBe(x);',
        '-});',
        ' ',
        "+  it('a', () => {",
        '+    expect(1).toBe(x);',
        '+  });',
      ),
    ],
    ['a test that becomes asynchronous', edit('a.test.ts', "-it('a', () => {", "+test('a', async () => {")],
    [
      'a title on a line of its own',
      edit('a.test.ts', "-it('a long title', () => {", '+it(', "+  'a long title',", '+  () => {'),
    ],
    ['prose', edit('docs/a.md', '+Use `// @ts-ignore` or eslint-disable, as any other, `it.skip(`.')],
    ['a comment', edit('src/a.ts', '+// as any other value: any, it works', '+const x = "as any other";')],
    ['an edited line that keeps its sign', edit('src/a.ts', '-const a = f(x) as any;', '+const b = g(x) as any;')],
    [
      'a sign that is moved',
      edit('src/a.ts', '-  // eslint-disable-next-line no-console', ' x', '+// eslint-disable-next-line no-console'),
    ],
    ['a sign that is removed', edit('src/a.ts', '-// @ts-ignore', '-const x: any = y as any;')],
    ['a skip that is removed', edit('a.test.ts', "-it.skip('a', () => {", "+it('a', () => {")],
    [
      'a skipped test that is edited',
      edit('a.test.ts', "-  it.skip('a', () => { f(1); });", "+  it.skip('a', () => { f(2); });"),
    ],
    ['a Python test', edit('tests/test_a.py', '+def test_adds():', '+    assert add(1, 2) == 3')],
    ['a Rust test', edit('src/a.rs', '+#[test]', '+fn adds() {', '+    assert_eq!(add(1, 2), 3);')],
    ['a Go test', edit('a_test.go', '+func TestAdd(t *testing.T) {', '+\tif add(1, 2) != 3 { t.Fatal("no") }')],
  ])('gives no finding: %s', (_, patch) => {
    expect(find(patch)).toEqual([]);
  });
});

describe('tests that are taken away', () => {
  it.each([
    ['a.test.ts', "-it('adds', () => {", 'adds'],
    ['a.test.ts', '-  test(`adds`, async () => {', 'adds'],
    ['src/__tests__/a.js', '-describe("math", function () {', 'math'],
    ['a.spec.tsx', "-test.each([1, 2])('adds %i', (n) => {", 'adds'],
    ['tests/test_a.py', '-    async def test_adds(self):', 'test_adds'],
    ['a_test.go', '-func TestAdds(t *testing.T) {', 'TestAdds'],
  ])('%s: %s', (path, line, evidence) => {
    const findings = find(edit(path, line, ' rest'));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ kind: 'test-deleted', action: 'refuse', file: path, line: 1 });
    expect(findings[0]?.evidence).toContain(evidence);
  });

  it('are seen in Rust and Java by the name on a following line', () => {
    const renamed = edit('src/a.rs', ' #[test]', '-fn adds() {', '+fn multiplies() {');
    expect(find(renamed)).toEqual([]);
    expect(kinds(find(edit('src/a.rs', '-#[tokio::test]', '-#[should_panic]', '-async fn adds() {')))).toEqual([
      'test-deleted',
    ]);
    expect(
      find(edit('src/a.rs', '-#[test]', '-fn adds() {', ' }', '+#[test]', '+#[cfg(unix)]', '+fn adds() {')),
    ).toEqual([]);
    expect(kinds(find(edit('src/test/java/ATest.java', '-  @Test', '-  void adds() {')))).toEqual(['test-deleted']);
  });

  it('are seen when they are renamed, commented out or replaced by others', () => {
    expect(kinds(find(edit('a.test.ts', "-it('adds', f);", "+it('is fine', f);")))).toEqual(['test-deleted']);
    expect(kinds(find(edit('a.test.ts', "-it('adds', f);", "+// it('adds', f);")))).toEqual(['test-deleted']);
    expect(kinds(find(edit('a.test.ts', "-it('adds', f);", "+/* it('adds', f); */")))).toEqual(['test-deleted']);
    const multi = edit('a.test.ts', ' it(', "-  'adds',", "+  'is fine',", '   f);');
    expect(find(multi)).toEqual([]);
    const whole = edit('a.test.ts', '-it(', "-  'adds',", '-  f);', '+it(', "+  'is fine',", '+  f);');
    expect(find(whole)).toMatchObject([{ kind: 'test-deleted', evidence: 'it(' }]);
  });

  it('may move to another file', () => {
    expect(find(edit('a.test.ts', "-it('adds', f);") + edit('b.test.ts', "+  it('adds', f);"))).toEqual([]);
    const one = edit('b.test.ts', "+it('adds', f);");
    expect(find(edit('a.test.ts', "-it('adds', f);", ' x', "-it('adds', f);") + one)).toHaveLength(1);
  });

  it('are seen when their file is deleted, or stops being one', () => {
    const test = "import { it } from 'vitest';\nit('adds', () => {\n  expect(1).toBe(x);\n});\n";
    const deleted = gitDiff({ 'src/a.test.ts': test, 'test/helper.ts': 'export const x = 1;\n' }, {});
    expect(find(deleted.patch, { diff: deleted.diff })).toMatchObject([
      { kind: 'test-deleted', action: 'refuse', file: 'src/a.test.ts', evidence: 'the test file is deleted' },
    ]);
    const renamed = gitDiff({ 'src/a.test.ts': test }, { 'src/a.ts.bak': test });
    expect(find(renamed.patch, { diff: renamed.diff })).toMatchObject([
      { kind: 'test-deleted', file: 'src/a.test.ts' },
    ]);
    const moved = gitDiff({ 'src/a.test.ts': test }, { 'test/a.test.ts': test });
    expect(find(moved.patch, { diff: moved.diff })).toEqual([]);
    const inTestDir = gitDiff({ 'test/adds.ts': test }, {});
    expect(kinds(find(inTestDir.patch, { diff: inTestDir.diff }))).toEqual(['test-deleted']);
  });
});

describe('tests that are skipped', () => {
  it.each([
    ['a.test.ts', "it.skip('a', f);"],
    ['a.test.ts', "  describe.only('a', f);"],
    ['a.test.ts', "test.todo('a');"],
    ['a.test.ts', "test.concurrent.skip('a', f);"],
    ['a.test.ts', "it.skipIf(true)('a', f);"],
    ['a.test.ts', "it.fails('a', f);"],
    ['a.test.ts', "xit('a', f);"],
    ['a.test.ts', "xdescribe('a', f);"],
    ['a.test.ts', "fit('a', f);"],
    ['a.test.ts', "xit.each([1])('a', f);"],
    ['a.test.ts', "it('a', { skip: true }, f);"],
    ['a.test.ts', "it('a', { skip: 'flaky' }, f);"],
    ['a.test.ts', '  t.skip();'],
    ['a.test.ts', '  this.skip();'],
    ['a.test.ts', "/* x */ it.skip('a', f);"],
    ['test/a.mjs', "  ctx.skip('later');"],
    ['scripts/run.sh', 'vitest run --passWithNoTests'],
    ['any.json', '  "passWithNoTests": true'],
    ['tests/test_a.py', "@pytest.mark.skip(reason='x')"],
    ['tests/test_a.py', '    pytest.xfail("x")'],
    ['tests/test_a.py', 'pytestmark = pytest.mark.skipif(True)'],
    ['tests/test_a.py', '@unittest.skip("x")'],
    ['src/lib.rs', '    #[ignore]'],
    ['src/lib.rs', '#[ignore = "slow"]'],
    ['a_test.go', '\tt.Skip("x")'],
    ['a_test.go', '\tt.SkipNow()'],
    ['src/test/java/ATest.java', '  @Disabled'],
  ])('%s: %s', (path, line) => {
    expect(find(edit(path, ' before', `+${line}`))).toEqual([
      { kind: 'test-skipped', action: 'refuse', file: path, line: 2, evidence: line.trim() },
    ]);
  });

  it('are seen next to a skip that was there before', () => {
    const patch = edit('a.test.ts', "-it.skip('a', f);", "+it.skip('a', f);", "+it.skip('b', f);");
    expect(kinds(find(patch))).toEqual(['test-skipped']);
  });
});

describe('assertions that are weakened', () => {
  it.each<[what: string, lines: string[]]>([
    ['removed', ['-  expect(x).toBe(1);', '   f();']],
    ['one of two removed', ['-  expect(x).toBe(1);', '-  expect(y).toBe(2);', '+  expect(x).toBe(1);']],
    ['commented out', ['-  expect(x).toBe(1);', '+  // expect(x).toBe(1);']],
    ['always true', [' it', '+  expect(true).toBe(true);']],
    ['compared with itself', [' it', "+  expect('a').toEqual('a');"]],
    ['always true for node', [' it', '+  assert.ok(true);']],
    ['vague matcher', ['-  expect(x).toBe(1);', '+  expect(x).toBeDefined();']],
    ['truthy', ['-  expect(x).toEqual({ a: 1 });', '+  expect(x).toBeTruthy();']],
    ['anything', ['-  expect(x).toEqual({ a: 1 });', '+  expect(x).toEqual({ a: expect.anything() });']],
    ['node', ['-  assert.strictEqual(x, 1);', '+  assert.ok(x);']],
  ])('%s', (_, lines) => {
    const findings = find(edit('a.test.ts', ...lines));
    expect(kinds(findings)).toEqual(['assertion-weakened']);
    expect(findings[0]?.action).toBe('report');
  });

  it('in Python and Rust too', () => {
    expect(kinds(find(edit('tests/test_a.py', '-    assert x == 1', '+    assert x')))).toEqual(['assertion-weakened']);
    expect(kinds(find(edit('tests/test_a.py', '+    assert True')))).toEqual(['assertion-weakened']);
    expect(kinds(find(edit('tests/a.rs', '-    assert_eq!(x, 1);', '+    assert!(x.is_ok());')))).toEqual([
      'assertion-weakened',
    ]);
  });

  it('are none of our business outside of tests', () => {
    expect(find(edit('src/a.ts', '-  assert(x === 1);'))).toEqual([]);
  });

  it('can be refused by configuration', () => {
    const patch = edit('a.test.ts', '-  expect(x).toBe(1);');
    expect(find(patch, { actions: { 'assertion-weakened': 'refuse' } })[0]?.action).toBe('refuse');
  });
});

describe('assertions that claim something else', () => {
  it.each([
    ['a.test.ts', '-  expect(x).toBe(2);', '+  expect(x).toBe(3);'],
    ['a.test.js', "-test('a', () => assert.equal(a(1, 2), 3));", "+test('a', () => assert.equal(a(1, 2), -1));"],
    ['tests/test_a.py', '-    assert x == 1', '+    assert x == 2'],
    ['tests/a.rs', '-    assert_eq!(x, 1);', '+    assert_eq!(x, 2);'],
  ])('are shown to the reviewer, before and after: %s', (path, ...lines) => {
    expect(find(edit(path, ...lines))).toEqual([
      {
        ...{ kind: 'assertion-changed', action: 'report', file: path, line: 1 },
        evidence: lines.map((line) => line.slice(1).trim()).join(' becomes '),
      },
    ]);
  });

  it('can be refused by configuration', () => {
    const patch = edit('a.test.ts', '-  expect(x).toBe(2);', '+  expect(x).toBe(3);');
    expect(find(patch, { actions: { 'assertion-changed': 'refuse' } })[0]?.action).toBe('refuse');
  });
});

describe('files of tests that a change edits', () => {
  it('are those that were there before, with the tests of recorded snapshots', () => {
    expect([
      ...editedTests([
        file('src/a.ts'),
        file('src/a.test.ts'),
        file('src/new.test.ts', { status: 'added' }),
        file('src/gone.test.ts', { status: 'deleted' }),
        file('test/to.ts', { status: 'renamed', from: 'test/from.ts' }),
        file('src/__snapshots__/b.test.ts.snap'),
        file('src/__snapshots__/new.test.ts.snap', { status: 'added' }),
      ]),
    ]).toEqual(['src/a.test.ts', 'src/gone.test.ts', 'test/to.ts', 'test/from.ts', 'src/b.test.ts']);
  });
});

describe('suppressions', () => {
  it.each([
    ['src/a.ts', '// @ts-ignore', 'type-suppression'],
    ['src/a.ts', '// @ts-nocheck', 'type-suppression'],
    ['src/a.tsx', '  {/* @ts-expect-error */}', 'type-suppression'],
    ['src/a.ts', 'const a = (b as any).c;', 'type-suppression'],
    ['src/a.ts', 'const a = b as any', 'type-suppression'],
    ['src/a.ts', 'const a = b as any as string;', 'type-suppression'],
    ['src/a.ts', 'const a = b as unknown as string;', 'type-suppression'],
    ['src/a.ts', 'let a: any;', 'type-suppression'],
    ['src/a.ts', 'const a: Map<string, any> = b;', 'type-suppression'],
    ['src/a.py', 'x = y  # type: ignore[arg]', 'type-suppression'],
    ['src/a.ts', '// eslint-disable-next-line no-console', 'lint-suppression'],
    ['src/a.ts', '/* eslint-disable */', 'lint-suppression'],
    ['src/a.ts', '// biome-ignore lint/x: y', 'lint-suppression'],
    ['src/a.ts', '// oxlint-disable-line', 'lint-suppression'],
    ['src/a.ts', '/* istanbul ignore next */', 'lint-suppression'],
    ['src/a.ts', '/* v8 ignore start */', 'lint-suppression'],
    ['src/a.py', 'import x  # noqa: F401', 'lint-suppression'],
    ['src/a.py', 'x = 1  # pragma: no cover', 'lint-suppression'],
    ['src/a.rs', '#[allow(dead_code)]', 'lint-suppression'],
    ['src/a.rs', '#![allow(clippy::all)]', 'lint-suppression'],
    ['a.go', 'x() //nolint:errcheck', 'lint-suppression'],
    ['A.java', '@SuppressWarnings("all")', 'lint-suppression'],
  ])('%s: %s', (path, line, kind) => {
    expect(find(edit(path, `+${line}`))).toEqual([
      { kind, action: 'report', file: path, line: 1, evidence: line.trim() },
    ]);
  });

  it('of types can be refused, save the one that honest code is full of', () => {
    const actions = { 'type-suppression': 'refuse' } as const;
    expect(find(edit('a.ts', '+// @ts-ignore'), { actions })[0]?.action).toBe('refuse');
    expect(find(edit('a.ts', '+let a: any;'), { actions })[0]?.action).toBe('report');
    expect(find(edit('a.ts', '+let a: any = b as any;'), { actions }).map((f) => f.action)).toEqual([
      'refuse',
      'report',
    ]);
  });

  it('count when a second one joins a first on the same line', () => {
    expect(kinds(find(edit('a.ts', '-f(a as any, b);', '+f(a as any, b as any);')))).toEqual(['type-suppression']);
  });
});

describe('paths that nobody may touch', () => {
  const protect = ['.github/**', '**/*.lock', 'Makefile', 'docs', '!docs/open/**', '/only-root.txt'];

  it.each([
    ['.github/workflows/ci.yml', true],
    ['packages/x/yarn.lock', true],
    ['yarn.lock', true],
    ['Makefile', true],
    ['sub/dir/Makefile', true],
    ['Makefile.old', false],
    ['docs/a.md', true],
    ['docs/.hidden/a.md', true],
    ['docs/open/a.md', false],
    ['only-root.txt', true],
    ['sub/only-root.txt', false],
    ['src/a.ts', false],
  ])('%s: %s', (path, refused) => {
    const findings = touching([file(path)], { protect, actions: { 'protected-path': 'report' } });
    expect(kinds(findings)).toEqual(refused ? ['protected-path'] : []);
    if (refused) expect(findings[0]?.action).toBe('refuse');
  });

  it('are touched by a rename away from them, by a deletion and by a change of mode', () => {
    const { diff, patch } = gitDiff({ '.github/ci.yml': 'a\n'.repeat(30) }, { 'ci.yml': 'a\n'.repeat(30) });
    expect(diff.files[0]?.status).toBe('renamed');
    expect(find(patch, { diff, protect })).toMatchObject([{ kind: 'protected-path', file: '.github/ci.yml' }]);
    expect(kinds(touching([file('Makefile', { status: 'deleted' })], { protect }))).toEqual(['protected-path']);
    expect(kinds(touching([file('Makefile', { newMode: '100755' })], { protect }))).toEqual(['protected-path']);
  });

  it('are found in the patch too when the diff does not name them', () => {
    expect(kinds(find(edit('.github/ci.yml', '+x'), { protect }))).toEqual(['protected-path']);
    const quoted = gitDiff({}, { '.github/日本 "x".yml': 'x\n' });
    expect(find(quoted.patch, { protect })).toMatchObject([{ kind: 'protected-path', file: '.github/日本 "x".yml' }]);
    expect(find(quoted.patch, { diff: quoted.diff, protect })).toHaveLength(1);
  });

  it('are as many as the patterns say, none without patterns', () => {
    for (const nothing of [[], [''], ['!x'], ['!'], ['/'], [' ']])
      expect(createPathMatcher(nothing)('a/b')).toBeUndefined();
    expect(createPathMatcher(['**'])('.a/.b')).toBe('**');
    expect(createPathMatcher(['!(a).ts'])('b.ts')).toBe('!(a).ts');
    expect(createPathMatcher(['a[1].ts', 'src/'])('src/x/y')).toBe('src/');
  });
});

describe('the configuration of checks', () => {
  it.each([
    'tsconfig.json',
    'packages/x/tsconfig.build.json',
    'vitest.config.ts',
    'vitest.workspace.mts',
    'vitest.config.unit.ts',
    'vite.config.js',
    'jest.config.cjs',
    'jest.setup.js',
    'eslint.config.mjs',
    '.eslintrc',
    '.eslintrc.json',
    'sub/.mocharc.yml',
    'biome.jsonc',
    'babel.config.js',
    '.babelrc',
    'pytest.ini',
    'setup.cfg',
    'tox.ini',
    'mypy.ini',
    'ruff.toml',
    '.coveragerc',
    '.golangci.yml',
  ])('%s is refused', (path) => {
    expect(touching([file(path)])).toMatchObject([{ kind: 'check-config', action: 'refuse', file: path }]);
  });

  it.each(['src/config.ts', 'conftest.py', 'Cargo.toml', 'src/vite.ts', 'docs/tsconfig.md', 'package.json'])(
    '%s is left to others',
    (path) => {
      expect(touching([file(path)])).toEqual([]);
    },
  );

  it('is refused in package.json by keys, not by text', () => {
    const before = '{"name":"x","scripts":{"test":"vitest run","build":"tsc"},"dependencies":{"a":"1"}}';
    const scripts = (after: string) => touching([file('package.json')], { scripts: { before, after } });
    expect(scripts('{"dependencies":{"a":"2"},"scripts":{"build":"tsc",\n"test":"vitest run"}}')).toEqual([]);
    expect(scripts('{"name":"x","scripts":{"test":"exit 0","build":"tsc"}}')).toEqual([
      {
        kind: 'check-config',
        action: 'refuse',
        file: 'package.json',
        evidence: 'scripts.test: "vitest run" -> "exit 0"',
      },
    ]);
    expect(scripts('{"name":"x"}').map((f) => f.evidence)).toEqual([
      'scripts.test: "vitest run" -> nothing',
      'scripts.build: "tsc" -> nothing',
    ]);
    expect(kinds(scripts(`${before.slice(0, -1)},"jest":{"testMatch":[]}}`))).toEqual(['check-config']);
    expect(kinds(scripts(`${before.slice(0, -1)},"vitest":false}`))).toEqual(['check-config']);
    for (const broken of ['{', '[]', 'null', '"x"', '']) expect(kinds(scripts(broken))).toEqual(['check-config']);
    expect(kinds(scripts('{"scripts":{"test":"vitest run","build":"tsc","__proto__":"x"}}'))).toEqual(['check-config']);
  });

  it('is found in the scripts of other packages by the patch', () => {
    const path = 'packages/a/package.json';
    const patch = edit(path, '   "scripts": {', '-    "test": "vitest run",', '+    "test": "true",', '     "x": "y"');
    expect(find(patch)).toMatchObject([
      { kind: 'check-config', file: path, line: 2, evidence: '"test": "vitest run",' },
      { kind: 'check-config', file: path, line: 2, evidence: '"test": "true",' },
    ]);
    expect(find(edit(path, '-    "test": "a"', '+    "test": "a",', '+    "start": "b"'))).toEqual([]);
    expect(find(edit(path, '-  "version": "1"', '+  "version": "2"'))).toEqual([]);
  });
});

describe('links', () => {
  it('that stay in the tree are fine, all others are refused', () => {
    const { diff, patch } = gitDiff(
      {},
      {
        'a/inside': { link: '../b/c' },
        'a/absolute': { link: '/etc/passwd' },
        'a/climbs': { link: '../../etc' },
        up: { link: '..' },
        'a/git': { link: '../.git/config' },
        'ok/dots': { link: './x/../y' },
      },
    );
    const findings = find(patch, { diff });
    expect(kinds(findings)).toEqual(findings.map(() => 'symlink-outside'));
    expect(findings.map((f) => `${f.action} ${f.file} ${f.evidence}`)).toEqual([
      'refuse a/absolute -> /etc/passwd',
      'refuse a/climbs -> ../../etc',
      'refuse a/git -> ../.git/config',
      'refuse up -> ..',
    ]);
  });

  it('take their target from what the caller knows, and count as leaving when nobody knows', () => {
    const link = file('a/x', { status: 'renamed', from: 'x', oldMode: '120000', newMode: '120000' });
    expect(kinds(touching([link]))).toEqual(['symlink-outside']);
    expect(touching([link], { symlinks: [{ path: 'a/x', target: '../b' }] })).toEqual([]);
    expect(kinds(touching([link], { symlinks: [{ path: 'a/x', target: '../../b' }] }))).toEqual(['symlink-outside']);
    expect(touching([{ ...link, newMode: '100644' }])).toEqual([]);
  });

  it('to nested repositories are refused', () => {
    expect(touching([file('lib', { status: 'added', oldMode: '000000', newMode: '160000' })])).toMatchObject([
      { kind: 'submodule', action: 'refuse', file: 'lib' },
    ]);
    expect(kinds(touching([file('.gitmodules')]))).toEqual(['submodule']);
    expect(touching([file('lib', { status: 'deleted', oldMode: '160000', newMode: '000000' })])).toEqual([]);
  });
});

describe('findings', () => {
  it('have a default action for every kind', () => {
    expect(Object.keys(DEFAULT_ACTIONS).sort()).toEqual([...FINDING_KINDS].sort());
  });

  it('name the line in the new file for what is added, in the old one for what is removed', () => {
    const patch =
      'diff --git a/a.test.ts b/a.test.ts\n--- a/a.test.ts\n+++ b/a.test.ts\n@@ -10,2 +50,2 @@\n x\n-it("a", f);\n+it.skip("b", f);\n';
    expect(find(patch).map((f) => [f.kind, f.line])).toEqual([
      ['test-deleted', 11],
      ['test-skipped', 51],
    ]);
  });

  it('put what is refused first', () => {
    const patch = edit('a.test.ts', '+// @ts-ignore', "+it.skip('a', f);");
    expect(find(patch).map((f) => f.action)).toEqual(['refuse', 'report']);
  });

  it('show one clean short line as evidence', () => {
    const nasty = `// @ts-ignore \u202e\u001b[31m\u0007 \u{e0041} ${'x'.repeat(500)}`;
    const [finding] = find(edit('a.ts', `+${nasty}`));
    expect(finding?.evidence).toHaveLength(160);
    expect(finding?.evidence).toMatch(/^\/\/ @ts-ignore {2}\[31m {3}x+…$/);
    expect(finding?.evidence).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('are the same for line ends of Windows and without a last line end', () => {
    const patch = edit('a.test.ts', "-it('a', f);", "+it.skip('a', f);", '\\ No newline at end of file');
    expect(kinds(find(patch))).toEqual(['test-skipped']);
    expect(find(patch.replaceAll('\n', '\r\n'))).toEqual(find(patch));
  });

  it('are not hidden by content that looks like the heading of a patch', () => {
    const patch =
      edit('notes.md', '+diff --git a/x.md b/x.md', '+--- a/x.md', '+++ b/x.md', '+@@ -1 +1 @@') +
      edit('a.ts', '+// @ts-ignore');
    expect(find(patch)).toMatchObject([{ kind: 'type-suppression', file: 'a.ts' }]);
    const inTest = edit('a.test.ts', '+++ b/notes.md', "+it.skip('a', f);");
    expect(find(inTest)).toMatchObject([{ kind: 'test-skipped', file: 'a.test.ts' }]);
  });

  it('are capped, and say how many more there are', () => {
    const findings = find(edit('a.ts', ...Array.from({ length: 500 }, () => '+// @ts-ignore')));
    expect(findings).toHaveLength(51);
    expect(findings.at(-1)).toMatchObject({ kind: 'type-suppression', evidence: 'and 450 more of this kind' });
  });

  it('do not depend on the order of the files', () => {
    const parts = [
      edit('a.test.ts', "-it('a', f);"),
      edit('b.test.ts', "+it('a', f);", "+it.skip('b', f);"),
      edit('c.ts', '+// @ts-ignore'),
      edit('d.ts', '-// @ts-ignore'),
    ];
    const text = (list: string[]) =>
      find(list.join(''))
        .map((f) => `${f.kind} ${f.file} ${f.line}`)
        .sort();
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (order) => {
        expect(text(order)).toEqual(text(parts));
      }),
    );
  });

  it('never come as an exception, whatever the patch', () => {
    const piece = fc.constantFrom(
      'diff --git a/a.test.ts b/a.test.ts\n',
      '--- a/a.test.ts\n',
      '+++ "b/\\346\\227\\245"\n',
      '@@ -1,2 +1,2 @@\n',
      '@@ -0,0 +1 @@\n',
      '+it.skip("x", () => {\n',
      '-it(\n',
      '- "a"\n',
      '+expect(a).toBe(a)\n',
      '\\ No newline\n',
      'new file mode 120000\n',
      'rename from "x\n',
      '\r\n',
      '\0',
      '+',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
        expect(Array.isArray(find(pieces.join('')))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('take linear time, whatever the lines', () => {
    // Already a tenth of a million characters is beyond the limit when the time grows with the square.
    const size = howMany(100_000, 1_000_000);
    const of = (text: string) => text.repeat(Math.ceil(size / text.length));
    const hostile = [
      of('a'),
      of(' '),
      of('expect('),
      of('expect.'),
      of('it.'),
      of("it('"),
      `it('${of('\\')}`,
      of('as any '),
      of('as  '),
      of(': any'),
      of('# type: '),
      of('skip: '),
      of('@ts-ignore'),
      of('/*'),
      of('@Test('),
      of('assert '),
    ];
    for (const path of ['a.test.ts', 'tests/test_a.py', 'tests/a.rs', 'a_test.go', 'ATest.java']) {
      for (const line of hostile) {
        const startedAt = performance.now();
        find(edit(path, `-${line}`, `+${line}x`));
        expect(performance.now() - startedAt, `${path}: ${line.slice(0, 20)}`).toBeLessThan(3000);
      }
    }
  });

  it('are found in a patch of many megabytes', () => {
    const line = `+  const value = compute(${'x'.repeat(26)});`;
    const count = howMany(200_000, 1_000_000);
    const heading = `diff --git a/src/big.ts b/src/big.ts\n--- a/src/big.ts\n+++ b/src/big.ts\n@@ -0,0 +1,${count} @@\n`;
    const patch = heading + `${line}\n`.repeat(count) + edit('a.test.ts', "+it.skip('a', f);");
    expect(patch.length).toBeGreaterThan(50 * count);
    const startedAt = performance.now();
    expect(kinds(find(patch))).toEqual(['test-skipped']);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });

  it('are found in a block of thirty thousand suppressions on both sides', () => {
    const lines = (side: string, n: number) => Array.from({ length: n }, (_, i) => `${side}f(${i} as any);`);
    const startedAt = performance.now();
    expect(find(edit('a.ts', ...lines('-', 30_000), ...lines('+', 30_000)))).toEqual([]);
    expect(find(edit('a.ts', ...lines('-', 30_000), ...lines('+', 30_001)))).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(MOMENT_MS);
  });
});

describe('isTestFile', () => {
  it.each([
    'src/a.test.ts',
    'a.spec.jsx',
    'src/__tests__/a.js',
    'test/a.mjs',
    'tests/deep/a.ts',
    'types.test-d.ts',
    'cypress/login.cy.ts',
    'test_a.py',
    'pkg/a_test.py',
    'tests/conftest.py',
    'a_test.go',
    'tests/api.rs',
    'src/test/java/com/x/ATest.java',
    'AppTests.swift',
    'spec/a_spec.rb',
  ])('%s is one', (path) => {
    expect(isTestFile(path)).toBe(true);
  });

  it.each([
    'src/a.ts',
    'src/testing.ts',
    'src/latest.ts',
    'src/contest.py',
    'test/fixtures/a.ts',
    'test/README.md',
    'test/data.json',
    'testdata/a.go',
    'src/test.d.ts',
    '',
  ])('%s is none', (path) => {
    expect(isTestFile(path)).toBe(false);
  });
});
