import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The environments of what Winnow starts, by allow-list: what is not named here does not reach an agent or a check.
 * Both get a home directory of their own, so that the owner's keys, tokens and git credentials are not in reach of
 * a program that merely looks in the usual places.
 */
export interface Environments {
  /** For checks: untrusted code of the repository. */
  forChecks(input: { dir: string; project: string; extra: Record<string, string> }): Record<string, string>;
  /** For agents: as for checks, with Claude Code's own credential. */
  forAgent(input: {
    dir: string;
    session: string;
    shims: string | undefined;
    extra: Record<string, string>;
  }): Record<string, string>;
  /**
   * For the install command, which the owner wrote: the owner's own environment. Behind a wall as for checks, with what
   * package managers and proxies are told, since what it installs runs scripts that the owner did not write.
   */
  forInstall(extra: Record<string, string>, walled?: boolean): Record<string, string>;
  /** True when the environment holds a credential for Claude Code, so that no stored login is needed. */
  hasAgentCredential: boolean;
}

/** Harmless, and needed to find programs and to print text. */
const ALLOWED = [
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'USER',
  'LOGNAME',
  'SHELL',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/**
 * Where tool chains live; with a private HOME they must be told. The second is the place under the owner's home.
 * Not CARGO_HOME: the owner's registry tokens lie in it, and `cargo publish` would find them.
 */
const TOOL_CHAINS: [name: string, under: string][] = [
  ['RUSTUP_HOME', '.rustup'],
  ['GOPATH', 'go'],
  ['NVM_DIR', '.nvm'],
  ['VOLTA_HOME', '.volta'],
  ['PYENV_ROOT', '.pyenv'],
  ['PNPM_HOME', '.local/share/pnpm'],
  ['COREPACK_HOME', '.cache/node/corepack'],
];

/** What Claude Code itself needs to reach its service. */
const AGENT_ALLOWED = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'ANTHROPIC_BASE_URL',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
];
const AGENT_CREDENTIALS = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
];

/** Git must neither ask a person nor find the owner's credentials, keys or hooks. */
const GIT_WITHOUT_CREDENTIALS = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  SSH_ASKPASS: '/bin/false',
  GIT_SSH_COMMAND: '/bin/false',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

export const createEnvironments = (input: {
  /** The environment Winnow was started with, with the home's .env below it. */
  parent: Readonly<Record<string, string | undefined>>;
  /** Directory for the private homes. */
  homesDir: string;
  tmpDir: string;
}): Environments => {
  const { parent, homesDir, tmpDir } = input;
  const picked = pick(parent, ALLOWED);
  const toolChains = toolChainsOf(parent);
  const base = (dir: string, who: string): Record<string, string> => {
    const home = join(homesDir, who);
    const tmp = join(tmpDir, who);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    mkdirSync(tmp, { recursive: true, mode: 0o700 });
    return {
      ...picked,
      ...toolChains,
      ...GIT_WITHOUT_CREDENTIALS,
      HOME: home,
      TMPDIR: tmp,
      PATH: [
        ...(dir === '' ? [] : [join(dir, 'node_modules/.bin')]),
        parent.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      ].join(':'),
      NO_COLOR: '1',
      NO_UPDATE_NOTIFIER: '1',
      npm_config_update_notifier: 'false',
    };
  };
  return {
    // CI=1 keeps test runners from watching, and makes a forgotten `.only` an error. No session has a dot in its name:
    // what an agent leaves in its home must not configure the programs that judge its work. And a checkout is no
    // repository: git in it must not find one of the owner's around the home.
    forChecks: ({ dir, project, extra }) => ({
      ...base(dir, `checks.${project}`),
      CI: '1',
      GIT_CEILING_DIRECTORIES: dirname(dir),
      ...extra,
    }),
    forAgent: ({ dir, session, shims, extra }) => {
      const env = { ...base(dir, session), ...pick(parent, AGENT_ALLOWED), ...extra };
      if (shims === undefined) return env;
      return { ...env, PATH: `${shims}:${env.PATH}`, npm_config_script_shell: join(shims, 'winnow-shell') };
    },
    forInstall: (extra, walled = false) => ({
      ...(walled
        ? { ...base('', 'install.all'), ...pickAs(parent, INSTALL_ALLOWED, (name) => !OWNERS_PLACE.test(name)) }
        : ownersOf(parent)),
      CI: '1',
      ...extra,
    }),
    hasAgentCredential: AGENT_CREDENTIALS.some((name) => (parent[name] ?? '') !== ''),
  };
};

/** The registry and the mirrors of a company; not a token, which the project's `env` names if the installation needs it. */
const INSTALL_ALLOWED = /^(npm_config_(?!.*(token|auth|password))\w+|(HTTPS?|NO)_PROXY|PIP_INDEX_URL)$/i;

/**
 * Where npm keeps what is the owner's own, which is not there behind a wall. Whoever starts Winnow by npm or npx has
 * them in the environment without having set them.
 */
const OWNERS_PLACE =
  /^npm_config_(?:(?:local_|global_)?prefix|cache|userconfig|globalconfig|init_module|node_gyp|tmp|logs_dir|(?:store|virtual_store|global|global_bin)_dir)$/i;

const ownersOf = (parent: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  pickAs(parent, /./, (name) => !isAgentName(name));

const pickAs = (
  parent: Readonly<Record<string, string | undefined>>,
  form: RegExp,
  also: (name: string) => boolean = () => true,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parent).filter(([name, value]) => value !== undefined && form.test(name) && also(name)),
  ) as Record<string, string>;

const isAgentName = (name: string): boolean => AGENT_ALLOWED.includes(name) && !name.endsWith('_PROXY');

const pick = (env: Readonly<Record<string, string | undefined>>, names: string[]): Record<string, string> => {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== '') picked[name] = value;
  }
  return picked;
};

/** Where the tool chains lie that programs are told of, and the certificates. */
export const toolChainPlaces = (parent: Readonly<Record<string, string | undefined>>): string[] => [
  ...Object.values(toolChainsOf(parent)),
  ...Object.values(pick(parent, ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'])),
];

const toolChainsOf = (parent: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const [name, under] of TOOL_CHAINS) {
    const place = parent[name] ?? (parent.HOME ? join(parent.HOME, under) : undefined);
    if (place !== undefined && existsSync(place)) found[name] = place;
  }
  return found;
};
