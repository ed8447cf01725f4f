import fs from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Imports go down only: a file may import its own folder and every floor below. */
const FLOORS: Record<string, number> = {
  base: 0,
  model: 1,
  policy: 2,
  journal: 3,
  ports: 3,
  flow: 4,
  roles: 5,
  desk: 6,
  faces: 7,
  // Where the house is put together.
  'home.ts': 8,
  'factory.ts': 8,
  demo: 8,
  'main.ts': 8,
  'shim.ts': 8,
  'climber.ts': 8,
  'relay.ts': 8,
};

/** Every specifier of a static, type or dynamic import and of an export from elsewhere, in the order of the text. */
const importsOf = (text: string): string[] => {
  const code = text.replace(COMMENT, (_, literal = '') => (literal.startsWith('`') ? '``' : literal));
  return [...code.matchAll(IMPORT)].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic) as string);
};

/** Comments, beside the literals in which what looks like one is none; a template may hold the text of a program. */
const COMMENT = /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|(?<!\\)\/\/.*/g;
const IMPORT =
  /(?:^|[;\n])\s*(?:import|export)\s[^;'"`]*?\sfrom\s*['"]([^'"]+)['"]|(?:^|[;\n])\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

interface Edge {
  from: string;
  to: string;
}

const files = fs
  .readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => file.split('\\').join('/'))
  .filter((file) => file.endsWith('.ts'))
  .sort();
const read = (file: string): string => fs.readFileSync(join(ROOT, 'src', file), 'utf8');
const imported = files.flatMap((from) => importsOf(read(from)).map((specifier) => ({ from, specifier })));
const edges: Edge[] = imported
  .filter(({ specifier }) => specifier.startsWith('.'))
  .map(({ from, specifier }) => ({ from, to: posix.join(dirname(from), specifier) }));

const folderOf = (file: string): string => file.split('/')[0]!;
const floorOf = (file: string): number => FLOORS[folderOf(file)] ?? Number.NaN;
const show = ({ from, to }: Edge): string => `${from} -> ${to}`;

describe('the reader of imports', () => {
  it.each<[code: string, found: string[]]>([
    [`import { a } from './a.ts';`, ['./a.ts']],
    [`import type { A } from './a.ts';\nimport b, { type C } from './b.ts';`, ['./a.ts', './b.ts']],
    [`import {\n  a,\n  b,\n} from './a.ts';`, ['./a.ts']],
    [`import './a.ts';`, ['./a.ts']],
    [`import * as a from "./a.ts"`, ['./a.ts']],
    [`export { a } from './a.ts';\nexport * from './b.ts';`, ['./a.ts', './b.ts']],
    [`const { a } = await import('./a.ts');`, ['./a.ts']],
    [`type A = import('./a.ts').A;`, ['./a.ts']],
    [`// import { a } from './a.ts';\n/* import './b.ts' */`, []],
    [`const text = "it's from 'here'"; // import('./a.ts')`, []],
    [`const url = 'http://x';\nimport { a } from './a.ts';`, ['./a.ts']],
    ["const program = `\\nimport { a } from './a.ts';\\n`;", []],
    [`export const from = 1;\nimport { a } from './a.ts';`, ['./a.ts']],
  ])('finds in %j what is there', (code, found) => {
    expect(importsOf(code)).toEqual(found);
  });

  it('sees the whole house', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(edges.length).toBeGreaterThan(files.length);
    expect(edges).toContainEqual({ from: 'journal/fold.ts', to: 'model/state.ts' });
    expect(edges).toContainEqual({ from: 'main.ts', to: 'factory.ts' });
  });
});

describe('imports', () => {
  it('name files that exist, inside src', () => {
    expect(edges.filter(({ to }) => !files.includes(to)).map(show)).toEqual([]);
  });

  it('stand in folders that have a floor', () => {
    expect(files.filter((file) => Number.isNaN(floorOf(file)))).toEqual([]);
  });

  it('go down, or stay in their folder', () => {
    const up = edges.filter(({ from, to }) => floorOf(to) > floorOf(from));
    expect(up.map(show)).toEqual([]);
    const across = edges.filter(({ from, to }) => floorOf(to) === floorOf(from) && folderOf(from) !== folderOf(to));
    // The top is one floor of single files; that they are in no knot is shown below.
    expect(across.filter(({ from }) => floorOf(from) < 8).map(show)).toEqual([]);
  });

  it('of faces get their doors handed in and never open the home themselves', () => {
    const opening = edges.filter(({ from, to }) => from.startsWith('faces/') && ['home.ts', 'factory.ts'].includes(to));
    expect(opening.map(show)).toEqual([]);
  });

  it('of faces stop at the desk: none of them knows a role, a deed, a port or the journal', () => {
    const deep = edges.filter(
      ({ from, to }) => from.startsWith('faces/') && ['roles', 'flow', 'ports', 'journal'].includes(folderOf(to)),
    );
    expect(deep.map(show)).toEqual([]);
  });

  it('form no knot', () => {
    expect(knotsOf(edges)).toEqual([]);
    expect(knotsOf([...edges, { from: 'base/result.ts', to: 'main.ts' }])).not.toEqual([]);
  });

  it('name packages that a user installs with Winnow, and nothing else', () => {
    const { dependencies } = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const foreign = imported.filter(({ specifier }) => !specifier.startsWith('.'));
    const unknown = foreign.filter(({ specifier }) => {
      if (specifier.startsWith('node:')) return !builtinModules.includes(specifier.slice('node:'.length));
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      return !Object.hasOwn(dependencies, name);
    });
    expect(unknown.map(({ from, specifier }) => `${from} -> ${specifier}`)).toEqual([]);
  });

  it('and nothing else reaches the tests or the benchmarks', () => {
    const reaching = files.filter((file) => /['"`/](?:\.\.\/)+(?:test|bench)\//.test(read(file)));
    expect(reaching).toEqual([]);
  });
});

/** Ways that lead back to where they began, each as the list of its files. */
function knotsOf(all: Edge[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of all) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const knots: string[][] = [];
  const walk = (file: string, way: string[]): void => {
    const seen = way.indexOf(file);
    if (seen !== -1) knots.push([...way.slice(seen), file]);
    if (seen !== -1 || done.has(file)) return;
    for (const to of next.get(file) ?? []) walk(to, [...way, file]);
    done.add(file);
  };
  for (const file of next.keys()) walk(file, []);
  return knots;
}
