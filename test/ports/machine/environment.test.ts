import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createCommands } from '../../../src/ports/machine/command.ts';
import { createEnvironments } from '../../../src/ports/machine/environment.ts';

let root: string;
let owner: string;
beforeAll(() => {
  root = fs.mkdtempSync(join(os.tmpdir(), 'winnow-environment-'));
  owner = join(root, 'owner');
  for (const dir of ['.cargo', '.rustup', 'go', '.nvm', 'work']) fs.mkdirSync(join(owner, dir), { recursive: true });
  fs.writeFileSync(join(owner, '.cargo', 'credentials.toml'), 'token = "cargo-secret"');
  fs.writeFileSync(join(owner, '.npmrc'), '//registry.invalid/:_authToken=npm-secret');
  fs.writeFileSync(join(owner, '.netrc'), 'machine example.com login me password netrc-secret');
  fs.writeFileSync(join(owner, '.gitconfig'), '[user]\n\tname = Owner\n[credential]\n\thelper = store\n');
  fs.writeFileSync(join(owner, '.git-credentials'), 'https://me:git-secret@example.com');
});
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

/** The owner's own credentials, of the kinds that lie about in environments. */
const CREDENTIALS = {
  GITHUB_TOKEN: 'github-secret',
  GH_TOKEN: 'gh-secret',
  GITLAB_TOKEN: 'gitlab-secret',
  SSH_AUTH_SOCK: '/run/secret/agent.sock',
  SSH_AGENT_PID: '4711-secret',
  AWS_ACCESS_KEY_ID: 'aws-secret-id',
  AWS_SECRET_ACCESS_KEY: 'aws-secret',
  AWS_SESSION_TOKEN: 'aws-secret-session',
  GOOGLE_APPLICATION_CREDENTIALS: '/secret/google.json',
  AZURE_CLIENT_SECRET: 'azure-secret',
  NPM_TOKEN: 'npm-secret',
  NODE_AUTH_TOKEN: 'node-secret',
  npm_config__authToken: 'npm-config-secret',
  OPENAI_API_KEY: 'openai-secret',
  TELEGRAM_BOT_TOKEN: 'telegram-secret',
  WINNOW_TOKEN: 'winnow-secret',
  DATABASE_URL: 'postgres://me:database-secret@db/prod',
  KUBECONFIG: '/secret/kube',
  DOCKER_AUTH_CONFIG: 'docker-secret',
  GIT_CONFIG_PARAMETERS: "'credential.helper=secret'",
  GIT_DIR: '/secret/elsewhere/.git',
  NODE_OPTIONS: '--require /secret/hook.js',
  LD_PRELOAD: '/secret/hook.so',
  BASH_ENV: '/secret/rc',
  XDG_CONFIG_HOME: '/secret/config',
};
const CLAUDE = { ANTHROPIC_API_KEY: 'anthropic-secret', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1/' };
const HARMLESS = { LANG: 'C.UTF-8', TZ: 'Europe/Berlin', USER: 'me', SHELL: '/bin/sh' };

const environments = (parent: Record<string, string | undefined> = {}) =>
  createEnvironments({
    parent: {
      PATH: process.env.PATH ?? '',
      HOME: owner,
      ...HARMLESS,
      ...CREDENTIALS,
      ...CLAUDE,
      HTTPS_PROXY: 'http://proxy:8080',
      ...parent,
    },
    homesDir: join(root, 'homes'),
    tmpDir: join(root, 'tmp'),
  });

const work = () => join(owner, 'work');
const checks = (extra: Record<string, string> = {}) => environments().forChecks({ dir: work(), project: 'api', extra });
const agent = (extra: Record<string, string> = {}, shims?: string) =>
  environments().forAgent({ dir: work(), session: 'alpha', shims, extra });

const secretsIn = (env: Record<string, string>): string[] =>
  Object.entries(env).flatMap(([name, value]) => (/secret/.test(value) ? [name] : []));

const say = async (command: string, env: Record<string, string>): Promise<string> => {
  const { run } = createCommands({ clock: systemClock });
  const marker = `test-environment-${process.pid}-${Math.random()}`;
  const { stdout, stderr } = await run({ command, cwd: work(), env, timeoutMs: 30_000, outputMaxBytes: 1e6, marker });
  return `${stdout}${stderr}`;
};

describe('what reaches a check', () => {
  it('is the allow-list and nothing else', () => {
    expect(Object.keys(checks()).sort()).toMatchInlineSnapshot(`
      [
        "CI",
        "GIT_ASKPASS",
        "GIT_CEILING_DIRECTORIES",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_SSH_COMMAND",
        "GIT_TERMINAL_PROMPT",
        "GOPATH",
        "HOME",
        "LANG",
        "NO_COLOR",
        "NO_UPDATE_NOTIFIER",
        "NVM_DIR",
        "PATH",
        "RUSTUP_HOME",
        "SHELL",
        "SSH_ASKPASS",
        "TMPDIR",
        "TZ",
        "USER",
        "npm_config_update_notifier",
      ]
    `);
    expect(checks()).toMatchObject({ ...HARMLESS, CI: '1', NO_COLOR: '1' });
    expect(secretsIn(checks())).toEqual([]);
  });

  it('is no more once a shell has started it', async () => {
    const said = await say('env', checks());
    const names = said
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0] ?? '');
    const known = [...Object.keys(checks()), 'WINNOW_RUN', 'PWD', 'OLDPWD', 'SHLVL', '_'];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(said).not.toMatch(/secret/);
  });

  it('has a home of its own, in which nothing of the owner lies', async () => {
    const said = await say('cd && pwd -P && ls -A && cat .npmrc .netrc .gitconfig .git-credentials', checks());
    expect(said.split('\n')[0]).toBe(fs.realpathSync(join(root, 'homes', 'checks.api')));
    expect(said).not.toMatch(/secret|Owner/);
    expect(fs.statSync(join(root, 'homes', 'checks.api')).mode & 0o077).toBe(0);
  });

  it('has git without the owner’s name, credentials, keys and questions', async () => {
    expect(await say('git config --list --show-origin', checks())).not.toMatch(/secret|Owner|credential/);
    const ssh = await say('git ls-remote ssh://git@127.0.0.1/x.git; echo "exit $?"', checks());
    expect(ssh).toContain('exit 128');
    const filled = await say(
      'printf "protocol=https\\nhost=example.com\\n\\n" | git credential fill; echo "exit $?"',
      checks(),
    );
    expect(filled).not.toMatch(/secret|password=/);
    expect(filled).toContain('exit 128');
  });

  it('is told of tool chains by their place, but not of the one in which tokens lie', () => {
    expect(checks()).toMatchObject({ RUSTUP_HOME: join(owner, '.rustup'), GOPATH: join(owner, 'go') });
    expect(checks()).not.toHaveProperty('CARGO_HOME');
    expect(checks()).not.toHaveProperty('PYENV_ROOT');
  });

  it('finds the programs of the checkout first, and has what the owner configured for it', () => {
    expect(checks().PATH?.split(':')[0]).toBe(join(work(), 'node_modules/.bin'));
    expect(checks({ API_URL: 'http://localhost' }).API_URL).toBe('http://localhost');
    expect(checks({ CI: 'false' }).CI).toBe('false');
  });

  it('has programs to run even when Winnow was started without a PATH', () => {
    const env = environments({ PATH: undefined, HOME: undefined }).forChecks({ dir: '/d', project: 'api', extra: {} });
    expect(env.PATH).toBe('/d/node_modules/.bin:/usr/local/bin:/usr/bin:/bin');
    expect(env).not.toHaveProperty('RUSTUP_HOME');
  });
});

describe('what reaches an agent', () => {
  it('is what reaches a check, and the credential of Claude Code alone', () => {
    expect(secretsIn(agent())).toEqual(['ANTHROPIC_API_KEY']);
    const more = Object.keys(agent()).filter((name) => !(name in checks()));
    expect(more.sort()).toEqual(['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'HTTPS_PROXY']);
  });

  it('has a home that no check and no other session has, whatever they are called', () => {
    const homes = ['alpha', 'beta', 'checks-api'].map(
      (session) => environments().forAgent({ dir: work(), session, shims: undefined, extra: {} }).HOME,
    );
    homes.push(
      ...['api', 'checks', 'alpha'].map(
        (project) => environments().forChecks({ dir: work(), project, extra: {} }).HOME,
      ),
    );
    expect(new Set([...homes, owner]).size).toBe(7);
    const tmp = [agent().TMPDIR, checks().TMPDIR];
    expect(new Set(tmp).size).toBe(2);
  });

  it('finds the shims before everything else, also when its own PATH was configured', () => {
    expect(agent({}, '/shims').PATH?.split(':').slice(0, 2)).toEqual(['/shims', join(work(), 'node_modules/.bin')]);
    expect(agent({ PATH: '/opt/bin' }, '/shims').PATH).toBe('/shims:/opt/bin');
    expect(agent({}, '/shims').npm_config_script_shell).toBe('/shims/winnow-shell');
    expect(agent()).not.toHaveProperty('npm_config_script_shell');
  });

  it('has what the owner configured for it, before what Winnow was started with', () => {
    expect(agent({ ANTHROPIC_API_KEY: 'of-this-session' }).ANTHROPIC_API_KEY).toBe('of-this-session');
  });
});

describe('what reaches the install command', () => {
  it('is the owner’s own environment, for private registries, without the credential of Claude Code', () => {
    const env = environments().forInstall({ EXTRA: 'x' });
    expect(env).toMatchObject({
      NPM_TOKEN: 'npm-secret',
      HOME: owner,
      CI: '1',
      EXTRA: 'x',
      HTTPS_PROXY: 'http://proxy:8080',
    });
    expect(Object.keys(env).filter((name) => /^(ANTHROPIC|CLAUDE)/.test(name))).toEqual([]);
    expect(Object.values(environments({ NOTHING: undefined }).forInstall({}))).not.toContain(undefined);
  });
});

describe('what reaches the install command behind a wall', () => {
  it('is what a check gets, with the registry and the proxy, and a token only where the project names it', () => {
    const parent = {
      npm_config_registry: 'https://registry.invalid/',
      'npm_config_//registry.invalid/:_authToken': 't',
    };
    const env = environments(parent).forInstall({ EXTRA: 'x' }, true);
    expect(env).toMatchObject({
      ...{ npm_config_registry: 'https://registry.invalid/', HTTPS_PROXY: 'http://proxy:8080' },
      ...{ CI: '1', EXTRA: 'x', HOME: join(root, 'homes/install.all'), GIT_TERMINAL_PROMPT: '0' },
    });
    const values = Object.values(env);
    for (const secret of [...Object.values(CREDENTIALS), ...Object.values(CLAUDE), 't'])
      expect(values).not.toContain(secret);
    expect(environments(parent).forInstall({ NPM_TOKEN: 'named' }, true).NPM_TOKEN).toBe('named');
  });

  it('names no place of the owner’s, as npm does for whatever it starts', () => {
    const ofNpm = {
      ...{ npm_config_cache: '/home/mia/.npm', npm_config_prefix: '/usr', npm_config_local_prefix: '/srv/app' },
      ...{ npm_config_userconfig: '/home/mia/.npmrc', npm_config_globalconfig: '/etc/npmrc', npm_config_tmp: '/tmp/x' },
    };
    const env = environments({ ...ofNpm, npm_config_cafile: '/etc/ca.pem' }).forInstall({}, true);
    expect(Object.keys(env).filter((name) => name in ofNpm)).toEqual([]);
    expect(env.npm_config_cafile).toBe('/etc/ca.pem');
    expect(environments(ofNpm).forInstall({ npm_config_cache: '/named' }, true).npm_config_cache).toBe('/named');
    expect(environments(ofNpm).forInstall({})).toMatchObject(ofNpm);
  });
});

describe('hasAgentCredential', () => {
  const without = { ANTHROPIC_API_KEY: undefined };
  it.each<[what: string, parent: Record<string, string | undefined>, has: boolean]>([
    ['an API key', {}, true],
    ['nothing', without, false],
    ['an empty key', { ANTHROPIC_API_KEY: '' }, false],
    ['a token of `claude setup-token`', { ...without, CLAUDE_CODE_OAUTH_TOKEN: 't' }, true],
    ['another service', { ...without, CLAUDE_CODE_USE_BEDROCK: '1' }, true],
  ])('with %s', (_, parent, has) => {
    expect(environments(parent).hasAgentCredential).toBe(has);
  });
});
