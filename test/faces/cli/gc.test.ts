import { expect, it } from 'vitest';
import { renderCollection, renderPlan } from '../../../src/faces/cli/gc.ts';
import type { Judged } from '../../../src/policy/retention.ts';
import { tags } from './paper.ts';

const judged = (kind: Judged['item']['kind'], name: string, why: string, more: Partial<Judged> = {}): Judged => ({
  item: { kind, name, bytes: 2048, usedMs: 0 },
  goes: true,
  old: true,
  why,
  ...more,
});
const screen = { paint: tags, lineWidth: 100 };

it('shows what goes, what stays and why, and the command that does it', () => {
  const goes = [
    judged('transcripts', 'logs/transcripts/1', 'older than 30d'),
    judged('transcripts', 'logs/transcripts/2', 'older than 30d'),
    judged('workspaces', '.winnow/workspaces/alpha', 'unused for 7d; unsaved work becomes a patch first'),
  ];
  const stays = [judged('branches', 'brl/m\u001b[31mine\nx', 'it is open', { goes: false })];
  expect(renderPlan({ goes, stays, notes: ['the remote does not answer'] }, screen)).toMatchInlineSnapshot(`
    "<yellow>not looked at: the remote does not answer.</yellow>
    WHAT           SIZE  WHY
    2 transcripts  4KB   older than 30d
                         names logs/transcripts/1, logs/transcripts/2
    1 workspace    2KB   unused for 7d; unsaved work becomes a patch first
                         names .winnow/workspaces/alpha

    stays although it has had its time:
    WHAT             SIZE  WHY         NAMES
    1 remote branch  2KB   it is open  brl/mine x

    \`winnow gc --yes\` removes the upper 3, 6KB together"
  `);
});

it('says so when nothing has had its time', () => {
  expect(renderPlan({ goes: [], stays: [], notes: [] }, screen)).toBe('nothing has had its time');
});

it('says what was freed, which patches were made, and what went otherwise', () => {
  const items = [
    { kind: 'transcripts' as const, count: 2, bytes: 4096 },
    { kind: 'workspaces' as const, count: 1, bytes: 3 * 1024 ** 2 },
    { kind: 'commits' as const, count: 1, bytes: 0 },
  ];
  const done = {
    items,
    patches: ['logs/patches/a.patch'],
    kept: [{ name: '.winnow/homes/alpha', why: 'alpha is in a cycle' }],
    failed: [{ name: 'logs/transcripts/a\nb', why: 'it cannot be removed' }],
  };
  expect(renderCollection(done, screen)).toMatchInlineSnapshot(`
    "removed 2 transcripts (4KB), 1 workspace (3MB), 1 kept commit; what nothing else held is kept in 1 patch; 1 could not be removed
      patch  logs/patches/a.patch
      stays  .winnow/homes/alpha: alpha is in a cycle
    <red>  FAILED logs/transcripts/a b: it cannot be removed</red>"
  `);
  expect(renderCollection({ items: [], patches: [], kept: [], failed: [] }, screen)).toBe('nothing was removed');
});
