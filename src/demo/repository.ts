import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

/**
 * The repository of the demo: a small statistics library in TypeScript with real faults in it, which real tsc and
 * real vitest find. Two compiler errors, three failing tests, a NaN that spreads, and code that nobody calls.
 */
export interface DemoRepository {
  /** The bare remote that the home takes as its project. */
  remote: string;
  branch: string;
}

const BRANCH = 'main';

export const createDemoRepository = async (dir: string): Promise<DemoRepository> => {
  const work = join(dir, 'tally');
  const remote = join(dir, 'tally.git');
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(work, path)), { recursive: true });
    await writeFile(join(work, path), text);
  }
  const git = (...args: string[]) => execa('git', args, { cwd: work, env: IDENTITY });
  await git('init', '--quiet', `--initial-branch=${BRANCH}`);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'Add a small statistics library');
  await git('clone', '--quiet', '--bare', '.', remote);
  return { remote, branch: BRANCH };
};

/** Nothing of the owner's git configuration is used: signing, hooks and templates have no place in a demo. */
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Demo',
  GIT_AUTHOR_EMAIL: 'demo@winnow.invalid',
  GIT_COMMITTER_NAME: 'Demo',
  GIT_COMMITTER_EMAIL: 'demo@winnow.invalid',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

const FILES: Record<string, string> = {
  'package.json': `${JSON.stringify(
    {
      name: 'tally',
      version: '1.0.0',
      private: true,
      type: 'module',
      scripts: { check: 'tsc --noEmit', test: 'vitest run' },
      devDependencies: { typescript: '*', vitest: '*' },
    },
    null,
    2,
  )}\n`,
  // The demo must not need a network, so its dependencies are linked from where Winnow's own are.
  'install.mjs': `import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const from = process.env.TALLY_TOOLCHAIN;
if (!from) throw new Error('TALLY_TOOLCHAIN must name a directory with typescript and vitest');
mkdirSync('node_modules/.bin', { recursive: true });
for (const name of ['typescript', 'vitest']) symlinkSync(join(from, name), join('node_modules', name));
symlinkSync('../typescript/bin/tsc', 'node_modules/.bin/tsc');
symlinkSync('../vitest/vitest.mjs', 'node_modules/.bin/vitest');
`,
  '.gitignore': 'node_modules/\n',
  'tsconfig.json': `${JSON.stringify(
    {
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        moduleResolution: 'nodenext',
        types: [],
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
      },
      include: ['src'],
    },
    null,
    2,
  )}\n`,
  'vitest.config.ts': `import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/**/*.test.ts'] } });
`,
  'CLAUDE.md': `# tally

A small statistics library. Functions are pure, take arrays of numbers and never return NaN for an empty array: they
return 0. Every function has a test in \`test/\` beside its name.
`,
  'src/mean.ts': `/** The arithmetic mean. */
export function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
`,
  'src/median.ts': `/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort();
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
`,
  'src/spread.ts': `import { mean } from './mean.ts';

/** The mean distance from the mean. */
export function spread(values: readonly number[]): number {
  const centre = mean(values);
  return mean(values.map((value) => Math.abs(value - centre)));
}
`,
  'src/clamp.ts': `/** The value, held between two bounds; bounds in the wrong order are swapped. */
export function clamp(value: number, low: number, high: number): number {
  if (low > high) return clamp(value, high, low);
  if (value < low) return low;
  return value > high ? high : value;
}
`,
  'src/format.ts': `export interface Style {
  digits: number;
}

/** A number for people, e.g. 3.14159 with two digits is "3.14". */
export function format(value: number, style: Style): string {
  return value.toFixed(style.decimals);
}
`,
  'src/parse.ts': `/** The numbers in a line of text, separated by commas; what is no number is left out. */
export function parse(line: string): number[] {
  const numbers: string[] = line
    .split(',')
    .map((part) => Number(part))
    .filter((value) => !Number.isNaN(value));
  return numbers.map(Number);
}
`,
  'src/legacy.ts': `/** Before there was format(). Nobody calls it any more. */
export function formatOld(value: number): string {
  return String(Math.round(value * 100) / 100);
}
`,
  'src/summary.ts': `import { mean } from './mean.ts';
import { median } from './median.ts';
import { spread } from './spread.ts';

/** One line about a list of numbers. */
export function summary(values: readonly number[]): string {
  return \`mean \${mean(values)}, median \${median(values)}, spread \${spread(values)}\`;
}
`,
  'test/mean.test.ts': `import { expect, it } from 'vitest';
import { mean } from '../src/mean.ts';

it('adds and divides', () => expect(mean([1, 2, 3])).toBe(2));
`,
  'test/median.test.ts': `import { expect, it } from 'vitest';
import { median } from '../src/median.ts';

it('takes the middle of an odd number of values', () => expect(median([3, 1, 2])).toBe(2));
it('takes the mean of the two in the middle of an even number', () => expect(median([1, 2, 3, 4])).toBe(2.5));
it('sorts numbers as numbers', () => expect(median([10, 9, 1])).toBe(9));
`,
  'test/spread.test.ts': `import { expect, it } from 'vitest';
import { spread } from '../src/spread.ts';

it('is the mean distance from the mean', () => expect(spread([1, 3])).toBe(1));
`,
  'test/clamp.test.ts': `import { expect, it } from 'vitest';
import { clamp } from '../src/clamp.ts';

it('holds a value between its bounds', () => expect(clamp(7, 0, 5)).toBe(5));
it('swaps bounds in the wrong order', () => expect(clamp(7, 5, 0)).toBe(5));
`,
  'test/summary.test.ts': `import { expect, it } from 'vitest';
import { summary } from '../src/summary.ts';

it('has no NaN for an empty list', () => expect(summary([])).not.toContain('NaN'));
`,
};
