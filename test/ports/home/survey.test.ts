import { expect, it } from 'vitest';
import { TELLING_MAX_CHARS } from '../../../src/policy/detect-files.ts';
import { surveyFiles, surveyMachine } from '../../../src/ports/home/survey.ts';

it('a survey reads only the files that tell something, and only their beginnings', async () => {
  const asked: string[] = [];
  const files = await surveyFiles(
    ['package.json', 'src/package.json', 'yarn.lock', 'a.ts', 'gone/Makefile'],
    async (path) => {
      asked.push(path);
      return path === 'yarn.lock' ? 'x'.repeat(TELLING_MAX_CHARS * 3) : '{}';
    },
  );
  expect(asked).toEqual(['package.json', 'yarn.lock']);
  expect(files.get('yarn.lock')).toHaveLength(TELLING_MAX_CHARS);
  expect([...files.keys()]).toContain('a.ts');
});

it('a survey of the machine finds the programs on PATH and survives directories that are not there', () => {
  const machine = surveyMachine({ PATH: `/nowhere:${process.env.PATH}` });
  expect(machine.tools.has('sh')).toBe(true);
  expect(machine.tools.has('no-such-program-at-all')).toBe(false);
  expect(surveyMachine({}).tools.size).toBe(0);
});
