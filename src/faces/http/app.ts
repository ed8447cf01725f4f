import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import { jsonSchemaTransform, validatorCompiler } from 'fastify-type-provider-zod';
import type { Desk } from '../../desk/desk.ts';
import type { Config, HttpScope } from '../../model/config.ts';
import { type Failure, FailureError, failure } from '../../model/failure.ts';
import { mayNot, type Visitor, visitorOf } from './access.ts';
import { answer, answerOf, refusalOf } from './answers.ts';
import { createMetrics } from './metrics.ts';
import { addRoutes } from './routes.ts';

/** The routes with everything around them: who may, how often, how much, and what is said when something fails. */
export interface AppDeps {
  desk: Desk;
  /** As it is now: tokens may be changed without a restart. */
  http: () => Config['http'];
  version: string;
  /** Came by the socket in the home. */
  isAtHome: (socket: Socket) => boolean;
  /** Takes out secrets, and where things lie on this machine. */
  clean: (text: string) => string;
  /** For the process log: what nobody outside is told. */
  tell: (line: string) => void;
  signal: AbortSignal;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a visitor must be allowed; absent: everybody may. */
    scope?: HttpScope;
  }
  interface FastifyRequest {
    visitor: Visitor | undefined;
  }
}

/** The longest task, each character written as an escape, with room for the rest. */
const BODY_MAX_BYTES = 256 * 1024;
/** Whoever needs longer to say what they want holds a connection for nothing. */
const REQUEST_MAX_MS = 30_000;
const MINUTE_MS = 60_000;

export const createApp = async (deps: AppDeps): Promise<FastifyInstance> => {
  const app = fastify({
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_MAX_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 600 },
    // A HEAD of the event stream would never end.
    exposeHeadRoutes: false,
    clientErrorHandler: refuseUnread,
  });
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answer(reply, failureOf(deps, error, request), deps.clean),
  );

  let streams = 0;
  const metrics = createMetrics(deps.desk, () => streams);
  app.addHook('onClose', async () => metrics.close());
  app.decorateRequest('visitor', undefined);
  const visit = (request: FastifyRequest) =>
    visitorOf(deps.http(), { headers: request.headers, atHome: deps.isAtHome(request.socket) });
  await app.register(rateLimit, {
    max: () => deps.http().requestsPerMinute,
    timeWindow: MINUTE_MS,
    // By who it is and not by what was sent, or every guess at a token would have a limit of its own.
    keyGenerator: (request) => {
      const visitor = visit(request);
      return visitor.ok ? `name ${visitor.value.name}` : `address ${request.ip}`;
    },
    errorResponseBuilder: (_, { max, after }) =>
      new FailureError(failure('too-many', `more than ${max} requests in a minute; the next is taken in ${after}`)),
  });
  // Behind the limit and before the body: whoever may not speak is not listened to.
  app.addHook('preParsing', async (request) => {
    const scope = request.routeOptions.config?.scope;
    if (scope === undefined) return;
    const visitor = visit(request);
    if (!visitor.ok) throw new FailureError(visitor.error);
    const refused = mayNot(visitor.value, scope);
    if (refused) throw new FailureError(refused);
    request.visitor = visitor.value;
  });
  app.addHook('preValidation', async (request) => {
    // Nothing said is nothing in particular wanted.
    request.body ??= {};
  });
  app.addHook('onSend', async (_, __, payload) => (typeof payload === 'string' ? deps.clean(payload) : payload));
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.counted({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1000 });
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Winnow', version: deps.version, description: DESCRIPTION },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    answer(reply, failure('not-found', `there is no ${request.method} ${request.url.split('?')[0]}`), deps.clean),
  );
  // Encapsulated, so that the hooks and the description above are there when they are added.
  await app.register(async (scoped) =>
    addRoutes(scoped, {
      ...deps,
      metrics,
      streaming: (change) => {
        streams += change;
        return streams;
      },
    }),
  );
  return app;
};

const DESCRIPTION =
  'Ask a Winnow factory for work, look at what it does, and decide what lands. What is asked for is answered with 202 once it is durable.';

/** Nothing that was thrown is shown: only what is in the catalog has words for others. */
const failureOf = ({ tell }: AppDeps, error: FastifyError, request: FastifyRequest): Failure => {
  if (error instanceof FailureError) return error.failure;
  const { statusCode = 500, validation, validationContext = 'request' } = error;
  if (validation) {
    const faults = validation.map(
      ({ instancePath, message = '' }) => `${validationContext}${instancePath}: ${message}`,
    );
    return failure('argument-invalid', faults.join('; '));
  }
  if (statusCode < 500) return refusalOf(statusCode, error.message);
  tell(`HTTP ${request.method} ${request.url.split('?')[0]}: ${error.stack ?? error.message}`);
  return failure('defect', 'this request could not be answered');
};

/** What is no HTTP at all gets an answer of the same shape, where it still can be sent. */
function refuseUnread(_: Error, socket: Socket): void {
  if (!socket.writable || socket.destroyed) return;
  const body = JSON.stringify(
    answerOf(failure('argument-invalid', 'this is no HTTP request that can be read'), String).body,
  );
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
