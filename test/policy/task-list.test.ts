import { describe, expect, it } from 'vitest';
import { renderProblem } from '../../src/base/file-problem.ts';
import { parseTaskList } from '../../src/policy/task-list.ts';

const tasks = (text: string, file: string) => {
  const read = parseTaskList(text, file);
  if (!read.ok) throw new Error(read.error.map(renderProblem).join('\n'));
  return read.value;
};
const problems = (text: string, file: string): string[] => {
  const read = parseTaskList(text, file);
  return read.ok ? [] : read.error.map(renderProblem);
};

describe('a list in Markdown', () => {
  const list = `# Next week

Some words about it. (high) does not count here.

- [ ] Mend the parser
  for empty lines
  - nested detail
- [x] already done
  - [ ] its detail
- (high) Add a test
* (Urgent)   Stop the leak

1. First

   with a paragraph
2. (important) not a priority
`;

  it('gives a task for each open item at the top, with its line and priority', () => {
    expect(tasks(list, 'todo.md')).toEqual([
      { text: 'Mend the parser\nfor empty lines\n- nested detail', priority: 'normal', line: 5 },
      { text: 'Add a test', priority: 'high', line: 10 },
      { text: 'Stop the leak', priority: 'urgent', line: 11 },
      { text: 'First\n\nwith a paragraph', priority: 'normal', line: 13 },
      { text: '(important) not a priority', priority: 'normal', line: 16 },
    ]);
  });

  it('has the same lines with CRLF and a byte order mark', () => {
    expect(tasks(`\ufeff${list.replaceAll('\n', '\r\n')}`, 'todo.md').map(({ line }) => line)).toEqual([
      5, 10, 11, 13, 16,
    ]);
  });

  it('keeps code and links as they were written', () => {
    expect(tasks('- fix `a<b>` in [x](y.md) & **more**\n', 'x.md')[0]?.text).toBe('fix `a<b>` in [x](y.md) & **more**');
  });

  it('names empty and oversized items, all at once', () => {
    expect(problems(`- ok\n- \n- ${'x'.repeat(20_001)}\n`, 'x.md')).toEqual([
      'x.md:2  found an empty item, expected text',
      'x.md:3  found 20,001 characters, expected text of at most 20,000 characters',
    ]);
  });

  it('nested a hundred thousand deep ends', () => {
    expect(parseTaskList('- '.repeat(100_000), 'x.md')).toBeDefined();
    expect(
      parseTaskList(Array.from({ length: 400 }, (_, n) => `${' '.repeat(n * 2)}- a`).join('\n'), 'x.md'),
    ).toBeDefined();
  });
});

describe('a list in JSON', () => {
  it('gives a task for each text or object', () => {
    expect(
      tasks(
        '[\n  "one",\n  { "text": " two ", "project": "api", "session": "alpha",\n    "priority": "low" },\n  "[3], \\"x\\""\n]',
        'x.json',
      ),
    ).toEqual([
      { text: 'one', priority: 'normal', line: 2 },
      { text: 'two', project: 'api', session: 'alpha', priority: 'low', line: 3 },
      { text: '[3], "x"', priority: 'normal', line: 5 },
    ]);
  });

  it('names all mistakes at once, each with its line', () => {
    expect(
      problems(
        '[\n "",\n {"text": 1},\n {"txet": "x", "text": "y"},\n {"text": "z", "priority": "hgih"},\n 7, null,\n ["a"]\n]',
        'x.json',
      ),
    ).toEqual([
      'x.json:2  [0].text: found "", expected text',
      'x.json:3  [1].text: found 1, expected text',
      'x.json:4  [2].txet: found an unknown key, expected one of text, project, session, priority; did you mean "text"?',
      'x.json:5  [3].priority: found "hgih", expected one of urgent, high, normal, low; did you mean "high"?',
      'x.json:6  [4]: found 7, expected text or an object',
      'x.json:6  [5]: found null, expected text or an object',
      'x.json:7  [6]: found a list, expected text or an object',
    ]);
  });

  it.each([
    ['broken', '[\n "a",\n b]', /^x\.json:3 {2}found invalid JSON/],
    ['cut short', '[ "a",', /^x\.json:1 {2}found invalid JSON/],
    ['an object', '{"a": 1}', /^x\.json:1 {2}found an object, expected an array/],
    ['null', 'null', /found null/],
    ['empty', '[]', /^x\.json {2}found no open task/],
    ['nested without end', `[${'['.repeat(100_000)}`, /found invalid JSON/],
    ['deep but closed', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, /expected text or an object/],
  ])('that is %s is a problem', (_, text, expected) => {
    expect(problems(text, 'x.json').join('\n')).toMatch(expected);
  });

  it('with __proto__ changes no prototype', () => {
    problems('[{"text": "a", "__proto__": {"polluted": 1}}]', 'x.json');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('any list', () => {
  it('of another name is taken for what it is', () => {
    expect(tasks('["a"]', '-')).toHaveLength(1);
    expect(tasks('- a\n- b\n', '-')).toHaveLength(2);
    expect(tasks('[link](x)\n\n- a\n', 'tasks.txt')).toHaveLength(1);
  });

  it('may hold a thousand tasks and not one more', () => {
    const many = (count: number) => JSON.stringify(Array.from({ length: count }, (_, n) => `task ${n}`));
    expect(tasks(many(1_000), 'x.json')).toHaveLength(1_000);
    expect(problems(many(1_001), 'x.json')).toEqual(['x.json  found 1,001 tasks, expected at most 1,000']);
  });

  it('without a task or beyond all size is a problem', () => {
    expect(problems('', 'x.md')[0]).toContain('found no open task');
    expect(problems('Just text.\n\n- [x] done\n', 'x.md')[0]).toContain('found no open task');
    expect(problems('x'.repeat(4_000_001), 'x.md')[0]).toContain('found 4,000,001 characters');
  });
});
