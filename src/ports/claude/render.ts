import { isAbsolute, relative } from 'node:path';
import { visible } from '../../policy/placeholders.ts';

/**
 * A transcript as a person would read it: what the agent said, each of its tool calls in one line, the results
 * shortened, the errors whole enough to be understood. Line by line as they come, in bounded memory; what is unknown
 * or torn is passed over, and nothing leaves that could move a cursor or turn the direction of reading.
 */
export interface Rendering {
  /** Takes one line of the transcript without its end; the lines to show for it, none when there is nothing to see. */
  line(bytes: Buffer): string[];
}

/** A longer line is named and not read: it is the content of a file or of a log. */
const LINE_READ_MAX_BYTES = 2 * 1024 * 1024;
/** A line of a terminal and its continuation; more of one line is rarely read. */
const WIDTH_MAX_CHARS = 200;
const SAID_MAX_LINES = 40;
const RESULT_MAX_LINES = 4;
/** The cause of an error stands at its begin, the verdict of a test run at its end. */
const ERROR_HEAD_LINES = 6;
const ERROR_TAIL_LINES = 6;

export const createRendering = (options: { cwd?: string } = {}): Rendering => {
  let { cwd } = options;
  const renderMessage = (message: Fields): string[] => {
    switch (message.type) {
      case 'assistant':
        return blocksOf(message).flatMap((block) => renderBlock(block, cwd));
      case 'user':
        return blocksOf(message).flatMap(renderResult);
      case 'result':
        return renderEnd(message);
      case 'rate_limit_event':
        return fieldsOf(message.rate_limit_info).status === 'rejected' ? ['! the usage limit is reached'] : [];
      case 'system':
        if (message.subtype === 'init' && typeof message.cwd === 'string') cwd ??= message.cwd;
        return renderNotice(message);
      default:
        return [];
    }
  };
  return {
    line: (bytes) => {
      if (bytes.length > LINE_READ_MAX_BYTES) return [`  | (a message of ${megabytes(bytes.length)} is not shown)`];
      const message = parse(bytes);
      return message === undefined ? [] : renderMessage(message);
    },
  };
};

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const parse = (bytes: Buffer): Fields | undefined => {
  // A terminal may have put something before the line's own begin; nothing else of it is JSON.
  if (bytes[0] !== 0x7b) return undefined;
  try {
    return fieldsOf(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
};

const blocksOf = (message: Fields): Fields[] => {
  const { content } = fieldsOf(message.message);
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(fieldsOf) : [];
};

const renderBlock = (block: Fields, cwd: string | undefined): string[] => {
  switch (block.type) {
    case 'text':
      return shortened(linesOf(block.text), SAID_MAX_LINES, 0);
    case 'tool_use':
      return [clipped(`> ${wordOf(block.name)} ${objectOf(fieldsOf(block.input), cwd)}`.trimEnd())];
    default:
      return [];
  }
};

const wordOf = (name: unknown): string => (typeof name === 'string' ? flat(name) : 'a tool');

/** What a call is about: the file, the command, the question; else the whole of what it was given. */
const objectOf = (input: Fields, cwd: string | undefined): string => {
  const path = input.file_path ?? input.notebook_path;
  if (typeof path === 'string') return flat(shortPath(path, cwd));
  const named = input.command ?? input.pattern ?? input.skill ?? input.url ?? input.query ?? input.description;
  if (typeof named === 'string') return flat(named);
  const whole = JSON.stringify(input) ?? '';
  return whole === '{}' ? '' : flat(whole.slice(0, WIDTH_MAX_CHARS * 2));
};

const shortPath = (path: string, cwd: string | undefined): string => {
  const short = cwd !== undefined && isAbsolute(path) ? relative(cwd, path) : path;
  return short === '' || short.startsWith('..') ? path : short;
};

const renderResult = (block: Fields): string[] => {
  // What Claude Code itself says to the agent, such as that it was interrupted.
  if (block.type === 'text') return shortened(linesOf(block.text), RESULT_MAX_LINES, 0).map((line) => `  | ${line}`);
  if (block.type !== 'tool_result') return [];
  const lines = linesOf(textOf(block.content));
  if (block.is_error === true) return shortened(lines, ERROR_HEAD_LINES, ERROR_TAIL_LINES).map((line) => `  ! ${line}`);
  return shortened(lines, RESULT_MAX_LINES, 0).map((line) => `  | ${line}`);
};

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map(fieldsOf)
    .map(({ type, text }) => (typeof text === 'string' ? text : `(${flat(String(type ?? 'something'))})`))
    .join('\n');
};

const renderEnd = (message: Fields): string[] => {
  const turns = typeof message.num_turns === 'number' ? message.num_turns : 0;
  const ended = `${turns} ${turns === 1 ? 'reply' : 'replies'}`;
  // What does not say that it is none is an error.
  if (message.is_error === false) return [`= the run ended after ${ended}`];
  const errors = Array.isArray(message.errors) ? message.errors.filter((error) => typeof error === 'string') : [];
  const why = typeof message.result === 'string' ? message.result : errors.join('\n');
  const subtype = typeof message.subtype === 'string' ? flat(message.subtype) : 'unknown';
  return [
    clipped(`! the run failed after ${ended} (${subtype})`),
    ...shortened(linesOf(why), ERROR_HEAD_LINES, 0).map((line) => `  ! ${line}`),
  ];
};

const renderNotice = (message: Fields): string[] => {
  switch (message.subtype) {
    case 'api_retry': {
      const status = typeof message.error_status === 'number' ? message.error_status : 'no answer';
      return [`! the service is asked again (${status})`];
    }
    case 'permission_denied':
      return [clipped(`  ! denied: ${flat(typeof message.message === 'string' ? message.message : '')}`)];
    case 'compact_boundary':
      return ['= the conversation was made shorter'];
    default:
      return [];
  }
};

/** Far more than is ever shown of one text. */
const TEXT_READ_MAX_CHARS = 64 * 1024;

const linesOf = (text: unknown): string[] => {
  if (typeof text !== 'string') return [];
  const half = TEXT_READ_MAX_CHARS / 2;
  const read = text.length > TEXT_READ_MAX_CHARS ? `${text.slice(0, half)}\n…\n${text.slice(-half)}` : text;
  return visible(read)
    .split('\n')
    .map((line) => clipped(line.replaceAll('\t', '  ').trimEnd()))
    .filter((line) => line !== '');
};

const shortened = (lines: string[], head: number, tail: number): string[] => {
  if (lines.length <= head + tail + 1) return lines;
  const hidden = lines.length - head - tail;
  return [...lines.slice(0, head), `… ${hidden} more lines`, ...(tail === 0 ? [] : lines.slice(-tail))];
};

const flat = (text: string): string => visible(text.slice(0, TEXT_READ_MAX_CHARS)).replace(/\s+/g, ' ').trim();

const clipped = (line: string): string =>
  line.length > WIDTH_MAX_CHARS ? `${line.slice(0, WIDTH_MAX_CHARS - 1).replace(/[\ud800-\udbff]$/, '')}…` : line;

const megabytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MB`;
