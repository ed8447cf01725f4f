import { type FileListing, textsIn } from './detect-files.ts';
import { type DetectedPart, hasTool, type Machine } from './detect-part.ts';

/** The other languages: what their own tools give away, test by test where they can, by exit code where not. */
export const detectLanguages = (repository: FileListing, machine: Machine | undefined): DetectedPart[] => {
  const found = [python, rust, go, deno, ...BUILD_TOOLS]
    .map((detect) => detect(repository, machine))
    .filter((part) => part !== undefined)
    .map((part) => ({ ...part, notes: [...part.notes, ...toolsMissing(part, machine)] }));
  // A Makefile in front of something that was recognised mostly calls the same tools.
  const alone = found.length === 0 && !repository.has('package.json') ? make(repository) : undefined;
  return alone === undefined ? found : [alone];
};

const toolsMissing = ({ checks }: DetectedPart, machine: Machine | undefined): string[] => {
  const tools = new Set(checks.map(({ run }) => run.split(' ')[0]!).filter((tool) => !tool.includes('/')));
  return [...tools]
    .filter((tool) => !hasTool(machine, tool))
    .map((tool) => `${tool} is not on this machine: without it nothing can be judged, and no cycle begins.`);
};

type Detector = (repository: FileListing, machine: Machine | undefined) => DetectedPart | undefined;

const part = (kind: string, more: Partial<DetectedPart>): DetectedPart => ({
  kind,
  checks: [],
  protect: [],
  env: {},
  notes: [],
  ...more,
});

const PYTHON_REPORT = '.winnow-pytest.xml';

const python: Detector = (repository, machine) => {
  const manifests = ['pyproject.toml', 'setup.cfg', 'tox.ini', 'setup.py', 'Pipfile'].filter(repository.has);
  const requirements = repository.matching(/^requirements[^/]*\.txt$/);
  const testFiles = repository.some(/(^|\/)(test_[^/]*|[^/]*_test)\.py$/);
  if (manifests.length + requirements.length === 0 && !testFiles) return undefined;
  const texts = [...manifests, ...requirements].map(repository.text).join('\n');
  const notes: string[] = [];
  const usesPytest = /\bpytest\b/.test(texts) || repository.some(/(^|\/)(pytest\.ini|conftest\.py)$/);
  if (!usesPytest && !testFiles) return part('python', { notes, protect: PYTHON_PROTECTED });

  const runner = pythonRunner(repository, machine, notes);
  const isUnittest = !usesPytest && machine !== undefined && !machine.tools.has('pytest');
  if (isUnittest) {
    notes.push('pytest is neither used by the project nor on this machine: unittest is run, judged by its exit code.');
    const check = { name: 'unittest', run: `${runner} -m unittest discover`, parse: 'exit' as const, slot: 'test' };
    return part('python', { checks: [check], protect: PYTHON_PROTECTED, env: pythonPath(repository), notes });
  }
  // One file that cannot be imported must not keep all others from being run.
  const run = `${runner} -m pytest -p no:cacheprovider --continue-on-collection-errors --junitxml=${PYTHON_REPORT}`;
  return part('python', {
    checks: [{ name: 'pytest', run, parse: 'junit', report: PYTHON_REPORT, slot: 'test' }],
    protect: PYTHON_PROTECTED,
    // Bytecode beside the sources would be a file that the next checkout has not.
    env: { PYTHONDONTWRITEBYTECODE: '1', ...pythonPath(repository) },
    notes,
  });
};

/**
 * The checkout's own packages must win over what is installed: an editable installation points to the owner's
 * directory, and every change would be judged by code that it does not touch.
 */
const pythonPath = (repository: FileListing): Record<string, string> =>
  repository.some(/^src\/([^/]+\.py|[^/]+\/__init__\.py)$/) ? { PYTHONPATH: 'src' } : {};

const PYTHON_PROTECTED = [
  '**/uv.lock',
  '**/poetry.lock',
  '**/Pipfile.lock',
  '**/requirements*.txt',
  'pytest.ini',
  'tox.ini',
  'setup.cfg',
];

const pythonRunner = (repository: FileListing, machine: Machine | undefined, notes: string[]): string => {
  const lazily = (tool: string, command: string): string | undefined => {
    if (hasTool(machine, tool)) return command;
    notes.push(`The project is managed with ${tool}, which is not on this machine: its Python is used instead.`);
    return undefined;
  };
  const managed =
    (repository.has('uv.lock') ? lazily('uv', 'uv run --frozen --all-extras python') : undefined) ??
    (repository.has('poetry.lock') ? lazily('poetry', 'poetry run python') : undefined) ??
    (repository.has('Pipfile.lock') ? lazily('pipenv', 'pipenv run python') : undefined);
  if (managed?.startsWith('uv ') === true) return managed;
  notes.push(
    'Winnow does not install Python packages: prepare an environment with them and start Winnow inside it, or write it into the check (`.../venv/bin/python -m pytest`).',
  );
  return managed ?? (hasTool(machine, 'python3') ? 'python3' : 'python');
};

const rust: Detector = (repository) => {
  if (!repository.has('Cargo.toml')) return undefined;
  const run = `cargo test --workspace --no-fail-fast${repository.has('Cargo.lock') ? ' --locked' : ''}`;
  return part('rust', {
    checks: [{ name: 'cargo-test', run, parse: 'exit', slot: 'test', timeout: '30m' }],
    protect: ['**/Cargo.lock', 'rust-toolchain*', '.cargo/**', 'clippy.toml', 'rustfmt.toml'],
    notes: ['Each checkout builds anew unless CARGO_TARGET_DIR in `env` names a directory to share.'],
  });
};

const go: Detector = (repository) => {
  if (!repository.has('go.mod')) return undefined;
  return part('go', {
    checks: [
      { name: 'go-vet', run: 'go vet ./...', parse: 'exit' },
      { name: 'go-test', run: 'go test ./...', parse: 'exit', slot: 'test', timeout: '20m' },
    ],
    protect: ['**/go.sum', '**/.golangci.*'],
  });
};

const deno: Detector = (repository) => {
  const file = ['deno.json', 'deno.jsonc'].find(repository.has);
  if (file === undefined || repository.has('package.json')) return undefined;
  const own = /^deno test(.*)$/.exec(textsIn(repository.json(file)?.tasks).test ?? '')?.[1] ?? ' --allow-all';
  const args = own.replace(/\s--(watch|coverage|reporter)(=\S+)?/g, '');
  return part('deno', {
    checks: [{ name: 'tests', run: `deno test${args} --reporter=tap`, parse: 'tap', slot: 'test' }],
    protect: ['deno.json', 'deno.jsonc', '**/deno.lock'],
  });
};

/** Tools that say no more than yes or no: the file by which each is known, and the command. */
const BUILD_TOOLS: Detector[] = (
  [
    ['java', /^pom\.xml$/, 'mvn -B -q test', ['pom.xml', '.mvn/**']],
    ['java', /^gradlew$/, './gradlew test', ['**/*.gradle', '**/*.gradle.kts', 'gradle/**']],
    ['ruby', /^spec\/.+_spec\.rb$/, 'bundle exec rspec', ['Gemfile.lock', '.rspec']],
    ['php', /^phpunit\.xml(\.dist)?$/, 'vendor/bin/phpunit', ['composer.lock', 'phpunit.xml*']],
    ['elixir', /^mix\.exs$/, 'mix test', ['mix.lock']],
    ['dotnet', /^[^/]+\.sln$/, 'dotnet test', ['**/*.sln', '**/packages.lock.json']],
  ] as const
).map(([kind, pattern, run, protect]) => (repository) => {
  if (!repository.some(pattern)) return undefined;
  const checks = [{ name: 'tests', run, parse: 'exit' as const, slot: 'test', timeout: '20m' }];
  return part(kind, { checks, protect: [...protect] });
});

const make = (repository: FileListing): DetectedPart | undefined => {
  const file = ['GNUmakefile', 'Makefile', 'makefile'].find(repository.has);
  const target = /^(test|check)\s*:(?!=)/m.exec(file === undefined ? '' : repository.text(file))?.[1];
  if (file === undefined || target === undefined) return undefined;
  return part('make', {
    checks: [{ name: 'make-test', run: `make ${target}`, parse: 'exit', slot: 'test', timeout: '20m' }],
    protect: [file],
  });
};
