import { readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, type Result } from '../base/result.ts';
import type { CheckConfig, ProjectConfig } from '../model/config.ts';
import type { Failure } from '../model/failure.ts';
import { type CheckReport, figuresOf, type Parsed, type TreeReport, type UnevaluatedReason } from '../model/report.ts';
import { mergeRerun } from '../policy/compare.ts';
import { isListing, listedHost, type Reach, upstreamOf } from '../policy/hosts.ts';
import { managersOf, registriesIn, registriesOf, tellsRegistries } from '../policy/registries.ts';
import { checkKey } from '../ports/checks/cache.ts';
import type { Installed } from '../ports/checks/dependencies.ts';
import { parseOutput } from '../ports/checks/parse/parse.ts';
import { usualRegistries } from '../ports/checks/registries.ts';
import type { Mirror } from '../ports/git/mirror.ts';
import type { CommandResult } from '../ports/machine/command.ts';
import type { Workshop } from './workshop.ts';

/**
 * Runs the checks of a project on a tree, unless somebody did already. A result belongs to the content of the tree,
 * not to a branch or a cycle: two processes that need the same one share a single execution.
 */

/** A report above this is no report; a test suite of 100,000 tests writes about 40 MB of JSON. */
const OUTPUT_MAX_BYTES = 128 * 1024 ** 2;
/** A wait for a slot is bounded by this many lengths of the check itself. */
const WAIT_LENGTHS = 12;
/** Names whose checkouts are tried before a new one is opened; more cycles at once than this do not happen. */
const CHECKOUTS_MAX = 256;
/** Exit codes by which a shell says that it could not run a command. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
/** A shell or npm between Winnow and the tool turns the tool's death by a signal into 128 and the signal's number. */
const EXIT_BY_SIGNAL = 128;
const FATAL_SIGNALS: Partial<Record<number, string>> = {
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
};

export interface MeasureInput {
  project: ProjectConfig;
  mirror: Mirror;
  tree: string;
  /** For the journal: who asks. */
  envelope: { project: string; session?: string; cycle?: string };
  signal: AbortSignal;
  /** Ends waits for a slot, and nothing that runs. */
  waiting?: AbortSignal | undefined;
  /** Prefix of the marker of every process started. */
  marker: string;
  /** Tests that fail are run once more before they count: for a baseline, which nothing earlier can contradict. */
  doubt?: boolean;
  /** Asked after each check when they run one after the other; true: the rest need not run. */
  enough?: (soFar: CheckReport[]) => boolean;
}

export interface Measured {
  report: TreeReport;
  ran: number;
  reused: number;
}

export const measureTree = async (shop: Workshop, input: MeasureInput): Promise<Result<Measured, Failure>> => {
  const { project, tree } = input;
  const installed = await ensureDependencies(shop, input, tree);
  if (!installed.ok) {
    if (installed.error.kind === 'install-failed') journalUninstalled(shop, input, installed.error.message);
    return installed;
  }
  if (installed.value.ran) journalInstalled(shop, input, installed.value);

  const measure = (check: CheckConfig) => measureCheck(shop, input, check, installed.value.key);
  const outcomes: Measurement[] = [];
  if (input.enough === undefined) {
    outcomes.push(...(await Promise.all(project.checks.map(measure))));
  } else {
    for (const check of project.checks) {
      outcomes.push(await measure(check));
      if (input.enough(outcomes.map((outcome) => outcome.report))) break;
    }
  }
  return ok({
    report: { tree, checks: outcomes.map((outcome) => outcome.report) },
    ran: outcomes.filter((outcome) => outcome.ran).length,
    reused: outcomes.filter((outcome) => !outcome.ran).length,
  });
};

interface Measurement {
  report: CheckReport;
  ran: boolean;
}

const measureCheck = async (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  dependencies: string,
): Promise<Measurement> => {
  const { project, tree } = input;
  const key = checkKey({ tree, check, dependencies, env: project.env, wall: wallOf(shop, project) });
  const known = shop.cache.get(key);
  if (known?.report.state === 'evaluated') return { report: known.report, ran: false };

  const askedAt = shop.clock.now();
  const flight = await shop.slots.acquire(`flight:${key}`, 1, {
    who: who(input),
    waitMs: check.timeout * WAIT_LENGTHS,
    signal: waitingSignal(input),
  });
  if (!flight.ok) return { report: unevaluated(check, 'interrupted', flight.error.message, 0), ran: false };
  try {
    const meanwhile = shop.cache.get(key);
    // What could not be evaluated is not remembered, but whoever waited for that very execution shares its result.
    if (meanwhile && (meanwhile.report.state === 'evaluated' || meanwhile.at >= askedAt)) {
      return { report: meanwhile.report, ran: false };
    }
    const first = await execute(shop, input, check, { key, dependencies, command: check.run });
    const report = input.doubt ? await doubted(shop, input, check, { key, dependencies }, first) : first;
    const interrupted = report.state === 'unevaluated' && report.reason === 'interrupted';
    if (!interrupted) shop.cache.put(key, report, shop.clock.now());
    return { report, ran: true };
  } finally {
    flight.value.release();
  }
};

/** More failures than this are no accident, and running them all again would cost as much as the first time. */
const DOUBTED_TESTS_MAX = 20;

/** A test that fails by chance in the baseline would be work for an agent, and any change would seem to mend it. */
const doubted = async (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  execution: Omit<Execution, 'command'>,
  first: CheckReport,
): Promise<CheckReport> => {
  const tests = first.state === 'evaluated' ? first.tests.filter((test) => test.status === 'failed') : [];
  if (first.state !== 'evaluated' || tests.length === 0 || tests.length > DOUBTED_TESTS_MAX) return first;
  const files = [...new Set(tests.map((test) => test.file))].filter(Boolean);
  const second = await execute(shop, input, check, { ...execution, command: rerunOf(check, files) });
  const { report, flaky } = mergeRerun(first, second, { tests });
  for (const test of flaky) {
    shop.journal.append<'test_flaky'>({
      type: 'test_flaky',
      ...input.envelope,
      data: { check: check.name, test: test.slice(`${check.name}: `.length), tree: input.tree },
    });
  }
  return report;
};

/** A check that names files is asked for those alone; where none is known, for all. */
const rerunOf = (check: CheckConfig, files: readonly string[]): string =>
  files.length === 0 ? check.run : (check.rerun?.replace('{files}', files.map(shellQuote).join(' ')) ?? check.run);

/**
 * The dependencies of a tree, installed unless they are; always in the way that the project's configuration says. Nothing
 * of a tree is executed before, so here it is seen whether the wall stands.
 */
export const ensureDependencies = async (
  shop: Workshop,
  { project, mirror, signal }: Pick<MeasureInput, 'project' | 'mirror' | 'signal'>,
  treeish: string,
): Promise<Result<Installed, Failure>> => {
  const stands = await shop.walls.stand();
  if (!stands.ok) return stands;
  const env = shop.environments.forInstall(project.env, shop.walls.kind() !== 'none');
  return shop.dependencies.ensure({
    mirror,
    treeish,
    project: project.name,
    install: project.install,
    lockfiles: project.lockfiles,
    env,
    network: () => installReach(shop, { project, mirror }, env),
    mark: JSON.stringify([shop.config().agent.network, project.hosts]),
    timeoutMs: project.installTimeout,
    signal,
  });
};

/** What an installation reaches: the registries of the branch that winners land on, whichever tree it is for. */
const installReach = async (
  shop: Workshop,
  { project, mirror }: Pick<MeasureInput, 'project' | 'mirror'>,
  env: Readonly<Record<string, string>>,
): Promise<Reach> => {
  if (!isListing(shop.config().agent)) return 'open';
  const main = `refs/remotes/origin/${project.branch}`;
  const paths = (await mirror.listFiles(main, FILES_MAX)).filter(tellsRegistries).slice(0, TELLING_FILES_MAX);
  const files: { path: string; text: string }[] = [];
  for (const path of paths) files.push({ path, text: (await mirror.readFile(main, path, LOCKFILE_MAX_BYTES)) ?? '' });
  const usual = await usualRegistries(managersOf(paths), { dir: shop.paths.home, env });
  const named = project.hosts.map((text) => listedHost(text));
  const hosts = [...named, ...registriesOf(env), ...registriesIn(files), ...usual];
  return { hosts, upstream: upstreamOf(env) };
};

/** A repository with more is a monorepo whose registries its first lockfiles name. */
const FILES_MAX = 100_000;
const TELLING_FILES_MAX = 200;
const LOCKFILE_MAX_BYTES = 64 * 1024 ** 2;

/** Runs a check again on the same tree, for tests that failed and are not believed yet; never from the cache. */
export const runAgain = async (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  files: readonly string[],
): Promise<CheckReport> => {
  const { project, tree } = input;
  const installed = await ensureDependencies(shop, input, tree);
  if (!installed.ok) return unevaluated(check, 'install-failed', installed.error.message, 0);
  const dependencies = installed.value.key;
  const command = rerunOf(check, files);
  const key = checkKey({ tree, check, dependencies, env: project.env, wall: wallOf(shop, project) });
  return execute(shop, input, check, { key, dependencies, command });
};

/** Keeps what two looks at a tree together say, in place of what the first said. */
export const rememberReport = async (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  report: CheckReport,
): Promise<void> => {
  const installed = await ensureDependencies(shop, input, input.tree);
  if (!installed.ok) return;
  const key = checkKey({
    tree: input.tree,
    check,
    dependencies: installed.value.key,
    env: input.project.env,
    wall: wallOf(shop, input.project),
  });
  shop.cache.put(key, report, shop.clock.now());
};

/** What is known of a tree without executing anything: each check's report, undefined where there is none. */
export const knownReports = async (
  shop: Workshop,
  input: Pick<MeasureInput, 'project' | 'mirror' | 'signal' | 'tree'>,
): Promise<(CheckReport | undefined)[]> => {
  const { project, tree } = input;
  const installed = await ensureDependencies(shop, input, tree);
  if (!installed.ok) return [];
  return project.checks.map((check) => {
    const known = shop.cache.get(
      checkKey({ tree, check, dependencies: installed.value.key, env: project.env, wall: wallOf(shop, project) }),
    );
    return known?.report.state === 'evaluated' ? known.report : undefined;
  });
};

/** What a check can do differs from wall to wall, and so may what it says. */
const wallOf = (shop: Workshop, { network }: ProjectConfig): string => {
  const kind = shop.walls.kind();
  return kind === 'bwrap' ? `${kind} ${network}` : kind;
};

interface Execution {
  key: string;
  dependencies: string;
  command: string;
}

const execute = async (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  execution: Execution,
): Promise<CheckReport> => {
  const { project } = input;
  const signal = waitingSignal(input);
  const slot = check.slot ?? check.name;
  const capacity = shop.config().slots[slot];
  const lease =
    capacity === undefined
      ? undefined
      : await shop.slots.acquire(slot, capacity, { who: who(input), waitMs: check.timeout * WAIT_LENGTHS, signal });
  if (lease && !lease.ok) return unevaluated(check, 'interrupted', lease.error.message, 0);
  const waitedMs = lease?.ok ? lease.value.waitedMs : 0;
  try {
    const place = await leaseCheckout(shop, project.name, who(input));
    try {
      const report = await runIn(shop, input, check, execution, place.dir);
      journalCheck(shop, input, check, execution.key, report, waitedMs);
      return report;
    } finally {
      place.release();
    }
  } finally {
    if (lease?.ok) lease.value.release();
  }
};

const runIn = async (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  execution: Execution,
  dir: string,
): Promise<CheckReport> => {
  const { project, mirror, tree, signal } = input;
  const startedMs = shop.clock.monotonic();
  const elapsed = () => Math.round(shop.clock.monotonic() - startedMs);
  const exclude = await shop.dependencies.excluded(execution.dependencies);
  const ready = await shop.workspaces.checkout({ mirror, tree, dir, exclude });
  if (!ready.ok) return unevaluated(check, 'interrupted', `no checkout: ${ready.error.message}`, elapsed());
  const linked = await shop.dependencies.link(execution.dependencies, dir);
  if (!linked.ok) return unevaluated(check, 'install-failed', linked.error.message, elapsed());

  // A report that was committed or left behind is none of this run's.
  if (check.report !== undefined) await rm(join(dir, check.report), { force: true, recursive: true });
  const result = await shop.commands.run({
    command: execution.command,
    cwd: dir,
    env: {
      ...shop.environments.forChecks({ dir, project: project.name, extra: project.env }),
      WINNOW_SLOTS_HELD: check.slot ?? check.name,
    },
    timeoutMs: check.timeout,
    outputMaxBytes: OUTPUT_MAX_BYTES,
    marker: `${input.marker}-${shop.ids(shop.clock.now())}`,
    network: project.network,
    signal,
  });
  // A check may print its environment, and what it prints goes to reports, prompts and the cache.
  const stdout = shop.redact(result.stdout);
  const stderr = shop.redact(result.stderr);
  const parsed = parseOutput(check.parse, {
    stdout,
    stderr,
    exitCode: result.exitCode ?? 1,
    checkout: await realpath(dir),
    ...(check.report === undefined ? {} : { report: shop.redact(await readReport(join(dir, check.report))) }),
  });
  if (!(await dependenciesIntact(shop, input.envelope, execution.dependencies, 'check', check.name))) {
    return unevaluated(
      check,
      'install-failed',
      'the check wrote into the shared dependencies, which are thrown away and installed anew',
      elapsed(),
    );
  }
  return reportOf(check, { ...result, stdout, stderr }, parsed, elapsed());
};

/**
 * Whether the shared dependencies are as they were installed; asked after everything that might have written to them.
 * If not they are set aside, and whoever needs them next installs anew.
 */
export const dependenciesIntact = async (
  shop: Workshop,
  envelope: MeasureInput['envelope'],
  key: string,
  by: 'agent' | 'check',
  what: string,
): Promise<boolean> => {
  if (key === '' || (await shop.dependencies.verify(key))) return true;
  shop.journal.append<'dependencies_damaged'>({ type: 'dependencies_damaged', ...envelope, data: { key, by, what } });
  return false;
};

/** What a finished command says, in the words of a report; pure. Could not run is neither red nor green. */
export const reportOf = (
  check: CheckConfig,
  result: CommandResult,
  parsed: Parsed,
  durationMs: number,
): CheckReport => {
  const not = (reason: UnevaluatedReason, message: string) => unevaluated(check, reason, message, durationMs);
  const last = lastLines(result.stderr || result.stdout);
  if (result.spawnError) return not('command-not-found', `${check.run}: could not be started (${result.spawnError})`);
  if (result.aborted) return not('interrupted', 'stopped before its end');
  if (result.outputExceeded) return not('output-too-large', `wrote more than ${OUTPUT_MAX_BYTES / 1024 ** 2} MB`);
  const selfDelimiting = check.parse === 'vitest-json' || check.parse === 'jest-json';
  const hung = result.timedOut && selfDelimiting && parsed.complete;
  if (result.timedOut && !hung)
    return not('timeout', `still running after ${Math.round(check.timeout / 1000)} s${last}`);
  if (result.signal && !hung) return not('killed', `killed by ${result.signal}, perhaps for want of memory${last}`);
  if (result.exitCode === NOT_FOUND) return not('command-not-found', `command not found (exit 127)${last}`);
  if (result.exitCode === NOT_EXECUTABLE) return not('not-executable', `cannot be executed (exit 126)${last}`);
  const wrapped = FATAL_SIGNALS[(result.exitCode ?? 0) - EXIT_BY_SIGNAL];
  if (wrapped && !(selfDelimiting && parsed.complete))
    return not('killed', `ended with ${result.exitCode}, killed by ${wrapped}, perhaps for want of memory${last}`);
  if (!parsed.complete) return not('report-missing', `${parsed.reason} (exit ${result.exitCode})`);
  const failed = parsed.problems.length > 0 || parsed.tests.some((test) => test.status === 'failed');
  return {
    state: 'evaluated',
    check: check.name,
    green: !failed && (result.exitCode === 0 || hung),
    exitCode: result.exitCode ?? 0,
    problems: parsed.problems,
    tests: parsed.tests,
    durationMs,
    ...(result.cpuMs === undefined ? {} : { cpuMs: result.cpuMs }),
    ...(hung ? { hungAfterReport: true } : {}),
  };
};

const unevaluated = (
  check: CheckConfig,
  reason: UnevaluatedReason,
  message: string,
  durationMs: number,
): CheckReport => ({
  state: 'unevaluated',
  check: check.name,
  reason,
  message: `${check.name}: ${message}`,
  durationMs,
});

/** A directory for one execution, held by nobody else of this home; an old one is reused, which saves the checkout. */
export const leaseCheckout = async (
  shop: Workshop,
  project: string,
  owner: string,
): Promise<{ dir: string; release: () => void }> => {
  for (let n = 1; n <= CHECKOUTS_MAX; n += 1) {
    const lease = await shop.slots.tryAcquire(`checkout:${project}:${n}`, 1, owner);
    if (lease) return { dir: join(shop.paths.checkouts, project, String(n)), release: () => lease.release() };
  }
  throw new Error(`more than ${CHECKOUTS_MAX} checkouts of ${project} are in use`);
};

const readReport = async (file: string): Promise<string> => {
  try {
    const { size } = await stat(file);
    return size > OUTPUT_MAX_BYTES ? '' : await readFile(file, 'utf8');
  } catch {
    return '';
  }
};

const journalCheck = (
  shop: Workshop,
  input: MeasureInput,
  check: CheckConfig,
  key: string,
  report: CheckReport,
  waitedMs: number,
): void => {
  shop.journal.append<'check_ran'>({
    type: 'check_ran',
    ...input.envelope,
    data: {
      check: check.name,
      tree: input.tree,
      key,
      state: report.state,
      durationMs: report.durationMs,
      waitedMs: Math.round(waitedMs),
      ...(report.state === 'evaluated'
        ? {
            green: report.green,
            exitCode: report.exitCode,
            figures: figuresOf({ tree: input.tree, checks: [report] }),
            ...(report.cpuMs === undefined ? {} : { cpuMs: report.cpuMs }),
          }
        : { reason: report.reason, message: shop.redact(report.message) }),
    },
  });
};

const journalInstalled = (shop: Workshop, input: MeasureInput, { key, durationMs, refused }: Installed): void => {
  const command = input.project.install ?? '';
  shop.journal.append<'install_ran'>({
    type: 'install_ran',
    ...input.envelope,
    data: { key, command, ok: true, durationMs, message: '', ...(refused.length === 0 ? {} : { refused }) },
  });
};

const journalUninstalled = (shop: Workshop, input: MeasureInput, message: string): void => {
  const command = input.project.install ?? '';
  shop.journal.append<'install_ran'>({
    type: 'install_ran',
    ...input.envelope,
    data: { key: '', command, ok: false, durationMs: 0, message: shop.redact(message) },
  });
};

const waitingSignal = ({ signal, waiting }: MeasureInput): AbortSignal =>
  waiting ? AbortSignal.any([signal, waiting]) : signal;

const who = (input: MeasureInput): string => input.envelope.session ?? input.envelope.cycle ?? 'winnow';

const lastLines = (text: string): string => {
  const lines = text.trimEnd().split('\n').slice(-3).join(' | ').slice(-400);
  return lines === '' ? '' : `: ${lines}`;
};

const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export const unevaluatedOf = (report: TreeReport) => report.checks.find((check) => check.state === 'unevaluated');
