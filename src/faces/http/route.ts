import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import type { z } from 'zod';
import type { Result } from '../../base/result.ts';
import type { Desk } from '../../desk/desk.ts';
import type { Asking } from '../../model/command.ts';
import type { HttpScope } from '../../model/config.ts';
import type { Failure } from '../../model/failure.ts';
import type { Metrics } from './metrics.ts';
import { ErrorBody, KeyHeader, Named } from './schemas.ts';

/** A route is a path, who may, its schemas, and one deed at the desk. */
export interface RouteDeps {
  desk: Desk;
  metrics: Metrics;
  signal: AbortSignal;
  clean: (text: string) => string;
  /** Counts the clients that follow the journal; returns how many there are. */
  streaming: (change: 1 | -1 | 0) => number;
}

export interface RouteSpec<B extends z.ZodType, Q extends z.ZodType> {
  /** Absent: everybody may. */
  scope?: HttpScope;
  says: string;
  body?: B;
  query?: Q;
  answer: z.ZodType;
  /** Of the answer when it went well. */
  status?: number;
  /** Takes an Idempotency-Key. */
  keyed?: boolean;
}

/** What was asked, parsed. */
export interface Told<B, Q> {
  body: B;
  query: Q;
  /** The part of the path that names something. */
  name: string;
  asking: Asking;
  request: FastifyRequest;
  reply: FastifyReply;
}

export type AddRoute = <B extends z.ZodType, Q extends z.ZodType>(
  url: string,
  spec: RouteSpec<B, Q>,
  deed: (told: Told<z.output<B>, z.output<Q>>) => Result<unknown, Failure> | Promise<Result<unknown, Failure>>,
) => void;

const FAULTS: Record<'get' | 'post', readonly number[]> = {
  get: [400, 404, 429, 500, 503],
  post: [400, 404, 409, 413, 422, 429, 500, 503],
};

export const optionsOf = (
  method: 'get' | 'post',
  url: string,
  { scope, says, body, query, answer: answered, status = 200, keyed }: RouteSpec<z.ZodType, z.ZodType>,
): RouteShorthandOptions => ({
  // Whether a machine is well is asked often and by all.
  config: scope === undefined ? { rateLimit: false } : { scope },
  schema: {
    description: says,
    tags: [scope ?? 'health'],
    ...(scope === undefined ? { security: [] } : {}),
    ...(body ? { body } : {}),
    ...(query ? { querystring: query } : {}),
    ...(url.includes(':name') ? { params: Named } : {}),
    ...(keyed ? { headers: KeyHeader } : {}),
    response: {
      [status]: answered,
      ...Object.fromEntries([...FAULTS[method], ...(scope === undefined ? [] : [401, 403])].map((n) => [n, ErrorBody])),
    },
  },
});

/** The same without what was left out. */
export const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
