import { describe, expect, it } from 'vitest';
import { AgentConfig } from '../../src/model/config.ts';
import { HostName } from '../../src/model/units.ts';
import {
  agentReach,
  hostOfUrl,
  isListing,
  type ListedHost,
  listedFor,
  listedHost,
  proxyTo,
  targetOf,
  upstreamOf,
} from '../../src/policy/hosts.ts';

describe('a host in the configuration', () => {
  it.each([
    'registry.example.com',
    '*.example.com',
    'Localhost:4873',
    '127.0.0.1:8080',
    '[::1]:8080',
    'xn--bcher-kva.example',
    'a_b.example.com',
  ])('may be %s', (text) => expect(HostName.safeParse(text).success).toBe(true));

  it.each([
    '',
    '*',
    '*.com',
    '*.127.0.0.1',
    'https://example.com',
    'example.com/path',
    'user@example.com',
    'example.com:0',
    'example.com:70000',
    'example.com:',
    // Addresses that URLs write otherwise would never be met.
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '[0:0:0:0:0:0:0:1]',
    'bücher.example',
    'a b',
    `${'a'.repeat(300)}.com`,
  ])('cannot be %j', (text) => expect(HostName.safeParse(text).success).toBe(false));
});

describe('what is asked for', () => {
  it.each<[authority: string, found: string | undefined]>([
    ['example.com:443', 'example.com 443'],
    ['EXAMPLE.com:443', 'example.com 443'],
    ['127.1:80', '127.0.0.1 80'],
    ['0x7f000001:80', '127.0.0.1 80'],
    ['2130706433:80', '127.0.0.1 80'],
    ['017700000001:80', '127.0.0.1 80'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1] 80'],
    ['[::ffff:127.0.0.1]:80', '[::ffff:7f00:1] 80'],
    ['example.com', undefined],
    ['example.com:', undefined],
    ['example.com:443:443', undefined],
    ['user@example.com:443', undefined],
    ['example.com:443/path', undefined],
    ['example.com#@evil.example:443', undefined],
    ['evil.example\\@example.com:443', undefined],
    ['%65xample.com:443', undefined],
    [' example.com:443', undefined],
    ['', undefined],
  ])('%j is %j', (authority, found) => {
    const target = targetOf(authority);
    expect(target && `${target.host} ${target.port}`).toBe(found);
  });
});

describe('a list', () => {
  const hosts = ['example.com', '*.wide.example', 'one.example:8443', '127.0.0.1:4873'].map((text) => listedHost(text));

  it.each<[authority: string, isListed: boolean]>([
    ['example.com:443', true],
    ['example.com:80', true],
    ['example.com:22', false],
    ['a.example.com:443', false],
    ['example.com.evil.example:443', false],
    ['example.com.:443', false],
    ['a.wide.example:443', true],
    ['a.b.wide.example:443', true],
    ['wide.example:443', false],
    ['notwide.example:443', false],
    ['one.example:8443', true],
    ['one.example:443', false],
    ['127.0.0.1:4873', true],
    ['127.0.0.1:80', false],
    ['localhost:4873', false],
  ])('lets %s through: %s', (authority, isListed) => {
    expect(listedFor(hosts, targetOf(authority)!) !== undefined).toBe(isListed);
  });
});

const agent = (over: Record<string, unknown>) => AgentConfig.parse({ sandbox: 'bwrap', ...over });
const namesOf = (reach: ReturnType<typeof agentReach>): string[] =>
  typeof reach === 'string' ? [reach] : reach.hosts.map(({ name, port }: ListedHost) => `${name}:${port}`);

describe('what a session reaches', () => {
  it('is the service of Claude Code and its logins, and what is named beside it', () => {
    expect(namesOf(agentReach(agent({ hosts: ['docs.example.com'] }), {}))).toEqual([
      ...['api.anthropic.com:443', 'claude.ai:443', 'platform.claude.com:443'],
      'docs.example.com:undefined',
    ]);
  });

  it('is another service alone where one is configured, also on this machine', () => {
    const reach = agentReach(agent({}), { ANTHROPIC_BASE_URL: 'http://127.0.0.1:4000/s/alpha' });
    expect(reach).toMatchObject({ hosts: [{ name: '127.0.0.1', port: 4000, near: true }] });
    expect(namesOf(agentReach(agent({}), { ANTHROPIC_BASE_URL: 'https://llm.example.com/v1' }))).toEqual([
      'llm.example.com:443',
    ]);
  });

  it('is everything without the wall of bwrap, and where that is asked for', () => {
    expect(agentReach(agent({ sandbox: 'none' }), {})).toBe('open');
    expect(agentReach(agent({ sandbox: 'user' }), {})).toBe('open');
    expect(agentReach(agent({ network: 'open' }), {})).toBe('open');
    expect(isListing(agent({ network: 'listed' }))).toBe(true);
  });
});

describe('the owner’s own proxy', () => {
  const upstream = upstreamOf({
    ...{ https_proxy: 'http://user:word@proxy.example:3128', HTTP_PROXY: 'proxy.example:8080' },
    NO_PROXY: '.inner.example, other.example:443',
  });

  it.each<[host: string, secure: boolean, by: string | undefined]>([
    ['api.anthropic.com', true, 'http://user:word@proxy.example:3128/'],
    ['api.anthropic.com', false, 'http://proxy.example:8080/'],
    ['a.inner.example', true, undefined],
    ['other.example', true, undefined],
    ['another.example', true, 'http://user:word@proxy.example:3128/'],
    ['127.0.0.1', true, undefined],
    ['localhost', false, undefined],
  ])('is on the way to %s (encrypted: %s): %s', (host, secure, by) => {
    expect(proxyTo(upstream, { host, port: 443 }, secure)?.href).toBe(by);
  });

  it('is nowhere where none is named', () => {
    expect(proxyTo(upstreamOf({}), { host: 'a.example', port: 443 }, true)).toBeUndefined();
    expect(proxyTo({ HTTPS_PROXY: 'http://p.example', NO_PROXY: '*' }, { host: 'a.example', port: 1 }, true)).toBe(
      undefined,
    );
  });
});

describe('the host of a URL', () => {
  it.each<[url: string, host: string | undefined]>([
    ['https://a.example/x', 'a.example:443'],
    ['http://a.example', 'a.example:80'],
    ['git+https://a.example/x.git', 'a.example:443'],
    ['file:///etc/passwd', undefined],
    ['not a url', undefined],
  ])('%s is %s', (url, host) => {
    const found = hostOfUrl(url, false);
    expect(found && `${found.name}:${found.port}`).toBe(host);
  });
});
