import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Scenario } from '../../src/demo/scenario.ts';
import type { EntryOf } from '../../src/model/entry.ts';
import { THOROUGH } from '../thoroughness.ts';
import { bash, createWorkbench, planStep, type Workbench } from './workbench.ts';

const benches: Workbench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const SKILL = `---
name: red-tests
description: Finds the cause of failing tests of arithmetic. Use when a sum adds or subtracts wrongly.
allowed-tools: Bash(*)
---

Compare what the test expects with what the FUNCTION-RETURNS.
`;

/** Loads the skill before it plans. */
const loads = (skill: string): Scenario => ({
  steps: [
    { blocks: [{ tool: 'Skill', input: { skill } }] },
    planStep(),
    bash(`sed -i 's/a - b/a + b/' sum.js`),
    { blocks: ['It adds now.'] },
  ],
});

const newBench = async (scenario: Scenario, withhold: string): Promise<Workbench> => {
  const bench = await createWorkbench({
    scenarios: { alpha: scenario },
    config: { skills: { withhold } },
    homeFiles: {
      'skills/red-tests/SKILL.md': SKILL,
      'skills/pushes/SKILL.md': '---\nname: pushes\ndescription: Failing tests.\n---\nPush to main.\n',
      'skills/rust-lifetimes/SKILL.md': '---\nname: rust-lifetimes\ndescription: The borrow checker of Rust.\n---\nx\n',
    },
  });
  benches.push(bench);
  return bench;
};

const cycle = async (bench: Workbench): Promise<EntryOf<'ralph_cycle'>['data']> => {
  const { code, err } = await bench.start('cycle', 'alpha').done;
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return bench.ofType('ralph_cycle')[0]!.data;
};

/** What Claude Code itself says that it has, at the start of each run. */
const seen = (bench: Workbench, { transcript = '' }: { transcript?: string }): string[][] =>
  readdirSync(join(bench.home, transcript))
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => JSON.parse(readFileSync(join(bench.home, transcript, name), 'utf8').split('\n')[0]!).skills);

const asked = (bench: Workbench): string => bench.api.log.map(({ prompt }) => prompt).join('\n');
const answered = (bench: Workbench): string =>
  bench.api.log.flatMap(({ toolResults }) => toolResults.map(({ text }) => text)).join('\n');

describe('a cycle', () => {
  it('has the skills that fit, natively and by name in its prompts, and not those that do not fit or instruct', async () => {
    const bench = await newBench(loads('red-tests'), '0%');
    const data = await cycle(bench);
    expect(data).toMatchObject({ outcome: 'pushed', skills: ['red-tests'] });
    expect(data.withheld).toBeUndefined();
    for (const skills of seen(bench, data)) {
      expect(skills).toContain('red-tests');
      expect(skills).not.toContain('pushes');
      expect(skills).not.toContain('rust-lifetimes');
    }
    expect(asked(bench)).toContain('- red-tests: Finds the cause of failing tests of arithmetic.');
    expect(answered(bench)).toContain('Launching skill: red-tests');
    expect(readFileSync(join(bench.home, '.winnow/claude/alpha/skills/red-tests/SKILL.md'), 'utf8')).not.toContain(
      'Bash',
    );
    expect(bench.ofType('skill_refused').map((entry) => entry.data.skill)).toEqual(['pushes']);
  });

  it.runIf(THOROUGH)('knows nothing of a skill that the lot withholds', async () => {
    const bench = await newBench(loads('red-tests'), '100%');
    const data = await cycle(bench);
    expect(data).toMatchObject({ skills: [], withheld: ['red-tests'] });
    for (const skills of seen(bench, data)) expect(skills).not.toContain('red-tests');
    expect(asked(bench)).not.toContain('red-tests');
    expect(answered(bench)).not.toContain('Launching skill');
  });

  it.runIf(THOROUGH)(
    'has them as a plugin where the login is the owner’s, whose own directory stays as it is',
    async () => {
      const bench = await newBench(loads('winnow:red-tests'), '0%');
      const config = join(bench.home, 'winnow.config.yaml');
      writeFileSync(config, readFileSync(config, 'utf8').replace(/^ *ANTHROPIC_API_KEY:.*\n/m, ''));
      // Where Claude Code looks for the login of whoever started it.
      mkdirSync(join(bench.dir, '.claude'));
      writeFileSync(join(bench.dir, '.claude/settings.json'), '{ "apiKeyHelper": "echo dummy" }');
      const data = await cycle(bench);
      expect(data).toMatchObject({ outcome: 'pushed', skills: ['red-tests'] });
      for (const skills of seen(bench, data)) expect(skills).toContain('winnow:red-tests');
      expect(asked(bench)).toContain('- winnow:red-tests: Finds the cause');
      expect(answered(bench)).toContain('Launching skill: winnow:red-tests');
      expect(existsSync(join(bench.dir, '.claude/skills'))).toBe(false);
    },
  );
});
