import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { z } from 'zod';
import { type FileProblem, fileProblem, renderKey } from './file-problem.ts';
import { nearest } from './nearest.ts';

/**
 * YAML that a person wrote, held against a schema. Every problem is found in one pass and names its place, because
 * a person who mends five mistakes one restart at a time loses patience at the third.
 */
export interface YamlSource {
  file: string;
  text: string;
  /** Line of the file at which the text begins; 1 when it is the whole file. */
  firstLine?: number;
  /** True for values that no message may show. */
  isSecret?: (key: string, value: string) => boolean;
}

export type KeyPath = readonly PropertyKey[];

export interface YamlReading {
  /** The plain data; undefined when the text is so broken that checking its shape would only make noise. */
  data: unknown;
  sound: boolean;
  problems: FileProblem[];
  /** A problem at a path; `at: 'key'` points to the key, else to the value (or, when that is absent, to its parent). */
  problem(
    path: KeyPath,
    says: { found?: string; expected: string; meant?: string | undefined },
    at?: 'key' | 'value',
  ): FileProblem;
}

/** Aliases expanded at most so often: a few lines can otherwise unfold into gigabytes. */
const ALIASES_MAX = 50;
const FOUND_MAX_CHARS = 60;

export const readYaml = (source: YamlSource): YamlReading => {
  const { file, text, firstLine = 1 } = source;
  const lines = new LineCounter();
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line) + firstLine - 1, column: Math.max(1, col) };
  };
  const broken = (says: { found: string; expected: string }, offset = 0): YamlReading => ({
    data: undefined,
    sound: false,
    problems: [fileProblem({ file, ...place(offset), ...says })],
    problem: (path, { found = 'nothing', ...rest }) => fileProblem({ file, key: renderKey(path), found, ...rest }),
  });

  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  } catch (error) {
    // The parser recurses; hostile nesting ends here and is a fault of the text, not of the program.
    if (error instanceof RangeError) return broken(TOO_DEEP);
    throw error;
  }

  const problem: YamlReading['problem'] = (path, { found, expected, meant }, at = 'value') => {
    const spot = locate(document, path, at);
    return fileProblem({
      file,
      ...place(spot.offset),
      key: renderKey(path),
      found: found ?? showNode(spot.found ? spot.node : undefined, String(path.at(-1) ?? ''), source.isSecret),
      expected,
      meant,
    });
  };

  const problems: FileProblem[] = [];
  for (const fault of [...document.errors, ...document.warnings]) {
    if (fault.code === 'DUPLICATE_KEY') {
      const path = pathAt(document, fault.pos[0]);
      problems.push(
        fileProblem({
          file,
          ...place(fault.pos[0]),
          key: renderKey(path),
          found: 'this key a second time',
          expected: 'each key once',
        }),
      );
    } else {
      const said = fault.message.split('\n')[0]!.replace(/ at line \d+, column \d+:?$/, '');
      const what = /call stack/.test(said)
        ? TOO_DEEP
        : (FAULTS[fault.code] ?? { found: `invalid YAML (${said})`, expected: 'valid YAML' });
      problems.push(fileProblem({ file, ...place(fault.pos[0]), ...what }));
    }
  }
  const sound = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  if (!sound) return { data: undefined, sound, problems, problem };
  try {
    return { data: document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, sound, problems, problem };
  } catch (error) {
    if (error instanceof ReferenceError) {
      const expected = 'values written out';
      if (/excessive/i.test(error.message)) {
        return broken({ found: `aliases that unfold more than ${ALIASES_MAX} times`, expected });
      }
      return broken({ found: 'an alias of nothing', expected }, firstLostAlias(document));
    }
    if (error instanceof RangeError) return broken(TOO_DEEP);
    throw error;
  }
};

const firstLostAlias = (document: Document.Parsed): number => {
  let offset = 0;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
};

const TOO_DEEP = { found: 'values nested too deeply to read', expected: 'plain YAML' };

const FAULTS: Partial<Record<string, { found: string; expected: string }>> = {
  TAB_AS_INDENT: { found: 'a tab as indentation', expected: 'spaces' },
  MULTIPLE_DOCS: { found: 'a second document (---)', expected: 'one' },
  TAG_RESOLVE_FAILED: { found: 'an unknown tag (!...)', expected: 'plain YAML' },
  NON_STRING_KEY: { found: 'a key that is no text', expected: 'text' },
};

/** Holds data against the schema. `skip` leaves out paths about which a better problem was already reported. */
export const checkShape = <S extends z.ZodType>(
  reading: YamlReading,
  data: unknown,
  schema: S,
  skip: (path: KeyPath) => boolean = () => false,
): { value: z.output<S> | undefined; problems: FileProblem[] } => {
  const parsed = schema.safeParse(data);
  if (parsed.success) return { value: parsed.data, problems: [] };
  const problems: FileProblem[] = [];
  for (const issue of parsed.error.issues) {
    if (skip(issue.path)) continue;
    if (issue.code === 'unrecognized_keys') {
      const known = knownKeys(schema, issue.path);
      for (const key of issue.keys) {
        const meant = nearest(key, known);
        const expected = meant === undefined && known.length > 0 ? `one of ${known.join(', ')}` : 'a known key';
        problems.push(reading.problem([...issue.path, key], { found: 'an unknown key', expected, meant }, 'key'));
      }
    } else if (issue.code === 'invalid_key') {
      const expected = issue.issues.map(({ message }) => message).join(' and ');
      const found = `the name ${JSON.stringify(String(issue.path.at(-1)).slice(0, FOUND_MAX_CHARS))}`;
      problems.push(reading.problem(issue.path, { found, expected }, 'key'));
    } else {
      const value = issue.path.reduce<unknown>(
        (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
        data,
      );
      const meant =
        issue.code === 'invalid_value' && typeof value === 'string'
          ? nearest(value, issue.values.map(String))
          : undefined;
      problems.push(reading.problem(issue.path, { expected: expectation(issue), meant }));
    }
  }
  return { value: undefined, problems };
};

const TYPES: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of keys and values',
};

/** The expected value in words. A message of our own schemas is already written that way; zod's own are not. */
const expectation = (issue: z.core.$ZodIssue): string => {
  if (!/^(Invalid|Too|Unrecognized)\b/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? String(issue.expected);
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string')
        return issue.minimum === 1 ? 'text' : `text of at least ${issue.minimum} characters`;
      if (issue.origin === 'array') return issue.minimum === 1 ? 'at least one' : `at least ${issue.minimum}`;
      return `a number ${issue.inclusive ? 'of at least' : 'above'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `text of at most ${issue.maximum} characters`;
      if (issue.origin === 'array') return `at most ${issue.maximum}`;
      return `a number ${issue.inclusive ? 'of at most' : 'below'} ${issue.maximum}`;
    case 'invalid_union':
      return [...new Set(issue.errors.flat().map(expectation))].join(' or ');
    default:
      return issue.message;
  }
};

interface JsonSchemaNode {
  properties?: Record<string, JsonSchemaNode>;
  items?: JsonSchemaNode;
  additionalProperties?: JsonSchemaNode | boolean;
}

/** The keys that the schema knows at a path; read from its JSON Schema, which has one shape for all kinds. */
const knownKeys = (schema: z.ZodType, path: KeyPath): string[] => {
  let at = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchemaNode | undefined;
  for (const part of path) {
    if (typeof part === 'number') at = at?.items;
    else {
      const other = at?.additionalProperties;
      at = at?.properties?.[String(part)] ?? (typeof other === 'object' ? other : undefined);
    }
  }
  return Object.keys(at?.properties ?? {});
};

/** Where the value of a path is, or its nearest parent that exists. */
const locate = (
  document: Document.Parsed,
  path: KeyPath,
  at: 'key' | 'value',
): { offset: number; node: Node | undefined; found: boolean } => {
  let node = document.contents as Node | undefined;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) return { offset, node: undefined, found: false };
      const key = pair.key as Node;
      const value = pair.value as Node | null;
      const wantsKey = value === null || (at === 'key' && index === path.length - 1);
      offset = (wantsKey ? key.range?.[0] : value?.range?.[0]) ?? offset;
      // A block value may begin lines below its key; the key is where a person looks.
      if (isMap(value) || isSeq(value)) offset = key.range?.[0] ?? offset;
      node = value ?? undefined;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (item === undefined) return { offset, node: undefined, found: false };
      offset = item.range?.[0] ?? offset;
      node = item;
    } else return { offset, node: undefined, found: false };
  }
  return { offset, node: isAlias(node) ? node.resolve(document) : node, found: true };
};

/** The path of the key that begins at an offset. */
const pathAt = (document: Document.Parsed, offset: number): PropertyKey[] => {
  const path: PropertyKey[] = [];
  const covers = (node: unknown) => {
    const range = (node as Node | null)?.range;
    return range !== undefined && range !== null && range[0] <= offset && offset < range[2];
  };
  let node: unknown = document.contents;
  while (isMap(node) || isSeq(node)) {
    const step: unknown = node.items.find((item) =>
      isPair(item) ? covers(item.key) || covers(item.value) : covers(item),
    );
    if (isPair(step)) {
      path.push(String(isScalar(step.key) ? step.key.value : step.key));
      node = covers(step.key) ? undefined : step.value;
    } else if (step !== undefined && isSeq(node)) {
      path.push(node.items.indexOf(step as never));
      node = step;
    } else node = undefined;
  }
  return path;
};

/** The value as it stands in the file, short. */
const showNode = (node: Node | undefined, key: string, isSecret: YamlSource['isSecret']): string => {
  if (node === undefined) return 'nothing';
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  const text = String(node.value);
  if (isSecret?.(key, text)) return 'a value that is not shown here';
  const shown = text.length > FOUND_MAX_CHARS ? `${text.slice(0, FOUND_MAX_CHARS)}…` : text;
  return typeof node.value === 'string' ? JSON.stringify(shown) : shown;
};
