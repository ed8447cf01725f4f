/** What the Messages API sends: replies as events or whole, and every way in which that goes wrong. */
import type { ServerResponse } from 'node:http';
import type { Block, Fault, RateLimit, Reply, Usage } from './scenario.ts';

/** Figures of a small honest request, so that a scenario without figures costs about a cent. */
const DEFAULT_USAGE = { input: 1200, output: 80, cacheRead: 0, cacheWrite: 0 };

/** To whom the answer goes and in which form. */
export interface Client {
  res: ServerResponse;
  model: string;
  stream: boolean;
}

export const sendReply = ({ res, model, stream }: Client, reply: Reply, ids: Ids): void => {
  const message = messageOf(model, reply, ids);
  const headers = { ...reply.headers, ...(reply.rateLimit ? limitHeaders(reply.rateLimit) : {}) };
  if (!stream) {
    sendJson(res, 200, message.whole, headers);
    return;
  }
  const events = reply.omitStop ? message.events.slice(0, -1) : message.events;
  res.writeHead(200, { ...SSE, ...headers, 'request-id': ids.message });
  res.end(events.map(eventText).join(''));
};

const SSE = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

export interface Ids {
  message: string;
  tool(index: number): string;
}

/** Unique over the whole life of a key: a conversation must never see an id of a tool call twice. */
export const idsOf = (key: string, reply: number): Ids => {
  const stem = `${key.replace(/[^a-zA-Z0-9]/g, '_').slice(-40)}_${reply}`;
  return { message: `msg_${stem}`, tool: (index) => `toolu_${stem}_${index}` };
};

const eventText = (event: Record<string, unknown>): string =>
  `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

const messageOf = (model: string, reply: Reply, ids: Ids) => {
  const blocks = reply.blocks.map((block, index) => contentOf(block, ids.tool(index)));
  const used = { ...DEFAULT_USAGE, ...reply.usage };
  const stop = reply.stopReason ?? (blocks.some((block) => block.tool) ? 'tool_use' : 'end_turn');
  const head = { id: ids.message, type: 'message', role: 'assistant', model };
  const usage = usageOf(used);
  const whole = {
    ...head,
    content: blocks.map((block) => block.whole),
    stop_reason: stop,
    stop_sequence: null,
    usage,
  };
  const start = { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 1 } };
  const events: Record<string, unknown>[] = [
    { type: 'message_start', message: start },
    ...blocks.flatMap(({ empty, delta }, index) => [
      { type: 'content_block_start', index, content_block: empty },
      { type: 'content_block_delta', index, delta },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: used.output } },
    { type: 'message_stop' },
  ];
  return { whole, events };
};

const usageOf = (used: Required<Usage>) => ({
  input_tokens: used.input,
  cache_creation_input_tokens: used.cacheWrite,
  cache_read_input_tokens: used.cacheRead,
  output_tokens: used.output,
});

const contentOf = (block: Block, id: string) => {
  if (typeof block === 'string' || 'text' in block) {
    const text = typeof block === 'string' ? block : block.text;
    return {
      tool: false,
      whole: { type: 'text', text },
      empty: { type: 'text', text: '' },
      delta: { type: 'text_delta', text },
    };
  }
  const name = 'answer' in block ? 'StructuredOutput' : block.tool;
  const input = 'answer' in block ? block.answer : block.input;
  const head = { type: 'tool_use', id, name };
  const json = typeof input === 'string' ? input : JSON.stringify(input);
  return {
    tool: true,
    whole: { ...head, input },
    empty: { ...head, input: {} },
    delta: { type: 'input_json_delta', partial_json: json },
  };
};

export const sendFault = async ({ res, model, stream }: Client, fault: Fault): Promise<void> => {
  if ('http' in fault) {
    if (fault.body !== undefined) {
      res.writeHead(fault.http, { 'content-type': fault.contentType ?? 'text/html', ...fault.headers });
      res.end(fault.body);
      return;
    }
    const type = fault.type ?? ERROR_TYPES[fault.http] ?? 'api_error';
    return sendError(res, fault.http, type, fault.message ?? type.replaceAll('_', ' '), fault.headers);
  }
  if ('limit' in fault) {
    const headers = limitHeaders(fault.limit);
    return sendError(res, 429, 'rate_limit_error', 'This request would exceed your account’s rate limit.', headers);
  }
  if ('reset' in fault) {
    res.socket?.resetAndDestroy();
    return;
  }
  if ('raw' in fault) {
    res.writeHead(200, { 'content-type': fault.contentType ?? 'text/event-stream' });
    res.end(fault.raw);
    return;
  }
  if ('stall' in fault && fault.stall === 'headers') return;
  if (!stream) return sendBrokenJson(res, fault);

  const { events } = messageOf(model, { blocks: ['This answer will never be whole.'] }, BROKEN);
  const [start, blockStart] = events.map(eventText) as [string, string];
  const half = eventText({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'This answer' } });
  res.writeHead(200, SSE);
  res.flushHeaders();
  if ('stall' in fault) {
    if (fault.stall !== 'body') res.write(start);
    if (fault.stall === 'mid') res.write(blockStart + half);
  } else if ('cut' in fault) {
    await new Promise((written) => res.write(start + blockStart + half, written));
    if (fault.cut === 'end') res.end();
    else res.socket?.resetAndDestroy();
  } else if ('badJson' in fault) {
    res.end(`${start}${blockStart}event: content_block_delta\ndata: {"type":"content_block_de\n\n`);
  } else if ('errorEvent' in fault) {
    res.end(`${start}${eventText({ type: 'error', error: fault.errorEvent })}`);
  } else {
    const ping = () => res.write(eventText({ type: 'ping' }));
    ping();
    const timer = setInterval(ping, fault.pingsEveryMs);
    res.once('close', () => clearInterval(timer));
  }
};

const BROKEN: Ids = { message: 'msg_broken', tool: (index) => `toolu_broken_${index}` };

const ERROR_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** The same mishaps where no stream was asked for. */
const sendBrokenJson = (res: ServerResponse, fault: Exclude<Fault, { http: number }>): void => {
  if ('errorEvent' in fault) {
    const { type, message } = fault.errorEvent;
    sendError(res, type === 'overloaded_error' ? 529 : 500, type, message);
    return;
  }
  res.writeHead(200, { 'content-type': 'application/json' });
  res.flushHeaders();
  if ('stall' in fault || 'pingsEveryMs' in fault) return;
  res.write('{"type":"message","content":[', () => {
    if ('cut' in fault && fault.cut === 'reset') res.socket?.resetAndDestroy();
    else res.end();
  });
};

const limitHeaders = ({
  status,
  resetsAt,
  claim = 'five_hour',
  utilization = 1,
}: RateLimit): Record<string, string> => {
  const prefix = 'anthropic-ratelimit-unified';
  const window = claim === 'five_hour' ? '5h' : '7d';
  return {
    [`${prefix}-status`]: status,
    [`${prefix}-reset`]: String(resetsAt),
    [`${prefix}-representative-claim`]: claim,
    [`${prefix}-${window}-status`]: status,
    [`${prefix}-${window}-reset`]: String(resetsAt),
    [`${prefix}-${window}-utilization`]: String(utilization),
    // Only a crossed threshold makes Claude Code tell of a warning.
    ...(status === 'allowed_warning' ? { [`${prefix}-${window}-surpassed-threshold`]: '0.9' } : {}),
    [`${prefix}-overage-status`]: 'rejected',
    [`${prefix}-overage-disabled-reason`]: 'org_level_disabled',
  };
};

export const sendJson = (
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(value));
};

export const sendError = (
  res: ServerResponse,
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): void => sendJson(res, status, { type: 'error', error: { type, message }, request_id: 'req_scripted' }, headers);

/** For the log. */
export const nameOfFault = (fault: Fault): string => {
  if ('http' in fault) return `http ${fault.http}`;
  if ('limit' in fault) return `limit ${fault.limit.claim ?? 'five_hour'}`;
  if ('stall' in fault) return `stall ${fault.stall}`;
  if ('cut' in fault) return `cut ${fault.cut}`;
  return Object.keys(fault).find((name) => name !== 'times') ?? 'fault';
};
