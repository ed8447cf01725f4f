/** What a request to the Messages API says: who asks, what was asked, what the tools answered. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { ModelRequest } from './scenario.ts';

/** The service's own limit is 32 MB; a longer request is a defect of the client, not a reason to run out of memory. */
export const REQUEST_MAX_BYTES = 64 * 1024 * 1024;

const Content = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);
const Body = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: Content })),
  system: Content.optional(),
  tools: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  stream: z.boolean().optional(),
});
export type Body = z.infer<typeof Body>;

export const parseBody = (text: string): { ok: true; value: Body } | { ok: false; error: string } => {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return { ok: false, error: 'The request body is no JSON.' };
  }
  const parsed = Body.safeParse(data);
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, error: z.prettifyError(parsed.error) };
};

export const routeOf = (url: string): { key: string; what: 'messages' | 'count-tokens' | 'other' } => {
  const path = url.split('?')[0] as string;
  const match = /^(.*?)\/v1\/messages(\/count_tokens)?\/?$/.exec(path);
  const prefix = (match?.[1] ?? '').replace(/^\/s\//, '').replace(/^\/+|\/+$/g, '');
  return { key: decoded(prefix), what: match ? (match[2] ? 'count-tokens' : 'messages') : 'other' };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

export const headerOf = (req: IncomingMessage, name: string): string | undefined => {
  const value = req.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

/** Undefined when it is larger than the limit. */
export const readBody = async (req: IncomingMessage): Promise<string | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= REQUEST_MAX_BYTES) chunks.push(chunk);
  }
  return size <= REQUEST_MAX_BYTES ? Buffer.concat(chunks).toString('utf8') : undefined;
};

export const textOf = (content: z.infer<typeof Content> | undefined): string =>
  typeof content === 'string' || content === undefined
    ? (content ?? '')
    : content.map((block) => (typeof block.text === 'string' ? block.text : '')).join('\n');

/** What was asked, without the reminders that Claude Code puts around it. */
export const promptsOf = (body: Body): string[] =>
  body.messages
    .filter((message) => message.role === 'user')
    .flatMap(({ content }) =>
      typeof content === 'string'
        ? [content]
        : content.map((block) => (block.type === 'text' ? String(block.text) : '')),
    )
    .filter((text) => text !== '' && !text.trimStart().startsWith('<system-reminder>'));

/** The results that answer the last reply: they stand behind the last message of the assistant. */
export const toolResultsOf = (body: Body): ModelRequest['toolResults'] => {
  const last = body.messages.findLastIndex((message) => message.role === 'assistant');
  return body.messages.slice(last + 1).flatMap(({ content }) =>
    typeof content === 'string'
      ? []
      : content
          .filter((block) => block.type === 'tool_result')
          .map((block) => ({
            id: String(block.tool_use_id),
            text: textOf(Content.safeParse(block.content).data),
            isError: block.is_error === true,
          })),
  );
};

export const isCompaction = (body: Body): boolean => {
  const last = body.messages.findLast((message) => message.role === 'user');
  const blocks =
    typeof last?.content === 'string' ? [last.content] : (last?.content ?? []).map((b) => String(b.text ?? ''));
  return blocks.some((text) => text.startsWith('CRITICAL: Respond with TEXT ONLY'));
};
