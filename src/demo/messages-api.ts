/**
 * A Messages API on loopback that plays scenarios: everything Claude Code does is then real, only the model's words
 * are given. It runs `winnow demo` and the tests, with no account and no network. A run is pointed at a scenario by
 * its base URL: ANTHROPIC_BASE_URL=`${url}/s/<key>`. Each key has its own place in its scenario, which lasts over
 * several processes of one conversation and over several conversations.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, type Ids, idsOf, nameOfFault, sendError, sendFault, sendJson, sendReply } from './api-reply.ts';
import {
  type Body,
  headerOf,
  isCompaction,
  parseBody,
  promptsOf,
  REQUEST_MAX_BYTES,
  readBody,
  routeOf,
  textOf,
  toolResultsOf,
} from './api-request.ts';
import { choose, type Place } from './place.ts';
import { type ModelRequest, type Scenario, tracksOf } from './scenario.ts';

/** A demo may run for days; what was long ago is of no use to anybody. */
const LOG_MAX_ENTRIES = 2_000;
/** Good enough for a client that only wants to know whether it is near its window. */
const BYTES_PER_TOKEN = 4;
const DEFAULT_SUMMARY = 'The conversation so far was about the task at hand.';

type RequestClass = 'main' | 'subagent' | 'compaction' | 'count-tokens' | 'other';

/** One request, noted when it has arrived and completed when it has ended. */
interface ApiRequest {
  /** Milliseconds since the epoch. */
  at: number;
  key: string;
  method: string;
  path: string;
  class: RequestClass;
  conversation: string | undefined;
  stream: boolean;
  /** Names of the tools that were offered. */
  tools: string[];
  prompt: string;
  toolResults: { id: string; text: string; isError: boolean }[];
  /** Index of the track and of the step in it that was asked for. */
  track: number | undefined;
  step: number | undefined;
  /** The fault that was served instead, e.g. "http 529". */
  fault: string | undefined;
  /** What a step expected and the request did not bring. */
  violation: string | undefined;
  /** Bytes of the request's body. */
  bytes: number;
  /** Undefined until headers were sent. */
  status: number | undefined;
  /** Undefined while it lasts. */
  heldMs: number | undefined;
  /** The client left before the answer was whole. */
  clientClosed: boolean;
}

export interface MessagesApi {
  /** Base; a run uses `${url}/s/<key>`. */
  url: string;
  log: ApiRequest[];
  /** Resolves with the first request, past or coming, for which the predicate holds. */
  waitFor(predicate: (request: ApiRequest) => boolean, timeoutMs: number): Promise<ApiRequest>;
  /** Opens a latch: replies with this `hold` go out, now and from now on. */
  release(latch: string): void;
  /** Sets or replaces the scenario of a key and begins it anew. */
  play(key: string, scenario: Scenario): void;
  close(): Promise<void>;
}

export const startMessagesApi = async ({
  scenarios = {},
  resolve = () => undefined,
}: {
  scenarios?: Record<string, Scenario>;
  resolve?: (key: string) => Scenario | undefined;
} = {}): Promise<MessagesApi> => {
  const own = new Map(Object.entries(scenarios));
  const places = new Map<string, Place>();
  const log: ApiRequest[] = [];
  const watchers = new Set<() => void>();
  const latches = createLatches();
  const noted = () => {
    for (const watcher of watchers) watcher();
  };

  const placeOf = (key: string): Place | undefined => {
    const known = places.get(key);
    if (known) return known;
    // `name~anything` plays the scenario `name` in a place of its own.
    const scenario = own.get(key) ?? own.get(key.split('~')[0] as string) ?? resolve(key);
    if (!scenario) return undefined;
    const place: Place = {
      scenario,
      tracks: tracksOf(scenario),
      cursors: new Map(),
      served: 0,
      replies: 0,
      memory: new Map(),
    };
    places.set(key, place);
    return place;
  };

  /** Reads a request and notes it; undefined when it was answered already. */
  const receive = async (req: IncomingMessage, res: ServerResponse): Promise<Received | undefined> => {
    const { key, what } = routeOf(req.url ?? '/');
    const entry = noteOf(req, key);
    const startedAt = performance.now();
    res.once('close', () => {
      entry.clientClosed = !res.writableFinished;
      entry.status = res.headersSent ? res.statusCode : undefined;
      entry.heldMs = Math.round(performance.now() - startedAt);
      noted();
    });
    const note = () => {
      log.push(entry);
      if (log.length > LOG_MAX_ENTRIES) log.shift();
      noted();
    };
    const refuse = (status: number, type: string, message: string): undefined => {
      note();
      sendError(res, status, type, message);
    };

    if (what === 'other' || req.method !== 'POST') {
      req.resume();
      return refuse(404, 'not_found_error', 'There are only POST …/v1/messages and …/v1/messages/count_tokens.');
    }
    const text = await readBody(req);
    if (text === undefined) return refuse(413, 'request_too_large', `The limit is ${REQUEST_MAX_BYTES} bytes.`);
    entry.bytes = Buffer.byteLength(text);
    const parsed = parseBody(text);
    if (!parsed.ok) return refuse(400, 'invalid_request_error', parsed.error);
    if (what === 'count-tokens') {
      entry.class = 'count-tokens';
      note();
      sendJson(res, 200, { input_tokens: Math.ceil(entry.bytes / BYTES_PER_TOKEN) });
      return undefined;
    }
    const body = parsed.value;
    const prompts = promptsOf(body);
    const agent = headerOf(req, 'x-claude-code-agent-id');
    entry.stream = body.stream === true;
    entry.tools = (body.tools ?? []).map((tool) => tool.name ?? '');
    entry.prompt = prompts.at(-1) ?? '';
    entry.toolResults = toolResultsOf(body);
    entry.class = isCompaction(body) ? 'compaction' : agent === undefined ? 'main' : 'subagent';
    const place = placeOf(key);
    if (!place) return refuse(400, 'invalid_request_error', `No scenario is loaded under "${key}".`);
    return { entry, note, place, prompts, agent, body, client: { res, model: body.model, stream: entry.stream } };
  };

  const serve = async ({ entry, note, place, prompts, agent, body, client }: Received): Promise<void> => {
    const { res } = client;
    const ids = (): Ids => {
      place.replies += 1;
      return idsOf(entry.key, place.replies);
    };
    if (entry.class === 'compaction') {
      note();
      return sendReply(client, { blocks: [`<summary>${place.scenario.summary ?? DEFAULT_SUMMARY}</summary>`] }, ids());
    }
    const request: ModelRequest = {
      key: entry.key,
      conversation: entry.conversation,
      model: body.model,
      system: textOf(body.system),
      prompts,
      prompt: entry.prompt,
      tools: entry.tools,
      wantsAnswer: entry.tools.includes('StructuredOutput'),
      toolResults: entry.toolResults,
      served: place.served,
      memory: place.memory,
      body,
    };
    const chosen = choose(place, request, agent);
    entry.track = chosen.track;
    entry.step = chosen.step;
    entry.violation = chosen.violation;
    entry.fault = chosen.fault && nameOfFault(chosen.fault);
    note();
    const what = await chosen.what();
    if ('missing' in what) return sendError(res, 400, 'invalid_request_error', what.missing);
    if (!('blocks' in what)) {
      entry.fault = nameOfFault(what);
      return sendFault(client, what);
    }
    const takeBack = chosen.advance();
    // A step counts as served when its answer went out whole: a client that left before that gets it again.
    res.once('close', () => {
      if (!res.writableFinished) takeBack();
    });
    if (what.hold !== undefined) await until(res, latches.opened(what.hold));
    if (what.delayMs) await until(res, delay(what.delayMs));
    if (!res.destroyed) sendReply(client, what, ids());
  };

  const server = createServer((req, res) => {
    res.on('error', () => {});
    receive(req, res)
      .then((received) => received && serve(received))
      .catch((error: unknown) => {
        // A step written in code threw, or the client left amid its request: the first shows in the run's transcript.
        if (res.headersSent || res.destroyed) res.destroy();
        else sendError(res, 400, 'invalid_request_error', `The scenario threw: ${error}`);
      });
  });
  // A stalled answer may last longer than any of the server's own patience.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    log,
    waitFor: (predicate, timeoutMs) =>
      new Promise((done, fail) => {
        const look = () => {
          const found = log.find(predicate);
          if (!found) return;
          clearTimeout(timer);
          watchers.delete(look);
          done(found);
        };
        const timer = setTimeout(() => {
          watchers.delete(look);
          fail(new Error(`No such request within ${timeoutMs} ms; there were:\n${log.map(lineOf).join('\n')}`));
        }, timeoutMs);
        watchers.add(look);
        look();
      }),
    release: latches.open,
    play: (key, scenario) => {
      own.set(key, scenario);
      places.delete(key);
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};

interface Received {
  entry: ApiRequest;
  /** Puts the entry into the log. */
  note: () => void;
  place: Place;
  prompts: string[];
  /** Set for a subagent. */
  agent: string | undefined;
  body: Body;
  client: Client;
}

const noteOf = (req: IncomingMessage, key: string): ApiRequest => ({
  at: Date.now(),
  key,
  method: req.method ?? '',
  path: req.url ?? '',
  class: 'other',
  conversation: headerOf(req, 'x-claude-code-session-id'),
  stream: false,
  tools: [],
  prompt: '',
  toolResults: [],
  track: undefined,
  step: undefined,
  fault: undefined,
  violation: undefined,
  bytes: 0,
  status: undefined,
  heldMs: undefined,
  clientClosed: false,
});

const createLatches = () => {
  const open = new Set<string>();
  const waiting = new Map<string, (() => void)[]>();
  return {
    open: (name: string) => {
      open.add(name);
      for (const go of waiting.get(name) ?? []) go();
      waiting.delete(name);
    },
    opened: (name: string): Promise<void> =>
      open.has(name)
        ? Promise.resolve()
        : new Promise((go) => waiting.set(name, [...(waiting.get(name) ?? []), () => go()])),
  };
};

const delay = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Waits, but not longer than the client does. */
const until = (res: ServerResponse, wait: Promise<void>): Promise<void> =>
  Promise.race([wait, new Promise<void>((gone) => res.once('close', gone))]);

const lineOf = (r: ApiRequest): string =>
  `${r.method} ${r.path} ${r.class} track ${r.track} step ${r.step} ${r.fault ?? ''} status ${r.status} held ${r.heldMs}`;
