import { XMLParser } from 'fast-xml-parser';
import type { Parsed, TestStatus } from '../../../model/report.ts';
import { numberProblems, numberTests, type ProblemDraft, type TestDraft } from '../../../policy/identity.ts';
import { looksLikeFile } from './places.ts';
import { excerpt, incomplete, insteadOfReport, type Source, suiteFailed } from './source.ts';

/**
 * JUnit XML: not a standard but a family. Suites nest or not, the file stands in `file`, in `classname` or nowhere,
 * and hooks that fail are reported as tests that otherwise do not exist.
 */
export const parseJunit = (source: Source): Parsed => {
  const xml = documentIn(source.text);
  if (xml === undefined) return incomplete(`There is no JUnit report: ${insteadOfReport(source)}.`);
  const fault = faultOf(xml);
  if (fault !== undefined) return incomplete(fault);
  let nodes: XmlNode[];
  try {
    nodes = createXmlParser().parse(xml) as XmlNode[];
  } catch (error) {
    return incomplete(`The JUnit report is no valid XML: ${(error as Error).message.slice(0, 200)}.`);
  }
  const found: Found = { problems: [], tests: [] };
  for (const node of nodes) readNode(node, { file: '', suite: [] }, found, source);
  return { complete: true, problems: numberProblems(found.problems), tests: numberTests(found.tests) };
};

/** Document order is kept: it gives equal tests their ordinals. Entities are decoded here, five of them and no more. */
const createXmlParser = () =>
  new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: ATTRIBUTE,
    processEntities: false,
    parseTagValue: false,
    parseAttributeValue: false,
    jPath: false,
  });

const ATTRIBUTE = '@_';

/** An element is an object with one key beside its attributes: `{ testcase: [...], ':@': { '@_name': ... } }`. */
type XmlNode = Record<string, unknown>;

interface Found {
  problems: ProblemDraft[];
  tests: TestDraft[];
}

interface Place {
  file: string;
  suite: string[];
}

const readNode = (node: XmlNode, place: Place, found: Found, source: Source): void => {
  const tag = tagOf(node);
  // The outermost element is named after the tool, if at all.
  if (tag === 'testsuites') readSuite(node, place, found, source);
  if (tag === 'testsuite') readSuite(node, placeOf(node, place, source), found, source);
};

const readSuite = (node: XmlNode, place: Place, found: Found, source: Source): void => {
  const children = childrenOf(node);
  const failed: { node: XmlNode; test: TestDraft }[] = [];
  // Most tests of a suite share file and class.
  const places = new Map<string, Place>();
  for (const child of children) {
    const tag = tagOf(child);
    if (tag === 'testcase') {
      const test = testDraft(child, place, source, places);
      if (test.status === 'failed') failed.push({ node: child, test });
      found.tests.push(test);
    } else if (tag === 'failure' || tag === 'error') {
      found.problems.push(suiteFailed(place.file, place.suite, failureText(child, source)));
    } else readNode(child, place, found, source);
  }
  if (failed.length === 0) return;
  const parents = parentTitles(children.filter((child) => tagOf(child) === 'testcase'));
  const suites = new Set(failed.flatMap(({ node, test }) => (standsForSuite(node, test, parents) ? test : [])));
  if (suites.size === 0) return;
  found.problems.push(...[...suites].map(suiteProblem));
  found.tests = found.tests.filter((test) => !suites.has(test));
};

const suiteProblem = ({ file, suite, title, message }: TestDraft): ProblemDraft => {
  const isFile = title === file || looksLikeFile(title);
  return suiteFailed(file || (isFile ? title : ''), isFile ? suite : [...suite, title], message ?? '');
};

/** 'a > b' makes 'a' a suite: vitest reports the hooks of a suite as a test of that name. */
const parentTitles = (cases: XmlNode[]): Set<string> => {
  const parents = new Set<string>();
  for (const node of cases) {
    const name = attribute(node, 'name');
    for (let at = name.indexOf(' > '); at !== -1; at = name.indexOf(' > ', at + 1)) parents.add(name.slice(0, at));
  }
  return parents;
};

/**
 * A failed test case that is no test: it vanishes when the failure is mended, so counting it as a test would punish
 * the mending. Vitest and node:test name it like the file, pytest calls it a collection failure.
 */
const standsForSuite = (node: XmlNode, draft: TestDraft, parents: ReadonlySet<string>): boolean =>
  draft.title === draft.file ||
  looksLikeFile(draft.title) ||
  parents.has(attribute(node, 'name')) ||
  childrenOf(node).some((child) => tagOf(child) === 'error' && attribute(child, 'message') === 'collection failure');

const testDraft = (node: XmlNode, outer: Place, source: Source, places: Map<string, Place>): TestDraft => {
  const key = `${attribute(node, 'file')}\n${attribute(node, 'classname')}`;
  const inner = places.get(key) ?? placeOf(node, outer, source, 'classname');
  places.set(key, inner);
  const status = statusOf(node);
  return {
    file: inner.file,
    suite: inner.suite,
    title: source.places.inText(attribute(node, 'name')),
    status,
    ...(status === 'failed' ? { message: messageOf(node, source) } : {}),
  };
};

/** Suite names and class names are one path; what repeats the file or the step before adds nothing. */
const placeOf = (node: XmlNode, outer: Place, { places }: Source, key: 'name' | 'classname' = 'name'): Place => {
  const name = places.inText(attribute(node, key));
  const named = attribute(node, 'file') || attribute(node, 'filepath') || (looksLikeFile(name) ? name : '');
  const file = named === '' ? outer.file : places.file(named);
  const repeats = name === '' || places.file(name) === file || name === outer.suite.at(-1);
  return { file, suite: repeats ? outer.suite : [...outer.suite, name] };
};

/** What is skipped may carry a failure too (node:test does so for `todo`): it was not expected to pass. */
const statusOf = (node: XmlNode): TestStatus => {
  const status = attribute(node, 'status').toLowerCase();
  if (status === 'notrun' || status === 'skipped') return 'skipped';
  const tags = childrenOf(node).map(tagOf);
  if (tags.includes('skipped') || tags.includes('disabled')) return 'skipped';
  return tags.includes('failure') || tags.includes('error') ? 'failed' : 'passed';
};

const messageOf = (node: XmlNode, source: Source): string =>
  excerpt(
    childrenOf(node)
      .filter((child) => tagOf(child) === 'failure' || tagOf(child) === 'error')
      .map((child) => failureText(child, source))
      .join('\n'),
    source.places,
  );

const failureText = (node: XmlNode, { places }: Source): string => {
  const message = attribute(node, 'message');
  const text = childrenOf(node)
    .map((child) => (typeof child['#text'] === 'string' ? decoded(child['#text']) : ''))
    .join('')
    .trim();
  return excerpt(text.includes(message) ? text : `${message}\n${text}`, places);
};

const tagOf = (node: XmlNode): string => {
  for (const key in node) if (key !== ':@') return key;
  return '';
};

const childrenOf = (node: XmlNode): XmlNode[] => {
  const children = node[tagOf(node)];
  return Array.isArray(children) ? (children as XmlNode[]) : [];
};

const attribute = (node: XmlNode, name: string): string => {
  const attributes = node[':@'] as Record<string, unknown> | undefined;
  const key = ATTRIBUTE + name;
  const value = attributes !== undefined && Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  return typeof value === 'string' ? decoded(value) : '';
};

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

const decoded = (text: string): string =>
  text.includes('&')
    ? text.replace(/&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));/g, (whole, name, decimal, hex) => {
        if (name !== undefined) return ENTITIES.get(name as string) ?? whole;
        const point = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal);
        return point <= 0x10_ffff ? String.fromCodePoint(point) : '\ufffd';
      })
    : text;

/** From the first tag of a report to the last, so that what a runner prints around it does no harm. */
const documentIn = (text: string): string | undefined => {
  if (!/<testsuites?[\s>/]/.test(text)) return undefined;
  const start = text.search(/<\?xml\s|<!DOCTYPE|<testsuites?[\s>/]/i);
  const end = text.lastIndexOf('>') + 1;
  // A tag that was begun after the last whole one shows that the end is missing.
  return end <= start || /<[a-z/!]/i.test(text.slice(end)) ? text.slice(start) : text.slice(start, end);
};

/** A report nests a few suites; what nests deeper is an attack on the stack. */
const DEPTH_MAX = 90;

/**
 * The parser is lenient: it closes what is open at the end, which would turn a report that was cut off into a short
 * one. Entities are refused as such, since a few lines of them can unfold into gigabytes.
 */
const faultOf = (xml: string): string | undefined => {
  const open: string[] = [];
  let at = xml.indexOf('<');
  while (at !== -1) {
    const end = endOfMarkup(xml, at);
    if (end === undefined) return `The JUnit report is cut off: the tag at character ${at} has no end.`;
    const second = xml[at + 1];
    if (second === '!' && !xml.startsWith('<!--', at) && !xml.startsWith('<![CDATA[', at)) {
      return 'The JUnit report declares a document type or entities, which is refused.';
    }
    if (second === '/') {
      const name = xml.slice(at + 2, end - 1).trim();
      if (open.pop() !== name) return `The JUnit report is no valid XML: </${name.slice(0, 80)}> closes nothing.`;
    } else if (second !== '!' && second !== '?' && xml[end - 2] !== '/') {
      open.push(/^[^\s/>]{0,200}/.exec(xml.slice(at + 1, Math.min(end, at + 201)))?.[0] ?? '');
      if (open.length > DEPTH_MAX) return `The JUnit report nests deeper than ${DEPTH_MAX} elements.`;
    }
    at = xml.indexOf('<', end);
  }
  return open.length === 0 ? undefined : `The JUnit report is cut off: <${open.at(-1)}> is not closed.`;
};

/** Index after the markup that begins at `at`. */
const endOfMarkup = (xml: string, at: number): number | undefined => {
  if (xml.startsWith('<!--', at)) return after(xml, '-->', at + 4);
  if (xml.startsWith('<![CDATA[', at)) return after(xml, ']]>', at + 9);
  if (xml.startsWith('<?', at)) return after(xml, '?>', at + 2);
  let from = at;
  for (;;) {
    const stop = nextStop(xml, from);
    if (stop === undefined) return undefined;
    if (xml[stop] === '>') return stop + 1;
    const close = xml.indexOf(xml[stop] as string, stop + 1);
    if (close === -1) return undefined;
    from = close + 1;
  }
};

/** The next quote or closing bracket. */
const nextStop = (xml: string, from: number): number | undefined => {
  for (let i = from; i < xml.length; i += 1) {
    const code = xml.charCodeAt(i);
    if (code === 0x22 || code === 0x27 || code === 0x3e) return i;
  }
  return undefined;
};

const after = (xml: string, mark: string, from: number): number | undefined => {
  const at = xml.indexOf(mark, from);
  return at === -1 ? undefined : at + mark.length;
};
