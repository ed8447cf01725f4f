import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bindingsFor, GROUPS } from '../../../src/faces/tui/bindings.ts';
import { TITLES } from '../../../src/faces/tui/screens/screens.ts';
import { SCREENS } from '../../../src/faces/tui/ui.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/tui.md'), 'utf8');

/** The keys of the page as the table of bindings has them: copy what the failed test prints. */
const keymap = (): string =>
  [
    '| keys | `:` name | where | what |',
    '|---|---|---|---|',
    ...GROUPS.flatMap((group) =>
      bindingsFor({ attach: true })
        .filter((binding) => binding.group === group)
        .map(({ keys, name, args, on, help }) => {
          const typed = [name, args].filter(Boolean).join(' ');
          const where = on ? on.map((screen) => TITLES[screen]).join(', ') : 'everywhere';
          return `| ${keys.map((key) => `\`${key}\``).join(' ') || '–'} | \`${typed}\` | ${where} | ${help} |`;
        }),
    ),
  ].join('\n');

describe('the page of the dashboard', () => {
  it('has every key as it is', () => {
    expect(page.match(/\| keys \|[\s\S]*?(?=\n\n)/)?.[0]).toBe(keymap());
  });

  it('speaks of every screen', () => {
    for (const [n, screen] of SCREENS.entries()) expect(page).toContain(`| ${n + 1} ${TITLES[screen]} |`);
  });
});
