import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { renderProblem } from '../../../src/base/file-problem.ts';
import { fillPrompt } from '../../../src/policy/placeholders.ts';
import { loadPrompts, PROMPTS, type PromptName, shippedPromptsDir } from '../../../src/ports/home/prompts.ts';

const homes: string[] = [];
const homeWith = (files: Record<string, string>): string => {
  const home = mkdtempSync(join(tmpdir(), 'winnow-prompts-'));
  homes.push(home);
  mkdirSync(join(home, 'prompts'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, 'prompts', name), text);
  return home;
};
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

const problemsOf = (files: Record<string, string>): string[] => {
  const loaded = loadPrompts(homeWith(files));
  return loaded.ok ? [] : loaded.error.map(renderProblem);
};

describe('prompts', () => {
  it('are the shipped ones where the home has none, and the home’s where it has', () => {
    const loaded = loadPrompts(homeWith({ 'replan.md': 'Not {{title}}: {{reason}}\r\n' }));
    if (!loaded.ok) throw new Error(loaded.error.map(renderProblem).join('\n'));
    expect(fillPrompt(loaded.value.replan, { title: 'A', reason: 'B' })).toBe('Not A: B');
    expect(
      fillPrompt(loaded.value.mend, { iteration: '1', iterations: '3', failures: 'F', findings: 'none' }),
    ).toContain('attempt 1 of 3');
  });

  it('have every fault named at once, with file, line and placeholder', () => {
    expect(
      problemsOf({
        'replan.md': 'One {{titel}}\n{{reason}}\n',
        'system.md': '{{session}} {{project}}\n\n{{ protect }\n',
      }),
    ).toEqual([
      'prompts/replan.md:1  found the unknown placeholder {{titel}}, expected one of {{title}} {{reason}}; did you mean "title"?',
      'prompts/replan.md:2  found no {{title}}, expected it somewhere in the text',
      expect.stringMatching(
        /^prompts\/system\.md:3 {2}found "\{\{ protect \}", which is no placeholder, expected one of/,
      ),
      'prompts/system.md:3  found no {{protect}}, expected it somewhere in the text',
    ]);
  });

  it('whose file names are off by a letter are not silently ignored', () => {
    expect(problemsOf({ 'plna.md': 'x', 'README.md': 'x', 'something-else.md': 'x', '.plan.md.swp': 'x' })).toEqual([
      `prompts/plna.md  found a file that no prompt has for its name, expected one of ${Object.keys(PROMPTS).join(', ')}; did you mean "plan"?`,
    ]);
  });

  it('that are older than a placeholder get it at their end, and keep every other fault', () => {
    const { plan, hack } = PROMPTS;
    const without = (names: readonly string[]) =>
      names.flatMap((name) => (name === 'skills' ? [] : [`{{${name}}}`])).join(' ');
    const loaded = loadPrompts(homeWith({ 'plan.md': without(plan), 'hack.md': `{{skills}} ${without(hack)}` }));
    if (!loaded.ok) throw new Error(loaded.error.map(renderProblem).join('\n'));
    const filled = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, `<${name}>`]));
    expect(fillPrompt(loaded.value.plan, filled(plan) as never)).toMatch(/<branch>\n\nSkills that fit.*:\n<skills>$/);
    expect(fillPrompt(loaded.value.hack, filled(hack) as never)).toMatch(/^<skills> .*<branch>$/);
    expect(problemsOf({ 'plan.md': without(plan).replace('{{tried}}', '') })).toEqual([
      expect.stringContaining('found no {{tried}}'),
    ]);
  });

  it('that are too large are refused', () => {
    expect(problemsOf({ 'plan.md': 'x'.repeat(70_000) })[0]).toContain('found 69 KB, expected a file of at most 64 KB');
  });

  it('that are missing from the package are a problem, not a crash', () => {
    const loaded = loadPrompts(homeWith({}), '/nowhere');
    expect(!loaded.ok && loaded.error).toHaveLength(Object.keys(PROMPTS).length);
  });

  it('as shipped are documented with exactly their placeholders', () => {
    const readme = readFileSync(join(shippedPromptsDir, 'README.md'), 'utf8');
    for (const name of Object.keys(PROMPTS) as PromptName[]) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}.md\``));
      expect(row?.split('|')[3]?.trim()).toBe(PROMPTS[name].join(', '));
    }
  });
});
