import { describe, expect, it } from 'vitest';
import {
  managersOf,
  registriesIn,
  registriesOf,
  registriesSaid,
  tellsRegistries,
} from '../../src/policy/registries.ts';

const named = (path: string, text: string): string[] =>
  registriesIn([{ path, text }]).map(({ name, port, near }) => {
    expect(near).toBe(false);
    return `${name}:${port}`;
  });

describe('what a project fetches from', () => {
  it.each<[path: string, text: string, hosts: string[]]>([
    [
      'package-lock.json',
      `{ "packages": { "node_modules/a": { "resolved": "https://npm.corp.example/a/-/a-1.tgz", "funding": { "url": "https://fund.example" } },
         "node_modules/b": { "resolved": "git+https://git.example/b.git#abc" }, "node_modules/c": { "resolved": "../c", "link": true } } }`,
      ['npm.corp.example:443', 'git.example:443'],
    ],
    ['web/npm-shrinkwrap.json', '{ "resolved": "http://plain.example:8080/x.tgz" }', ['plain.example:8080']],
    [
      'pnpm-lock.yaml',
      "  resolution: {integrity: sha512-x, tarball: https://tar.example/x.tgz}\n  tarball: 'https://two.example/y'",
      ['tar.example:443', 'two.example:443'],
    ],
    ['yarn.lock', 'a@1:\n  version "1.0.0"\n  resolved "https://yarn.example/a.tgz#hash"\n', ['yarn.example:443']],
    [
      '.npmrc',
      'registry=https://one.example/\n@corp:registry = https://two.example:8443/npm/\n//two.example/:_authToken=x\n',
      ['one.example:443', 'two.example:8443'],
    ],
    ['.yarnrc.yml', 'npmRegistryServer: "https://berry.example"\n', ['berry.example:443']],
    ['package.json', '{ "homepage": "https://example.com" }', []],
    ['uv.lock', 'wheels = [{ url = "https://files.example/x.whl", hash = "sha256:x" }]', ['files.example:443']],
    ['requirements-dev.txt', '--extra-index-url https://pip.example/simple\n-r base.txt\nflask\n', ['pip.example:443']],
    ['go.sum', '', []],
    ['Gemfile.lock', 'GEM\n  remote: https://gems.example/\n', ['gems.example:443']],
    ['src/main.ts', 'fetch("https://evil.example")', []],
    ['node_modules/a/package-lock.json', '{ "resolved": "https://evil.example/x" }', []],
  ])('is told by %s', (path, text, hosts) => {
    expect(named(path, text)).toEqual(hosts);
    expect(tellsRegistries(path)).toBe(!path.startsWith('src/') && !path.startsWith('node_modules/'));
  });

  it('is asked of the package managers whose files there are', () => {
    expect(managersOf(['package.json', 'web/package-lock.json', 'README.md'])).toEqual(['npm']);
    expect(managersOf(['yarn.lock', 'tools/requirements.txt', 'go.mod'])).toEqual(['npm', 'yarn', 'pip', 'go']);
    expect(managersOf(['node_modules/a/package.json', 'Cargo.lock', ''])).toEqual([]);
  });

  it.each<[answer: string, hosts: string[]]>([
    ['https://npm.example/\n', ['npm.example:443']],
    [
      'https://go.example,https://two.example|direct\nsum.example\n',
      ['go.example:443', 'two.example:443', 'sum.example:443'],
    ],
    ['*** CURRENT SOURCES ***\n\nhttps://gems.example/\n', ['gems.example:443']],
    ['http://127.0.0.1:4873/', ['127.0.0.1:4873']],
    ['off\noff\n', []],
    ['undefined', []],
    ['', []],
  ])('is understood as a package manager answers: %j', (answer, hosts) => {
    expect(registriesSaid(answer).map(({ name, port }) => `${name}:${port}`)).toEqual(hosts);
  });

  it('is told by the environment in the owner’s own words, which may mean a private network', () => {
    const env = {
      ...{
        npm_config_registry: 'http://10.0.0.5:4873/',
        PIP_EXTRA_INDEX_URL: 'https://a.example/x https://b.example/y',
      },
      ...{ GOPROXY: 'https://go.example,direct', HOMEPAGE: 'https://no.example', PATH: '/usr/bin' },
    };
    expect(registriesOf(env)).toEqual([
      { name: '10.0.0.5', port: 4873, near: true },
      { name: 'a.example', port: 443, near: true },
      { name: 'b.example', port: 443, near: true },
      { name: 'go.example', port: 443, near: true },
    ]);
  });
});
