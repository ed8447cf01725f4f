import { type FileListing, textsIn } from './detect-files.ts';
import { detectPackageManager } from './detect-packages.ts';
import type { DetectedCheck, DetectedPart, Machine, PackageManager } from './detect-part.ts';
import { findInvocation, type Invocation, onlyCompiles, type Scripts, unquote } from './detect-script.ts';

/** JavaScript and TypeScript: everything that package.json and the files beside it tell. */
export const detectNode = (repository: FileListing, machine: Machine | undefined): DetectedPart | undefined => {
  if (!repository.has('package.json')) return undefined;
  const manifest = repository.json('package.json');
  if (manifest === undefined) {
    const notes = ['package.json cannot be read as JSON: nothing was taken from it.'];
    return { kind: 'node', checks: [], protect: [], env: {}, notes };
  }
  const { manager, notes } = detectPackageManager(repository, manifest, machine);
  const project: NodeProject = {
    repository,
    manager,
    notes,
    scripts: textsIn(manifest.scripts),
    dependencies: {
      ...textsIn(manifest.peerDependencies),
      ...textsIn(manifest.optionalDependencies),
      ...textsIn(manifest.dependencies),
      ...textsIn(manifest.devDependencies),
    },
    manifest,
  };
  const types = typeCheck(project);
  const flow = flowCheck(project);
  const tests = testCheck(project);
  const build = tests === undefined ? undefined : buildCheck(project, tests, types !== undefined);
  const lint = lintCheck(project);
  const checks = [types, flow, build, tests, lint].filter((found) => found !== undefined);
  if (checks.length === 0 && project.scripts.build !== undefined) {
    checks.push({ check: { name: 'build', run: `${manager.command} run build`, parse: 'exit' }, protect: [] });
    notes.push('The build is the only check: it shows that the code compiles, not that it works.');
  }
  const installs = Object.keys(project.dependencies).length > 0 || isWorkspace(project);
  noteSurroundings(project, machine);
  return {
    kind: 'node',
    packageManager: manager,
    install: installs ? manager.install : undefined,
    checks: checks.map(({ check }) => check),
    protect: [...installProtected(project), ...checks.flatMap(({ protect }) => protect)],
    env: environment(project),
    notes,
  };
};

interface NodeProject {
  repository: FileListing;
  manifest: Record<string, unknown>;
  scripts: Scripts;
  /** Name -> range, of every kind. */
  dependencies: Record<string, string>;
  manager: PackageManager;
  notes: string[];
}

interface Found {
  check: DetectedCheck;
  /** Files that configure it. */
  protect: string[];
  /** Commands that it runs first, as they stand in its own. */
  before?: string[];
}

/** What decides which code is installed, and what runs by itself when git or the package manager does. */
const installProtected = ({ manager, repository, scripts }: NodeProject): string[] => [
  ...MANAGER_FILES[manager.name],
  ...Object.values(MANAGER_FILES)
    .flat()
    .filter((glob) => repository.has(glob.replace('**/', ''))),
  '**/.npmrc',
  ...(repository.has('.nvmrc') ? ['.nvmrc'] : []),
  ...(/\bhusky\b/.test(scripts.prepare ?? '') || repository.some(/^\.husky\//) ? ['.husky/**'] : []),
];

const MANAGER_FILES: Record<PackageManager['name'], string[]> = {
  npm: ['**/package-lock.json', '**/npm-shrinkwrap.json'],
  pnpm: ['**/pnpm-lock.yaml', 'pnpm-workspace.yaml', '.pnpmfile.cjs'],
  yarn: ['**/yarn.lock', '.yarnrc'],
  'yarn-berry': ['**/yarn.lock', '.yarnrc.yml', '.yarn/**', '.pnp.*'],
  bun: ['**/bun.lock', '**/bun.lockb'],
};

const typeCheck = ({ repository, dependencies, scripts, notes }: NodeProject): Found | undefined => {
  const protect = ['**/tsconfig*.json'];
  const found = (run: string): Found => ({ check: { name: 'tsc', run, parse: 'tsc', slot: 'tsc' }, protect });
  if (!repository.has('tsconfig.json') && !repository.some(/^tsconfig[^/]*\.json$/)) return undefined;
  if (!('typescript' in dependencies)) {
    notes.push('There is a tsconfig.json, but typescript is no dependency: types are not checked.');
    return undefined;
  }
  const own = TYPE_SCRIPTS.map((script) => findInvocation(scripts, script, toolNamed('tsc'))).find(
    (call) => call !== undefined,
  );
  if (own !== undefined && own.before.length === 0) {
    const builds = own.args.some((arg) => arg === '-b' || arg === '--build');
    const args = own.args.filter(
      (arg) => !/^(-w|--watch|--noEmit|--emitDeclarationOnly|--pretty|--incremental)$/.test(arg),
    );
    // --force: an earlier build of another state must not stand for this one.
    if (builds) return found(words(['tsc', ...args.filter((arg) => arg !== '--force'), '--force', '--pretty false']));
    return found(words(['tsc', ...args, '--noEmit', '--pretty false']));
  }
  if (!repository.has('tsconfig.json')) {
    const [config] = repository.matching(/^tsconfig[^/]*\.json$/);
    notes.push(`There is no tsconfig.json: types are checked with ${config}.`);
    return found(`tsc --noEmit --pretty false -p ${config}`);
  }
  const references = repository.json('tsconfig.json')?.references;
  if (Array.isArray(references) && references.length > 0) {
    // With references, `tsc -p` checks the root's own files only: often none at all, and always green.
    notes.push('tsconfig.json refers to other projects: they are built (`tsc -b`), since a plain tsc would skip them.');
    return found('tsc -b --force --pretty false');
  }
  if ('vue-tsc' in dependencies || 'svelte-check' in dependencies) {
    notes.push('tsc does not look into .vue or .svelte files.');
  }
  return found('tsc --noEmit --pretty false');
};

const TYPE_SCRIPTS = ['typecheck', 'type-check', 'check-types', 'types', 'test:types', 'tsc'];

const flowCheck = ({ dependencies, scripts }: NodeProject): Found | undefined => {
  if (!('flow-bin' in dependencies)) return undefined;
  const own = ['flow', 'check', ...TYPE_SCRIPTS, 'test']
    .map((script) => findInvocation(scripts, script, toolNamed('flow')))
    .find((call) => call?.args[0] === 'check');
  // `check` ends by itself; a plain `flow` leaves a server behind.
  return {
    check: { name: 'flow', run: words(['flow', ...(own?.args ?? ['check'])]), parse: 'exit' },
    protect: ['.flowconfig'],
  };
};

/**
 * What has to be built before the tests is a check of its own: a change that breaks the build is worse, while tests
 * that never began say nothing. Where the compiler is asked anyway, it says the same in better words.
 */
const buildCheck = ({ scripts, manager }: NodeProject, tests: Found, typed: boolean): Found | undefined => {
  const before = tests.before ?? [];
  if (before.length === 0 || (typed && before.every((command) => onlyCompiles(scripts, command)))) return undefined;
  return {
    check: { name: 'build', run: called(manager, before).join(' && '), parse: 'exit', timeout: '20m' },
    protect: [],
  };
};

const testCheck = (project: NodeProject): Found | undefined => {
  for (const detect of [vitest, reactScripts, jest, nodeTest, bunTest, mocha, ava, tap]) {
    const found = detect(project);
    if (found !== undefined) return found;
  }
  const { scripts, manager, notes } = project;
  const script = scripts.test;
  if (script === undefined || /no test(s)? specified|^\s*(exit 0|true|echo\b[^&|;]*)\s*$/i.test(script)) {
    if (script !== undefined) notes.push('The script "test" of package.json runs nothing.');
    return undefined;
  }
  return tests({ run: `${manager.command} test`, parse: 'exit', timeout: '20m' }, []);
};

const tests = (check: Omit<DetectedCheck, 'name' | 'slot'>, protect: string[], call?: Invocation): Found => ({
  check: { name: 'tests', slot: 'test', ...check },
  protect,
  before: call?.before ?? [],
});

const vitest = (project: NodeProject): Found | undefined => {
  const call = testInvocation(project, toolNamed('vitest'));
  if (call === undefined && !('vitest' in project.dependencies)) return undefined;
  const args = without(call?.args ?? [], {
    words: /^(run|watch|dev|--run|--watch(=.*)?|-w|--ui|--open|-u|--update|--silent|--coverage(\..*)?(=.*)?)$/,
    valued: /^--(reporter|outputFile(\..*)?)$/,
  });
  const run = (more: string[]) => command(project, call, ['vitest', 'run', ...args, '--reporter=json', ...more]);
  const { repository, notes } = project;
  const ownConfig = repository.some(/^vitest\.config\./);
  if (repository.some(/^vite\.config\.[cm]?[jt]s$/) && /\bbrowser\b/.test(repository.text('vite.config.ts'))) {
    notes.push('The tests seem to need a browser: see that one is installed where Winnow runs.');
  }
  // In a project without its own file for it, the tests are configured in that of vite.
  const protect = ['vitest.config.*', 'vitest.workspace.*', ...(ownConfig ? [] : ['vite.config.*'])];
  return tests({ run: run([]), parse: 'vitest-json', rerun: run(['{files}']) }, protect, call);
};

const jest = (project: NodeProject): Found | undefined => {
  const call = testInvocation(project, toolNamed('jest'));
  if (call === undefined && !('jest' in project.dependencies)) return undefined;
  return jestLike(project, call, call?.tool ?? ['jest'], ['jest.config.*', 'jest.setup.*', '**/__mocks__/**']);
};

const reactScripts = (project: NodeProject): Found | undefined => {
  const call = testInvocation(project, (at) => (at[0] === 'react-scripts' && at[1] === 'test' ? 2 : 0));
  if (call === undefined) return undefined;
  return jestLike(project, call, ['react-scripts', 'test', '--watchAll=false'], []);
};

const jestLike = (project: NodeProject, call: Invocation | undefined, tool: string[], protect: string[]): Found => {
  const args = without(call?.args ?? [], {
    words:
      /^(--watch(All)?(=.*)?|--coverage(=.*)?|--collectCoverage|--verbose|--ci|--json|--forceExit|-u|--updateSnapshot|--detectOpenHandles)$/,
    valued: /^--(reporters|outputFile|coverageReporters|coverageDirectory)$/,
  });
  // --ci: a missing snapshot fails instead of being written. --forceExit: a handle left open would cost the whole
  // timeout, after the report is complete. Without coverage: its thresholds would speak for tests that passed.
  const flags = ['--json', '--ci', '--forceExit', '--coverage=false'];
  const run = (more: string[]) => command(project, call, [...tool, ...args, ...flags, ...more]);
  return tests({ run: run([]), parse: 'jest-json', rerun: run(['--runTestsByPath', '{files}']) }, protect, call);
};

const nodeTest = (project: NodeProject): Found | undefined => {
  const runsNode = (at: string[]) => (/^(node|tsx|ts-node)$/.test(at[0] ?? '') && at.includes('--test') ? 1 : 0);
  const call = testInvocation(project, runsNode);
  if (call === undefined) return undefined;
  const args = without(call.args, {
    words: /^(--watch|--experimental-test-coverage|--test-update-snapshots|--test-coverage-.*=.*)$/,
    valued: /^--test-reporter(-destination)?$/,
  });
  const at = args.findIndex((arg) => unquote(arg) === '--test');
  const all = [...call.tool, ...args.slice(0, at + 1), '--test-reporter=tap', ...args.slice(at + 1)];
  return tests({ run: command(project, call, all), parse: 'tap' }, [], call);
};

const mocha = (project: NodeProject): Found | undefined => {
  const call = testInvocation(project, toolNamed('mocha'));
  if (call === undefined && !('mocha' in project.dependencies)) return undefined;
  const args = without(call?.args ?? [], {
    words: /^(-w|--watch|--exit)$/,
    valued: /^(-R|--reporter|--reporter-options?|-O)$/,
  });
  const all = [...(call?.tool ?? ['mocha']), ...args, '--exit', '--reporter', 'tap'];
  return tests({ run: command(project, call, all), parse: 'tap' }, ['.mocharc.*'], call);
};

const ava = (project: NodeProject): Found | undefined => {
  const call = testInvocation(project, toolNamed('ava'));
  if (call === undefined) return undefined;
  const args = without(call.args, {
    words: /^(-w|--watch|-u|--update-snapshots|-t|--tap|-v|--verbose)$/,
    valued: /^$/,
  });
  return tests({ run: command(project, call, ['ava', ...args, '--tap']), parse: 'tap' }, ['ava.config.*'], call);
};

const tap = (project: NodeProject): Found | undefined => {
  const tape = testInvocation(project, toolNamed('tape'));
  if (tape !== undefined) return tests({ run: command(project, tape, ['tape', ...tape.args]), parse: 'tap' }, [], tape);
  const call = testInvocation(project, toolNamed('tap'));
  if (call === undefined) return undefined;
  const args = without(call.args, { words: /^(-w|--watch|--snapshot)$/, valued: /^(-R|--reporter)$/ });
  return tests({ run: command(project, call, ['tap', ...args, '--reporter=tap']), parse: 'tap' }, ['.taprc'], call);
};

const bunTest = (project: NodeProject): Found | undefined => {
  const call = testInvocation(project, (at) => (at[0] === 'bun' && at[1] === 'test' ? 2 : 0));
  if (call === undefined) return undefined;
  const args = without(call.args, {
    words: /^(--watch|--coverage|-u|--update-snapshots)$/,
    valued: /^--reporter(-outfile)?$/,
  });
  const bun = project.manager.name === 'bun' ? project.manager.command : 'bun';
  const all = [bun, 'test', ...args, '--reporter=junit', '--reporter-outfile=.winnow-bun.xml'];
  return tests({ run: command(project, call, all), parse: 'junit', report: '.winnow-bun.xml' }, ['bunfig.toml'], call);
};

const lintCheck = (project: NodeProject): Found | undefined => {
  const { repository, dependencies, scripts, manifest } = project;
  const lint = (check: Omit<DetectedCheck, 'name' | 'slot'>, protect: string[]): Found => ({
    check: { name: 'lint', slot: 'lint', ...check },
    protect,
  });
  const flat = repository.some(/^eslint\.config\.[cm]?[jt]s$/);
  const classic = repository.some(/^\.eslintrc(\.[a-z]+)?$/) || manifest.eslintConfig !== undefined;
  if ('eslint' in dependencies && (flat || classic)) {
    const own = findInvocation(scripts, 'lint', toolNamed('eslint'));
    const args = without(own?.args ?? [], {
      words: /^(--fix|--cache|--quiet|--color)$/,
      valued: /^(-f|--format|-o|--output-file|--max-warnings|--cache-location)$/,
    });
    // Up to version 8, eslint looks at .js files alone unless it is told.
    const typed = !flat && !args.some((arg) => arg.startsWith('--ext')) && 'typescript' in dependencies;
    const target = args.length > 0 ? args : ['.', ...(typed ? ['--ext .js,.jsx,.ts,.tsx'] : [])];
    return lint({ run: words(['eslint', ...target, '--format json']), parse: 'eslint-json' }, [
      'eslint.config.*',
      '**/.eslintrc*',
      '.eslintignore',
    ]);
  }
  if ('@biomejs/biome' in dependencies && repository.some(/^biome\.jsonc?$/)) {
    return lint({ run: 'biome check .', parse: 'exit' }, ['biome.json', 'biome.jsonc']);
  }
  if ('oxlint' in dependencies) {
    const own = findInvocation(scripts, 'lint', toolNamed('oxlint'));
    const args = without(own?.args ?? [], { words: /^--fix(-.*)?$/, valued: /^(-f|--format)$/ });
    return lint({ run: words(['oxlint', ...args]), parse: 'exit' }, ['.oxlintrc.json', 'oxlint.config.*']);
  }
  return undefined;
};

/** The tool by its name, or `node path/to/the/tool.js` for those who pass flags to node. */
const toolNamed =
  (tool: string) =>
  (at: string[]): number => {
    if (at[0] === tool || new RegExp(`(^|/)node_modules/(\\.bin/)?${tool}$`).test(at[0] ?? '')) return 1;
    if (at[0] !== 'node') return 0;
    const path = new RegExp(`node_modules/(\\.bin/${tool}|${tool}/.+\\.[cm]?js)$`);
    return at.findIndex((word) => path.test(word)) + 1;
  };

const TEST_SCRIPTS = ['test', 'test:unit', 'test:run', 'test:ci', 'unit', 'tests'];

const testInvocation = (project: NodeProject, isTool: (at: string[]) => number): Invocation | undefined =>
  TEST_SCRIPTS.map((script) => findInvocation(project.scripts, script, isTool)).find((call) => call !== undefined);

const without = (args: string[], unwanted: { words: RegExp; valued: RegExp }): string[] => {
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = unquote(args[at]!);
    if (unwanted.valued.test(arg)) at++;
    else if (!unwanted.words.test(arg) && !unwanted.valued.test(arg.split('=')[0]!)) kept.push(args[at]!);
  }
  return kept;
};

const words = (parts: string[]): string => parts.join(' ');

/** What the script does before its tests comes first here too, kept off standard output, where the report is read. */
const command = (project: NodeProject, call: Invocation | undefined, parts: string[]): string => {
  const line = words([...(call?.env ?? []), ...parts]);
  if (call === undefined || call.before.length === 0) return line;
  return `{ ${called(project.manager, call.before).join(' && ')}; } >&2 && ${line}`;
};

/** Commands with the package manager called as it can be on this machine. */
const called = ({ name, command: manager }: PackageManager, commands: string[]): string[] =>
  commands.map((text) =>
    text.split(' ')[0] === name.split('-')[0] ? words([manager, ...text.split(' ').slice(1)]) : text,
  );

const isWorkspace = ({ manifest, repository }: NodeProject): boolean =>
  manifest.workspaces !== undefined ||
  // Without packages the file holds the settings of pnpm alone.
  /^packages:/m.test(repository.text('pnpm-workspace.yaml')) ||
  repository.has('lerna.json');

const environment = ({ dependencies, scripts }: NodeProject): Record<string, string> => ({
  // Tools that would watch, ask or write snapshots on a desk behave as they do in a pipeline.
  CI: 'true',
  ...('husky' in dependencies || /\bhusky\b/.test(scripts.prepare ?? '') ? { HUSKY: '0' } : {}),
});

const noteSurroundings = (project: NodeProject, machine: Machine | undefined): void => {
  const { repository, scripts, notes, manifest, manager } = project;
  if (isWorkspace(project)) {
    notes.push('This is a workspace of several packages: the checks run at the root, over all of them.');
  }
  const hook = ['prepare', 'postinstall', 'preinstall', 'install'].find((name) => scripts[name] !== undefined);
  if (hook !== undefined) {
    notes.push(
      `Installing runs the script "${hook}" (${scripts[hook]!.slice(0, 60)}). If that fails where there is no .git, add --ignore-scripts to \`install\`.`,
    );
  }
  const wanted = wantedNode(repository, manifest);
  const here = machine === undefined ? undefined : Number(machine.node.replace(/^v/, '').split('.')[0]);
  if (wanted !== undefined && here !== undefined && (wanted.exact ? wanted.major !== here : wanted.major > here)) {
    const asked = `${wanted.exact ? '' : 'at least '}${wanted.major}`;
    notes.push(
      `${wanted.source} asks for Node ${asked}, this machine has ${machine!.node}: some checks may fail for that alone.`,
    );
  }
  if (manager.name === 'bun' && project.dependencies['@types/bun'] !== undefined) {
    notes.push('The code may need Bun at run time; tools that run under Node see only part of it.');
  }
};

const wantedNode = (
  repository: FileListing,
  manifest: Record<string, unknown>,
): { source: string; major: number; exact: boolean } | undefined => {
  for (const source of ['.nvmrc', '.node-version']) {
    const major = /^\s*v?(\d+)/.exec(repository.text(source))?.[1];
    if (major !== undefined) return { source, major: Number(major), exact: true };
  }
  const engines = /^\s*(?:>=|\^|~)?\s*v?(\d+)[\d.x]*\s*$/.exec(textsIn(manifest.engines).node ?? '')?.[1];
  return engines === undefined ? undefined : { source: '`engines`', major: Number(engines), exact: false };
};
