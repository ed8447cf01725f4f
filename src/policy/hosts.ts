import type { AgentConfig } from '../model/config.ts';

/**
 * What may be reached through the wall: which hosts a session and an installation are let to, and whether something
 * that is asked for is one of them. Names are compared as URLs write them, in which an address has one form only.
 */
export interface ListedHost {
  /** `*.example.com` stands for every name below it, and not for itself. */
  name: string;
  /** Undefined: those of http and https. */
  port: number | undefined;
  /** May lie on this machine or in a private network: whoever keeps the machine has named it, not a repository. */
  near: boolean;
}

export interface Target {
  host: string;
  port: number;
}

/** The owner's own proxy, as the environment names it, through which the listed hosts are reached. */
export type Upstream = Partial<Record<'HTTPS_PROXY' | 'HTTP_PROXY' | 'NO_PROXY', string>>;

export interface Listed {
  hosts: readonly ListedHost[];
  upstream: Upstream;
}

/** Everything; nothing but itself; or what is listed. */
export type Reach = 'open' | 'none' | Listed;

/** What a session reaches, as it is configured, with the environment that its runs have. */
export const agentReach = (agent: AgentConfig, env: Readonly<Record<string, string | undefined>>): Reach =>
  isListing(agent)
    ? { hosts: [...claudeHosts(env), ...agent.hosts.map((text) => listedHost(text))], upstream: upstreamOf(env) }
    : 'open';

/** Only bubblewrap holds back the network; with it that is what is wanted, unless it is said otherwise. */
export const isListing = ({ sandbox, network }: Pick<AgentConfig, 'sandbox' | 'network'>): boolean =>
  sandbox === 'bwrap' && network !== 'open';

/**
 * What Claude Code's documentation asks firewalls to let through (code.claude.com/docs/en/network-config): the service,
 * and what logins and their renewal take. Where another service is configured it is the only one.
 */
const CLAUDE_HOSTS = ['api.anthropic.com:443', 'claude.ai:443', 'platform.claude.com:443'];

const claudeHosts = (env: Readonly<Record<string, string | undefined>>): ListedHost[] => {
  const own = hostOfUrl(env.ANTHROPIC_BASE_URL ?? '', true);
  return own ? [own] : CLAUDE_HOSTS.map((text) => listedHost(text, false));
};

/** From the form that the configuration allows. */
export const listedHost = (text: string, near = true): ListedHost => {
  const [, name = text, port] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { name: name.toLowerCase(), port: port === undefined ? undefined : Number(port), near };
};

/** The host that a URL leads to; undefined for what is no URL of a web server. */
export const hostOfUrl = (text: string, near: boolean): ListedHost | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const standard = url && STANDARD_PORTS[url.protocol];
  return standard === undefined ? undefined : { name: url!.hostname, port: Number(url!.port || standard), near };
};

const STANDARD_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443, 'git+https:': 443, 'sparse+https:': 443 };

/** `host:port` as CONNECT has it, in the form in which hosts are listed; undefined for anything else. */
export const targetOf = (authority: string): Target | undefined => {
  const port = /^[a-z0-9._-]+:(\d{1,5})$|^\[[0-9a-f:.]+\]:(\d{1,5})$/i.exec(authority);
  const text = `http://${authority}`;
  if (!port || !URL.canParse(text)) return undefined;
  const { hostname } = new URL(text);
  return hostname === '' ? undefined : { host: hostname, port: Number(port[1] ?? port[2]) };
};

export const listedFor = (hosts: readonly ListedHost[], { host, port }: Target): ListedHost | undefined =>
  hosts.find(
    (listed) =>
      (listed.port === port || (listed.port === undefined && (port === HTTP || port === HTTPS))) &&
      (listed.name === host || (listed.name.startsWith('*.') && host.endsWith(listed.name.slice(1)))),
  );

const HTTP = 80;
const HTTPS = 443;

/** This very machine: what is listed there has a door of its own in the room, at the same port. */
export const isLoopback = (name: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(name);

export const upstreamOf = (env: Readonly<Record<string, string | undefined>>): Upstream => {
  const named = (name: keyof Upstream) => {
    const value = env[name] ?? env[name.toLowerCase()];
    return value === undefined || value === '' ? {} : { [name]: value };
  };
  return { ...named('HTTPS_PROXY'), ...named('HTTP_PROXY'), ...named('NO_PROXY') };
};

/** The owner's proxy on the way to a host, if there is one; this machine is never behind it. */
export const proxyTo = (upstream: Upstream, { host }: Target, secure: boolean): URL | undefined => {
  const text = secure ? upstream.HTTPS_PROXY : upstream.HTTP_PROXY;
  if (text === undefined || isLoopback(host)) return undefined;
  const spared = (upstream.NO_PROXY ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const isSpared = spared.some((name) => {
    const plain = name.replace(/^\*?\.?/, '').replace(/:\d+$/, '');
    return name === '*' || host === plain || (plain !== '' && host.endsWith(`.${plain}`));
  });
  const url = isSpared ? undefined : text.includes('://') ? text : `http://${text}`;
  return url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
};
