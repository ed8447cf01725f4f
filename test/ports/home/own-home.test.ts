import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { renderProblem } from '../../../src/base/file-problem.ts';
import { loadHome } from '../../../src/ports/home/load.ts';

it('this repository is itself a valid home', () => {
  const loaded = loadHome(fileURLToPath(new URL('../../..', import.meta.url)), {});
  expect(loaded.ok ? [] : loaded.error.map(renderProblem)).toEqual([]);
  expect(loaded.ok && loaded.value.sessions.map(({ name, project }) => `${project}/${name}`)).toEqual([
    'winnow/fixer',
    'winnow/tester',
    'winnow/tidier',
  ]);
});
