import { describe, expect, it } from 'vitest';
import { CHECKOUT, fixture, lines, parse, reasonOf } from './outputs.ts';

const linted = (name: string, ...messages: object[]) => ({ filePath: `${CHECKOUT}/${name}`, messages });
const message = (ruleId: string | null, severity: number, text = 'no', more: object = {}) => ({
  ruleId,
  severity,
  message: text,
  line: 3,
  ...more,
});

describe('the eslint parser', () => {
  it('reads errors and files that do not parse, no warnings', () => {
    const parsed = parse('eslint-json', fixture('eslint-9.json'), { exitCode: 1 });
    expect(lines(parsed)).toEqual([
      "problem src/a.js: no-unused-vars: 'a' is assigned a value but never used.",
      "problem src/a.js: no-unused-vars: 'b' is assigned a value but never used.",
      'problem src/a.js: max-lines: File has too many lines (N). Maximum allowed is N.',
      'problem src/bad.js: parse-error: Parsing error: Unexpected token =',
    ]);
    expect(parsed.complete && parsed.problems[0]).toMatchObject({ file: 'src/a.js', line: 1, code: 'no-unused-vars' });
  });

  it('reads the lists of several runs among what npm prints', () => {
    const one = JSON.stringify([linted('a.js', message('x', 2))]);
    const two = JSON.stringify([linted('b.js', message(null, 2)), linted('c.js', message('y', 1))], null, 2);
    const text = `> lint\n> eslint [a-z] [] .\n\n${one}\n[]\n> lint\n${two}\n`;
    expect(lines(parse('eslint-json', text, { exitCode: 1 }))).toEqual([
      'problem a.js: x: no',
      'problem b.js: eslint: no',
    ]);
  });

  it('is content with an empty list and a green exit, not with brackets in a sentence', () => {
    expect(lines(parse('eslint-json', '[]'))).toEqual([]);
    expect(lines(parse('eslint-json', 'npm notice\n[]\n'))).toEqual([]);
    expect(parse('eslint-json', 'took [] seconds').complete).toBe(false);
  });

  it('is red when only the number of warnings was too high', () => {
    const text = JSON.stringify([linted('a.js', message('x', 1))]);
    expect(lines(parse('eslint-json', text, { exitCode: 1 }))).toEqual(['problem run-failed']);
  });

  it('calls a report that was cut off anywhere incomplete, also after a whole one', () => {
    const text = fixture('eslint-9.json').trimEnd();
    for (let length = 0; length < text.length; length += 13) {
      expect(parse('eslint-json', text.slice(0, length), { exitCode: 1 }).complete).toBe(false);
    }
    expect(reasonOf(parse('eslint-json', `${text}\n${text.slice(0, -5)}`, { exitCode: 1 }))).toContain('cut off');
  });

  it.each([
    ['', '', 'the output is empty'],
    ['', 'Oops! Something went wrong! :(\n\nNo files matching the pattern', 'No files matching the pattern'],
    ['[{"filePath":1,"messages":[]}]', '', 'malformed at 0.filePath'],
    ['[{"filePath":"a","messages":{}}]', '', 'malformed at 0.messages'],
    ['[{"filePath":"a","messages":[{"severity":"2","message":"x"}]}]', '', 'malformed at 0.messages.0.severity'],
    ['{"filePath":"a","messages":[]}', '', 'There is no eslint JSON report'],
  ])('says what is wrong with %j', (stdout, stderr, said) => {
    expect(reasonOf(parse('eslint-json', stdout, { stderr, exitCode: 2 }))).toContain(said);
  });

  it('takes odd lines and names as they come', () => {
    const text = JSON.stringify([linted('__proto__', message('constructor', 2, 'a\nb', { line: -1.5 }))]);
    expect(lines(parse('eslint-json', text, { exitCode: 1 }))).toEqual(['problem __proto__: constructor: a b']);
  });
});
