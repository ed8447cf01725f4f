import { parseEnv } from 'node:util';
import { z } from 'zod';
import { checkShape, type KeyPath, readYaml, type YamlReading } from '../../base/checked-yaml.ts';
import { type FileProblem, fileProblem, inReadingOrder } from '../../base/file-problem.ts';
import { sha256 } from '../../base/hash.ts';
import { nearest } from '../../base/nearest.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { Config } from '../../model/config.ts';
import { SECRET_MIN_CHARS } from '../../policy/withhold.ts';
import { CONFIG_FILE, homePaths } from './home.ts';
import { isSecretName, looksSecret, secretsOf } from './secrets.ts';
import { readTextFile } from './text-file.ts';

export interface LoadedConfig {
  /** With every env:NAME replaced by its value: never shown and never journalled. */
  config: Config;
  /** As written, references unresolved; for people. */
  written: unknown;
  /** Of what is written; comments, the order of keys and the values of references do not change it. */
  hash: string;
  /** Secret values, to be withheld from all output. */
  secrets: string[];
  /** What the home's .env holds. */
  dotEnv: Record<string, string>;
}

/** A configuration longer than this is not one that a person keeps in mind; most are under 4 KB. */
const CONFIG_MAX_BYTES = 128 * 1024;
const DOT_ENV_MAX_BYTES = 64 * 1024;

/** Reads winnow.config.yaml and .env of a home; on failure all problems at once, in reading order. */
export const loadConfig = (
  home: string,
  env: Record<string, string | undefined> = process.env,
): Result<LoadedConfig, FileProblem[]> => {
  const paths = homePaths(home);
  const problems: FileProblem[] = [];
  const dotEnv = readDotEnv(home);
  if (!dotEnv.ok) problems.push(dotEnv.error);
  const text = readTextFile(paths.config, { file: CONFIG_FILE, maxBytes: CONFIG_MAX_BYTES });
  if (!text.ok) return err(inReadingOrder([...problems, text.error]));

  const reading = readYaml({
    file: CONFIG_FILE,
    text: text.value,
    isSecret: (key, value) => looksSecret(value) || (isSecretName(key) && !REFERENCE.test(value)),
  });
  problems.push(...reading.problems);
  if (!reading.sound || reading.data === undefined) return err(inReadingOrder(problems));
  if (reading.data === null) {
    const says = { file: CONFIG_FILE, found: 'an empty file', expected: '`projects:` with at least one project' };
    return err(inReadingOrder([...problems, fileProblem(says)]));
  }

  const variables = dotEnv.ok ? dotEnv.value : {};
  const resolved = resolveReferences(
    reading,
    (name) => env[name] || variables[name] || undefined,
    Object.keys(variables),
  );
  problems.push(...resolved.problems, ...plainSecrets(reading), ...crossChecks(reading));
  const shape = checkShape(reading, resolved.data, Config, (path) => resolved.missing.has(path.join('\0')));
  problems.push(...shape.problems);
  if (problems.length > 0 || shape.value === undefined) return err(inReadingOrder(problems));

  return ok({
    config: shape.value,
    written: reading.data,
    hash: sha256(canonical(reading.data)),
    secrets: [...new Set([...resolved.secrets, ...secretsOf(variables), ...secretsOf(env)])],
    dotEnv: variables,
  });
};

/** The variables of the home's .env; none when there is no such file. */
const readDotEnv = (home: string): Result<Record<string, string>, FileProblem> => {
  const text = readTextFile(homePaths(home).env, { file: '.env', maxBytes: DOT_ENV_MAX_BYTES });
  if (text.ok) return ok({ ...parseEnv(text.value) } as Record<string, string>);
  return text.error.found === 'no such file' ? ok({}) : err(text.error);
};

/** JSON Schema of winnow.config.yaml for editors: completion, descriptions, red lines while typing. */
export const configSchema = (): Record<string, unknown> => ({
  ...z.toJSONSchema(Config, { io: 'input' }),
  title: CONFIG_FILE,
  description: 'One factory: its projects, their checks, and the limits within which the sessions work.',
});

const REFERENCE = /^env:(.*)$/s;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Replaces every text `env:NAME`, wherever it stands, by the value of the variable. */
const resolveReferences = (
  reading: YamlReading,
  lookup: (name: string) => string | undefined,
  known: string[],
): { data: unknown; problems: FileProblem[]; secrets: string[]; missing: Set<string> } => {
  const problems: FileProblem[] = [];
  const secrets: string[] = [];
  const missing = new Set<string>();
  const data = mapScalars(reading.data, (value, path) => {
    const name = typeof value === 'string' ? REFERENCE.exec(value)?.[1] : undefined;
    if (name === undefined) return value;
    const resolved = VARIABLE_NAME.test(name) ? lookup(name) : undefined;
    if (resolved === undefined) {
      missing.add(path.join('\0'));
      const expected = VARIABLE_NAME.test(name)
        ? `${name} to be set in the environment or in .env`
        : 'env:NAME with the name of an environment variable';
      problems.push(reading.problem(path, { expected, meant: nearest(name, known) }));
      return value;
    }
    if (resolved.length >= SECRET_MIN_CHARS) secrets.push(resolved);
    else if (isTokenPath(path)) {
      const found = `a value of ${resolved.length} characters in ${name}`;
      problems.push(reading.problem(path, { found, expected: `at least ${SECRET_MIN_CHARS}` }));
    }
    return resolved;
  });
  return { data, problems, secrets, missing };
};

/** Where a secret belongs and nothing else. */
const TOKENS =
  /^(?:http|telegram)\.token$|^http\.tokens\.\d+\.token$|^notify\.discord$|^notify\.webhooks\.\d+\.secret$/;
const isTokenPath = (path: readonly PropertyKey[]): boolean => TOKENS.test(path.join('.'));

/** Secrets written into a file that is committed, copied and shown. */
const plainSecrets = (reading: YamlReading): FileProblem[] => {
  const problems: FileProblem[] = [];
  mapScalars(reading.data, (value, path) => {
    if (typeof value === 'string' && !REFERENCE.test(value)) {
      const belongs = isTokenPath(path);
      if (belongs || looksSecret(value)) {
        const expected = 'env:NAME, with the secret itself in the environment or in .env';
        problems.push(reading.problem(path, { found: 'a secret written in plain text', expected }));
      }
    }
    return value;
  });
  return problems;
};

/** What no single value shows: names that must be unique, and names that must exist elsewhere in the file. */
const crossChecks = (reading: YamlReading): FileProblem[] => {
  const problems: FileProblem[] = [];
  const projects = listAt(reading.data, 'projects');
  problems.push(...repeatedNames(reading, ['projects'], projects));
  const slots = Object.keys(mapAt(reading.data, 'slots') ?? { tsc: 2, test: 1 });
  for (const [index, project] of projects.entries()) {
    const checks = listAt(project, 'checks');
    problems.push(...repeatedNames(reading, ['projects', index, 'checks'], checks));
    for (const [nth, check] of checks.entries()) {
      const slot = mapAt(check)?.slot;
      if (typeof slot !== 'string' || slots.includes(slot)) continue;
      const expected = slots.length === 0 ? 'a name that `slots` has' : `one of ${slots.join(', ')} (see \`slots\`)`;
      problems.push(
        reading.problem(['projects', index, 'checks', nth, 'slot'], { expected, meant: nearest(slot, slots) }),
      );
    }
  }
  for (const [name, value] of Object.entries(mapAt(mapAt(reading.data, 'agent'), 'env') ?? {})) {
    for (const [, placeholder] of typeof value === 'string' ? value.matchAll(/\{([a-z]+)\}/g) : []) {
      if (AGENT_PLACEHOLDERS.includes(placeholder!)) continue;
      const expected = AGENT_PLACEHOLDERS.map((known) => `{${known}}`).join(' ');
      const meant = nearest(placeholder!, AGENT_PLACEHOLDERS);
      problems.push(reading.problem(['agent', 'env', name], { found: `{${placeholder}}`, expected, meant }));
    }
  }
  const agent = mapAt(reading.data, 'agent');
  if (agent?.sandbox !== 'bwrap') {
    // Believed and not had would be worse than open.
    const asked = [
      agent?.network === 'listed' ? 'network' : undefined,
      listAt(agent, 'hosts').length > 0 ? 'hosts' : undefined,
    ];
    const expected = '`agent.sandbox: bwrap` with it: no other wall holds back the network of sessions';
    for (const key of asked) if (key !== undefined) problems.push(reading.problem(['agent', key], { expected }));
  }
  const http = mapAt(reading.data, 'http');
  const tokens = listAt(http, 'tokens');
  problems.push(...repeatedNames(reading, ['http', 'tokens'], tokens));
  problems.push(...repeatedNames(reading, ['notify', 'webhooks'], listAt(mapAt(reading.data, 'notify'), 'webhooks')));
  if (typeof http?.host === 'string' && !LOOPBACK.test(http.host) && http.token === undefined && tokens.length === 0) {
    const expected = `env:NAME, since other machines can reach ${http.host}`;
    problems.push(reading.problem(['http', 'token'], { found: 'nothing', expected }));
  }
  return problems;
};

const AGENT_PLACEHOLDERS: readonly string[] = ['session', 'role', 'project', 'cycle'];

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|\[::1\]|localhost)$/;

/** Compared without case, since names become names of directories and of environment variables. */
const repeatedNames = (reading: YamlReading, path: KeyPath, items: unknown[]): FileProblem[] => {
  const seen = new Map<string, number>();
  const problems: FileProblem[] = [];
  for (const [index, item] of items.entries()) {
    const name = mapAt(item)?.name;
    if (typeof name !== 'string') continue;
    const first = seen.get(name.toLowerCase());
    if (first === undefined) seen.set(name.toLowerCase(), index);
    else {
      const found = `${JSON.stringify(name)}, the name of ${String(path.at(-1))}[${first}]`;
      problems.push(reading.problem([...path, index, 'name'], { found, expected: 'a name of its own' }));
    }
  }
  return problems;
};

const mapAt = (value: unknown, key?: string): Record<string, unknown> | undefined => {
  const at = key === undefined ? value : mapAt(value)?.[key];
  return typeof at === 'object' && at !== null && !Array.isArray(at) ? (at as Record<string, unknown>) : undefined;
};

const listAt = (value: unknown, key: string): unknown[] => {
  const at = mapAt(value)?.[key];
  return Array.isArray(at) ? at : [];
};

/** JSON with sorted keys: one text for one meaning. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, at: unknown) => {
    const map = mapAt(at);
    return map === undefined ? at : Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });

const mapScalars = (
  value: unknown,
  change: (scalar: unknown, path: PropertyKey[]) => unknown,
  path: PropertyKey[] = [],
): unknown => {
  if (Array.isArray(value)) return value.map((item, index) => mapScalars(item, change, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, mapScalars(item, change, [...path, key])]),
    );
  }
  return change(value, path);
};
