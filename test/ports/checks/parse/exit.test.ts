import { describe, expect, it } from 'vitest';
import { compareReports } from '../../../../src/policy/compare.ts';
import { CHECKOUT, lines, parse } from './outputs.ts';

describe('the parser that knows only the exit code', () => {
  it('finds nothing in a green exit, whatever was printed', () => {
    expect(parse('exit', 'error error error')).toEqual({ complete: true, problems: [], tests: [] });
  });

  it('shows the last lines of a red exit', () => {
    const stdout = Array.from({ length: 50 }, (_, i) => `line ${i}`).join('\n');
    const parsed = parse('exit', stdout, { exitCode: 3 });
    expect(parsed.complete && parsed.problems).toEqual([
      {
        id: 'exit',
        file: '',
        code: 'exit-3',
        message: Array.from({ length: 10 }, (_, i) => `line ${40 + i}`).join('\n'),
      },
    ]);
    const loud = parse('exit', 'out', { stderr: `\u001b[31mno ${CHECKOUT}/src/x\u001b[0m\n\n`, exitCode: 1 });
    expect(loud.complete && loud.problems[0]?.message).toBe('no src/x');
    const silent = parse('exit', '', { exitCode: 9 });
    expect(silent.complete && silent.problems[0]?.message).toBe('The command ended with exit code 9.');
  });

  it('calls red after red the same, however different the output and the code', () => {
    const tree = (stdout: string, exitCode: number) => {
      const parsed = parse('exit', stdout, { exitCode });
      if (!parsed.complete) throw new Error(parsed.reason);
      const { problems, tests } = parsed;
      const green = exitCode === 0;
      return {
        tree: 't',
        checks: [{ state: 'evaluated' as const, check: 'make', green, exitCode, problems, tests, durationMs: 1 }],
      };
    };
    expect(compareReports(tree('took 3 s', 1), tree('took 4 s\n#2', 2)).verdict).toBe('same');
    expect(compareReports(tree('', 0), tree('', 2)).verdict).toBe('worse');
    expect(compareReports(tree('', 2), tree('', 0)).verdict).toBe('better');
  });

  it('cuts a line of fifty megabytes', () => {
    const parsed = parse('exit', 'x'.repeat(50_000_000), { exitCode: 1 });
    expect(lines(parsed)).toEqual(['problem exit']);
    expect(parsed.complete && parsed.problems[0]?.message.length).toBeLessThan(1000);
  });
});
