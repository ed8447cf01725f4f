import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { renderProblem } from '../../../src/base/file-problem.ts';
import { configSchema, loadConfig } from '../../../src/ports/home/config.ts';

const homes: string[] = [];
const homeWith = (config: string | Uint8Array | undefined, dotEnv?: string): string => {
  const home = mkdtempSync(join(tmpdir(), 'winnow-config-'));
  homes.push(home);
  if (config !== undefined) writeFileSync(join(home, 'winnow.config.yaml'), config);
  if (dotEnv !== undefined) writeFileSync(join(home, '.env'), dotEnv);
  return home;
};
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

const load = (config: string | Uint8Array | undefined, env: Record<string, string> = {}, dotEnv?: string) =>
  loadConfig(homeWith(config, dotEnv), env);
const problemsOf = (config: string | Uint8Array | undefined, env: Record<string, string> = {}, dotEnv?: string) => {
  const loaded = load(config, env, dotEnv);
  return loaded.ok ? [] : loaded.error.map(renderProblem);
};

const project = `projects:
  - name: api
    repo: ../api
    checks:
      - { name: tsc, run: tsc --noEmit, parse: tsc }
`;

describe('a good configuration', () => {
  it('is loaded with defaults and units turned into numbers', () => {
    const loaded = load(`${project}schedule: { cycle: 20m }\ngates: { memory: 80%, disk: 1GB }\n`);
    expect(loaded.ok && loaded.value.config).toMatchObject({
      projects: [{ name: 'api', branch: 'main', checks: [{ timeout: 600_000 }], merge: { mode: 'push' } }],
      schedule: { tick: 300_000, cycle: 1_200_000 },
      gates: { memory: 0.8, disk: 1024 ** 3 },
      slots: { tsc: 2, test: 1 },
    });
  });

  it('may begin with a byte order mark and end its lines with CRLF', () => {
    expect(problemsOf(`\ufeff${project.replaceAll('\n', '\r\n')}`)).toEqual([]);
  });

  it('has the same hash when only comments and the order of keys change, and another when a value changes', () => {
    const hash = (text: string) => {
      const loaded = load(text);
      return loaded.ok ? loaded.value.hash : 'broken';
    };
    const one = hash(`${project}slots: { tsc: 2, test: 1 }\n`);
    expect(hash(`# why\nslots: { test: 1, tsc: 2 }\n${project}`)).toBe(one);
    expect(hash(`${project}slots: { tsc: 3, test: 1 }\n`)).not.toBe(one);
  });
});

describe('mistakes', () => {
  it('are all named at once, each with file, line and key', () => {
    const problems = problemsOf(`projects:
  - name: api
    repo: ../api
    branch: "my branch"
    checks:
      - name: tsc
        run: tsc --noEmit
        parse: tscc
      - name: tests
        run: vitest run
        parse: vitest-json
        slto: test
schedule:
  review: "61 * * * *"
gates:
  memory: 85
`);
    expect(problems).toEqual([
      'winnow.config.yaml:4  projects[0].branch: found "my branch", expected the name of a branch such as "main"',
      'winnow.config.yaml:8  projects[0].checks[0].parse: found "tscc", expected one of tsc, vitest-json, jest-json, junit, tap, eslint-json, exit; did you mean "tsc"?',
      'winnow.config.yaml:12  projects[0].checks[1].slto: found an unknown key, expected a known key; did you mean "slot"?',
      'winnow.config.yaml:14  schedule.review: found "61 * * * *", expected a cron expression of five fields such as "0 */2 * * *"',
      'winnow.config.yaml:16  gates.memory: found 85, expected a percentage such as "85%"',
    ]);
  });

  it.each([
    ['a missing file', undefined, 'winnow.config.yaml  found no such file, expected a file'],
    ['an empty file', '', 'winnow.config.yaml  found an empty file'],
    ['a file of comments', '# nothing yet\n', 'found an empty file, expected `projects:`'],
    ['a list at the top', '- a\n- b\n', ':1  found a list, expected a map of keys and values'],
    ['a text at the top', 'hello\n', 'found "hello", expected a map'],
    ['a tab as indentation', 'projects:\n\t- name: a\n', ':2  found a tab as indentation, expected spaces'],
    ['a key twice', `${project}slots: { tsc: 1 }\nslots: { tsc: 1 }\n`, ':7  slots: found this key a second time'],
    ['a key twice inside', `${project}http: { port: 1, port: 2 }\n`, ':6  http.port: found this key a second time'],
    ['two documents', `${project}---\na: 1\n`, 'found a second document'],
    ['an unclosed bracket', 'projects: [\n', 'found invalid YAML'],
    ['an unknown tag', `${project}slots: !!js/function "x"\n`, 'found an unknown tag'],
    ['an alias of nothing', `${project}slots: *gone\n`, ':6  found an alias of nothing'],
    ['no projects', 'projects: []\n', ':1  projects: found an empty list, expected at least one'],
    ['a missing key', 'projects: [{ name: a, repo: x }]\n', ':1  projects[0].checks: found nothing, expected a list'],
    ['an empty value', `${project}agent:\n`, 'agent: found nothing, expected a map'],
    ['a number for text', `${project}agent: { env: { CI: 1 } }\n`, 'agent.env.CI: found 1, expected text (put numbers'],
    [
      'a slot that is not there',
      `${project.replace('parse: tsc', 'parse: tsc, slot: tcs')}`,
      'checks[0].slot: found "tcs", expected one of tsc, test (see `slots`); did you mean "tsc"?',
    ],
    [
      'a repeated project',
      `${project}${project.slice(10).replace('api', 'API')}`,
      ':6  projects[1].name: found "API", the name of projects[0], expected a name of its own',
    ],
    [
      'a repeated check',
      `${project}      - { name: tsc, run: x, parse: exit }\n`,
      ':6  projects[0].checks[1].name: found "tsc", the name of checks[0]',
    ],
    [
      'a cron that never comes',
      `${project}schedule: { doctor: "0 0 30 2 *" }\n`,
      'schedule.doctor: found "0 0 30 2 *"',
    ],
    [
      'an unbalanced glob',
      `${project}    protect: ["src/[a"]\n`,
      ':6  projects[0].protect[0]: found "src/[a", expected a glob',
    ],
    ['an excluding glob', `${project}    protect: ["!src/**"]\n`, 'protect[0]: found "!src/**", expected a glob'],
    [
      'a path that leaves',
      `${project}    context: ["../../etc/passwd"]\n`,
      'context[0]: found "../../etc/passwd", expected a path inside',
    ],
    ['a branch like an option', `${project}    branch: "--upload-pack=x"\n`, 'expected the name of a branch'],
    ['a repository like an option', project.replace('../api', '"--upload-pack=x"'), 'expected the URL or the path'],
    ['a transport that runs commands', project.replace('../api', '"ext::sh -c x"'), 'expected the URL or the path'],
    [
      'a bad slot name',
      `${project}slots: { "a b": 1 }\n`,
      'slots["a b"]: found the name "a b", expected a name of at most 64',
    ],
    ['a slot of none', `${project}slots: { tsc: 0 }\n`, 'slots.tsc: found 0, expected a number above 0'],
    [
      'a list that no wall holds',
      `${project}agent: { network: listed }\n`,
      'agent.network: found "listed", expected `agent.sandbox: bwrap` with it',
    ],
    [
      'hosts that no wall holds',
      `${project}agent: { sandbox: user, hosts: [a.example] }\n`,
      'agent.hosts: found a list, expected `agent.sandbox: bwrap` with it',
    ],
    [
      'a host with a scheme',
      `${project}agent: { sandbox: bwrap, hosts: ["https://a.example"] }\n`,
      'agent.hosts[0]: found "https://a.example", expected a host such as',
    ],
    ['a host of all', `${project}    hosts: ["*"]\n`, 'projects[0].hosts[0]: found "*", expected a host such as'],
    [
      'an open door',
      `${project}http: { host: 0.0.0.0 }\n`,
      'http.token: found nothing, expected env:NAME, since other machines can reach 0.0.0.0',
    ],
    [
      'an unknown placeholder',
      `${project}agent: { env: { A: "x-{sesion}" } }\n`,
      'agent.env.A: found {sesion}, expected {session} {role} {project} {cycle}; did you mean "session"?',
    ],
    [
      'a span without a unit',
      `${project}agent: { timeout: 30 }\n`,
      'agent.timeout: found 30, expected a time span such as',
    ],
    ['a span beyond reason', `${project}agent: { timeout: 40d }\n`, 'expected a time span from "1ms" to "30d"'],
  ] as [string, string | undefined, string][])('%s is a problem', (_, config, expected) => {
    expect(problemsOf(config).join('\n')).toContain(expected);
  });

  it('of the YAML and of the values are told together as long as the structure is sound', () => {
    expect(problemsOf(`${project}slots: { tsc: 0 }\nhttp: { port: 1, port: 99999 }\n`)).toHaveLength(3);
  });

  it('in an unsound structure do not breed problems that are not there', () => {
    expect(problemsOf('projects:\n  - name: a\n   repo: b\n').length).toBeLessThanOrEqual(3);
  });
});

describe('a hostile or damaged file', () => {
  it('of ten megabytes is refused unread', () => {
    expect(problemsOf('a'.repeat(10 * 1024 * 1024))).toEqual([
      'winnow.config.yaml  found 10,240 KB, expected a file of at most 128 KB',
    ]);
  });

  it('in another encoding is named with its line', () => {
    expect(problemsOf(Buffer.from(`\ufeff${project}`, 'utf16le'))[0]).toContain('found text in UTF-16');
    const latin1 = Buffer.concat([Buffer.from(project), Buffer.from('# caf\xe9\n', 'latin1')]);
    expect(problemsOf(latin1)).toEqual(['winnow.config.yaml:6  found bytes that are no UTF-8, expected text in UTF-8']);
    expect(problemsOf(`${project}# \0\n`)[0]).toContain(':6  found a zero byte');
  });

  it('with an alias bomb costs neither time nor memory', () => {
    const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(10)}]`);
    const problems = problemsOf(`a0: &a0 [x]\n${levels.join('\n')}\n`);
    expect(problems[0]).toContain('found aliases that unfold more than');
  });

  it('nested without end is a problem, not a crash', () => {
    expect(problemsOf(`projects: ${'['.repeat(20_000)}`)[0]).toMatch(/nested too deeply|invalid YAML/);
    expect(problemsOf(`projects: ${'['.repeat(20_000)}${']'.repeat(20_000)}`)[0]).toMatch(/nested|found a list/);
  });

  it('that is a directory is named', () => {
    const home = homeWith(undefined);
    mkdirSync(join(home, 'winnow.config.yaml'));
    const loaded = loadConfig(home, {});
    expect(!loaded.ok && loaded.error.map(renderProblem)).toEqual([
      'winnow.config.yaml  found a directory, expected a file',
    ]);
  });

  it('with __proto__ as a key changes no prototype', () => {
    problemsOf(`${project}__proto__: { polluted: true }\nslots: { __proto__: 1 }\n`);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('secrets', () => {
  it('of tokens with names are looked up, must be unique, and open an address to other machines', () => {
    const http = (tokens: string) => `${project}http: { host: 0.0.0.0, tokens: [${tokens}] }\n`;
    const env = { CI: 'from-the-environment', SHORT: 'abc' };
    const loaded = load(
      http('{ name: ci, token: "env:CI", scopes: [read, trigger] }, { name: web, token: "env:CI" }'),
      env,
    );
    if (!loaded.ok) throw new Error(loaded.error.map(renderProblem).join());
    expect(loaded.value.config.http.tokens).toEqual([
      { name: 'ci', token: 'from-the-environment', scopes: ['read', 'trigger'] },
      { name: 'web', token: 'from-the-environment', scopes: ['read'] },
    ]);
    expect(loaded.value.secrets).toContain('from-the-environment');
    expect(problemsOf(http('{ name: ci, token: letmein-letmein }'))).toEqual([
      'winnow.config.yaml:6  http.tokens[0].token: found a secret written in plain text, expected env:NAME, with the secret itself in the environment or in .env',
    ]);
    expect(problemsOf(http('{ name: ci, token: "env:SHORT" }'), env).join()).toContain(
      'a value of 3 characters in SHORT',
    );
    expect(problemsOf(http('{ name: ci, token: "env:CI" }, { name: CI, token: "env:CI" }'), env).join()).toContain(
      'expected a name of its own',
    );
    expect(problemsOf(http('{ name: ci, token: "env:CI", scopes: [all] }'), env)).toHaveLength(1);
  });

  const withTokens = `${project}http: { token: "env:WEB_TOKEN" }\ntelegram: { token: "env:BOT_TOKEN", chats: [1] }\n`;

  it('come from the environment first, then from .env, and are listed to be withheld', () => {
    const loaded = load(
      withTokens,
      { WEB_TOKEN: 'from-the-environment', BOT_TOKEN: '' },
      'WEB_TOKEN=from-the-file\nBOT_TOKEN="bot from the file"\nANTHROPIC_API_KEY=key-in-the-file\nPLAIN=just-a-setting\n',
    );
    if (!loaded.ok) throw new Error(loaded.error.map(renderProblem).join('\n'));
    expect(loaded.value.config.http.token).toBe('from-the-environment');
    expect(loaded.value.config.telegram?.token).toBe('bot from the file');
    expect(loaded.value.secrets.toSorted()).toEqual(
      ['bot from the file', 'from-the-environment', 'from-the-file', 'key-in-the-file'].toSorted(),
    );
    expect(JSON.stringify(loaded.value.written)).not.toContain('from-the');
  });

  it('that are missing are a problem at the line that names them', () => {
    expect(problemsOf(withTokens, { BOT_TOKEN: 'long enough' }, 'WEB_TOKENS=somewhere\n')).toEqual([
      'winnow.config.yaml:6  http.token: found "env:WEB_TOKEN", expected WEB_TOKEN to be set in the environment or in .env; did you mean "WEB_TOKENS"?',
    ]);
  });

  it('written in plain text are refused without being repeated', () => {
    const key = `sk-ant-${'a1B2'.repeat(10)}`;
    const problems = problemsOf(
      `${project.replace('../api', 'https://me:hunter2hunter2@example.com/a.git')}http: { token: letmein-letmein }\n` +
        `agent: { env: { KEY: ${key}, OTHER_TOKEN: 12345678 } }\n`,
    ).join('\n');
    expect(problems).toContain('winnow.config.yaml:3  projects[0].repo: found a secret written in plain text');
    expect(problems).toContain(
      'winnow.config.yaml:6  http.token: found a secret written in plain text, expected env:NAME',
    );
    expect(problems).toContain('agent.env.KEY: found a secret written in plain text');
    expect(problems).toContain('agent.env.OTHER_TOKEN: found a value that is not shown here');
    for (const secret of ['hunter2', 'letmein', key, '12345678']) expect(problems).not.toContain(secret);
  });

  it('too short to be withheld are no tokens', () => {
    const problems = problemsOf(withTokens, { WEB_TOKEN: 'abc', BOT_TOKEN: 'long enough' });
    expect(problems).toEqual([
      'winnow.config.yaml:6  http.token: found a value of 3 characters in WEB_TOKEN, expected at least 8',
    ]);
  });

  it('never appear in a message when the resolved value does not fit', () => {
    const problems = problemsOf(`${project}agent: { model: "env:M" }\ngates: { memory: "env:SECRET_SHARE" }\n`, {
      M: 'sonnet',
      SECRET_SHARE: 'very-secret-value',
    });
    expect(problems).toEqual([
      'winnow.config.yaml:7  gates.memory: found "env:SECRET_SHARE", expected a percentage such as "85%"',
    ]);
  });
});

describe('the JSON Schema', () => {
  it('describes every key and needs no more than the configuration itself', () => {
    const undescribed: string[] = [];
    const walk = (node: Record<string, unknown>, path: string) => {
      for (const [key, child] of Object.entries((node.properties ?? {}) as Record<string, Record<string, unknown>>)) {
        if (child.description === undefined && !path.includes('findings')) undescribed.push(`${path}.${key}`);
        walk(child, `${path}.${key}`);
        if (child.items !== undefined) walk(child.items as Record<string, unknown>, `${path}.${key}[]`);
      }
    };
    const schema = configSchema();
    walk(schema, '');
    expect(undescribed).toEqual([]);
    expect(schema).toMatchObject({ required: ['projects'], additionalProperties: false });
  });
});
