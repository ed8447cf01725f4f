import { describe, expect, it } from 'vitest';
import {
  BranchName,
  ByteSize,
  ClockTime,
  CronExpression,
  Duration,
  Glob,
  InnerPath,
  KeptFor,
  Percent,
  RepoAddress,
  TimeZone,
} from '../../src/model/units.ts';

type Schema = { safeParse(value: unknown): { success: boolean; data?: unknown } };
type Row = [Schema, string, unknown];

const parsed = (schema: Schema, value: unknown) => {
  const result = schema.safeParse(value);
  return result.success ? result.data : 'refused';
};

describe('values of the configuration', () => {
  it.each<Row>([
    [Duration, '30s', 30_000],
    [Duration, '1.5h', 5_400_000],
    [Duration, '250ms', 250],
    [Duration, '30d', 2_592_000_000],
    [Duration, '31d', 'refused'],
    [Duration, '0s', 'refused'],
    [Duration, '1h 30m', 'refused'],
    [Duration, '-5m', 'refused'],
    [Duration, '15', 'refused'],
    [Duration, `${'9'.repeat(400)}s`, 'refused'],
    [KeptFor, '30d', 30 * 86_400_000],
    [KeptFor, '1y', 31_557_600_000],
    [KeptFor, 'forever', Number.POSITIVE_INFINITY],
    [KeptFor, '30m', 'refused'],
    [KeptFor, '0d', 'refused'],
    [KeptFor, '100y', 'refused'],
    [KeptFor, 'never', 'refused'],
    [ByteSize, '2GB', 2 * 1024 ** 3],
    [ByteSize, '500 mb', 500 * 1024 ** 2],
    [ByteSize, '2', 'refused'],
    [Percent, '85%', 0.85],
    [Percent, '100 %', 1],
    [Percent, '101%', 'refused'],
    [Percent, '0.85', 'refused'],
    [CronExpression, '30 */3 * * 1-5', '30 */3 * * 1-5'],
    [CronExpression, '* * * * * *', 'refused'],
    [CronExpression, '2030-01-01T00:00:00', 'refused'],
    [ClockTime, '22:05', 1325],
    [ClockTime, '24:00', 'refused'],
    [ClockTime, '7:00', 'refused'],
    [ClockTime, '', 'refused'],
    [TimeZone, 'Europe/Berlin', 'Europe/Berlin'],
    [TimeZone, 'UTC', 'UTC'],
    [TimeZone, 'Berlin', 'refused'],
    [TimeZone, '', 'refused'],
    [BranchName, 'main', 'main'],
    [BranchName, 'release/1.x', 'release/1.x'],
    [BranchName, '日本', '日本'],
    ...[
      '',
      '@',
      'HEAD',
      '-x',
      '/a',
      'a/',
      'a//b',
      'a..b',
      'a.lock',
      '.a',
      'a/.b',
      'a b',
      'a~1',
      'a^',
      'a:b',
      'a?',
      'a*',
      'a[',
      'a\\b',
      'a@{1}',
      'a.',
      'a\n',
    ].map((name) => [BranchName, name, 'refused'] as Row),
    [Glob, 'src/**/*.{ts,tsx}', 'src/**/*.{ts,tsx}'],
    ...['', '/src', '!src', 'a/../b', 'a\\b', '[a', 'a]'].map((glob) => [Glob, glob, 'refused'] as Row),
    [InnerPath, 'docs/a b.md', 'docs/a b.md'],
    ...['', '/etc/passwd', '~/x', '../x', 'a/../../x', 'a\0b'].map((path) => [InnerPath, path, 'refused'] as Row),
    ...['.', '../api', '/srv/api', 'https://example.com/a.git', 'git@example.com:a/b.git', 'file:///srv/a'].map(
      (repo) => [RepoAddress, repo, repo] as Row,
    ),
    ...['', ' ', '-x', '--upload-pack=x', 'ext::sh -c id', 'a\nb'].map((repo) => [RepoAddress, repo, 'refused'] as Row),
  ])('%# are read or refused', (schema, value, expected) => {
    expect([value, parsed(schema, value)]).toEqual([value, expected]);
  });
});
