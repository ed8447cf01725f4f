import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checksum } from '../src/journal/line.ts';
import { ENTRY_SCHEMAS, type EntryType, RalphCycle } from '../src/model/entry.ts';
import { MENDS } from '../src/model/failure.ts';
import { exampleOf } from './model/examples.ts';

/** What people read is held against what the code knows: a page that lags behind is worse than none. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => fs.readFileSync(join(ROOT, file), 'utf8');

const sources = fs
  .readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file: file.split('\\').join('/'), text: read(join('src', file)) }));

/** The cells of every row of a table whose first cell holds a name in backticks. */
const rowsOf = (page: string): string[][] =>
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(' | ')
        .map((cell) => cell.trim()),
    );

const named = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);

describe('every kind of failure', () => {
  const kinds = Object.keys(MENDS);
  const page = rowsOf(read('docs/failures.md'));

  it.each(kinds)('%s says in whole sentences what to do', (kind) => {
    const mend: string = MENDS[kind as keyof typeof MENDS];
    expect(mend).toMatch(/^[A-Z].*\.$/s);
    expect(mend).not.toContain('\n');
    expect(mend.split('`').length % 2).toBe(1);
  });

  it.each(kinds)('%s is given by something: made, or what something else is taken for', (kind) => {
    // Neither a case of a switch nor a comparison makes a failure.
    const made = new RegExp(
      `(?:\\b(?:failure|failed|no|plain)\\(\\s*(?:facts,\\s*)?|[?:=]\\s+\\(?|\\breturn\\s+)'${kind}'`,
    );
    const places = sources.filter(({ file, text }) => file !== 'model/failure.ts' && made.test(text));
    expect(places.map(({ file }) => file)).not.toEqual([]);
  });

  it('stands in docs/failures.md, in the order of the catalog, with its own mend', () => {
    expect(page.map(([kind]) => kind)).toEqual(kinds.map((kind) => `\`${kind}\``));
    expect(page.map((cells) => cells.at(-1))).toEqual(Object.values(MENDS));
  });

  it('is told there in a sentence of its own', () => {
    for (const [kind, happened = ''] of page) {
      expect(happened, kind).toMatch(/^.{15,}\.$/);
      expect(page.filter((cells) => cells[1] === happened)).toHaveLength(1);
    }
  });
});

describe('docs/journal.md', () => {
  const [before = '', after = ''] = read('docs/journal.md').split('### `ralph_cycle`');
  const types = rowsOf(before.slice(before.indexOf('## Types')));

  /** Names of the data of a type, those that may be absent with `?`. */
  const fieldsOf = (schema: z.ZodType): string[] => {
    const { properties = {}, required = [], oneOf, anyOf } = z.toJSONSchema(schema, { io: 'input' });
    const branches = (oneOf ?? anyOf ?? [{ properties, required }]) as { properties?: object; required?: string[] }[];
    const names = [...new Set(branches.flatMap((branch) => Object.keys(branch.properties ?? {})))];
    const always = (name: string) => branches.every((branch) => branch.required?.includes(name));
    return names.map((name) => (always(name) ? name : `${name}?`)).sort();
  };

  it('has one row for every type of entry, in the order of the code', () => {
    expect(types.map(([type]) => type)).toEqual(Object.keys(ENTRY_SCHEMAS).map((type) => `\`${type}\``));
  });

  it.each(types.filter(([type]) => type !== '`ralph_cycle`'))('names the data of %s', (type = '', _, data = '') => {
    expect(named(data).sort()).toEqual(fieldsOf(ENTRY_SCHEMAS[named(type)[0] as EntryType]));
  });

  it('says what each type means', () => {
    for (const [type, meaning = ''] of types) expect(meaning.length, type).toBeGreaterThan(10);
  });

  it('names every field of the summary of a cycle', () => {
    const fields = rowsOf(after).flatMap(([names = '']) => named(names));
    expect(fields.sort()).toEqual(fieldsOf(RalphCycle));
  });

  it('marks exactly those types that nothing writes yet', () => {
    const unwritten = Object.keys(ENTRY_SCHEMAS).filter(
      (type) =>
        !sources.some(({ text }) =>
          new RegExp(`[aA]ppend(?:Durable)?<'${type}'>|append\\(\\{\\s*type: '${type}'`).test(text),
        ),
    );
    const marked = types.filter(([, meaning]) => meaning?.includes('nothing writes it yet'));
    expect(marked.flatMap(([type = '']) => named(type))).toEqual(unwritten);
  });

  it('shows a line as it is written', () => {
    const line = /^\{"id".*\}$/m.exec(before)?.[0] ?? '';
    const entry = JSON.parse(line) as { type: EntryType; data: unknown; crc: string };
    expect(ENTRY_SCHEMAS[entry.type].safeParse(entry.data).error).toBeUndefined();
    expect(entry.crc).toBe(checksum(line.slice(0, line.indexOf(',"crc":'))));
  });

  const jq = (() => {
    try {
      execFileSync('jq', ['--version']);
      return true;
    } catch {
      return false;
    }
  })();

  // jq is the reader's own tool: where there is none, its examples cannot be tried.
  it.runIf(jq)('has examples for jq that answer', () => {
    const input = (['agent_ran', 'ralph_cycle', 'test_flaky'] as const).map((type) => JSON.stringify(exampleOf(type)));
    const discarded = exampleOf('ralph_cycle');
    discarded.data.outcome = 'discarded';
    const overflowing = { ...discarded, overflow: 'logs/overflow/x.json' };
    const whole = [...input, JSON.stringify(overflowing)].join('\n');
    const blocks = [...before.matchAll(/winnow log --json(?: -t (\w+))? \|\s*(jq [^\n]*?)(?: \| xargs[^\n]*)?\n/g)];
    const answers = blocks.map(([, type, command = '']) => {
      const lines = whole.split('\n').filter((line) => type === undefined || line.includes(`"type":"${type}"`));
      const shown = execFileSync('sh', ['-c', command], { input: lines.join('\n'), encoding: 'utf8' });
      return command.includes(' -r') ? shown.trim() : JSON.parse(shown);
    });
    expect(answers).toEqual([
      [{ day: '2026-03-14', usd: 0.31 }],
      [{ session: 'alpha', cycles: 2, kept: 1 }],
      [discarded.ts, discarded.session, discarded.data.plan?.title, discarded.data.reason].join('\t'),
      '1 clock.test.ts > ticks',
      'logs/overflow/x.json',
    ]);
  });
});

describe('the pages of the documentation', () => {
  const pages = fs
    .readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'));

  it.each(['failures.md', 'journal.md', 'gates.md', 'cycle.md'])('%s is reached from the first page', (page) => {
    expect(read('docs/README.md')).toContain(`(${page})`);
    expect(pages).toContain(page);
  });
});
