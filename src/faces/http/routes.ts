import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Asking } from '../../model/command.ts';
import { answer } from './answers.ts';
import { addDeeds } from './deeds.ts';
import { type AddRoute, optionsOf, type RouteDeps } from './route.ts';
import { addTriggers } from './triggers.ts';
import { addViews } from './views.ts';

/** All that there is to ask for. */
export const addRoutes = (app: FastifyInstance, deps: RouteDeps): void => {
  const adder =
    (method: 'get' | 'post'): AddRoute =>
    (url, spec, deed) => {
      const { status = 200 } = spec;
      app[method](url, optionsOf(method, url, spec), async (request, reply) => {
        const { body, query, params } = request as unknown as { body: never; query: never; params: { name?: string } };
        const told = { body, query, name: params.name ?? '', asking: askingOf(request), request, reply };
        const done = await deed(told);
        // A stream has taken the reply over.
        if (reply.sent) return reply;
        return done.ok ? reply.code(status).send(done.value) : answer(reply, done.error, deps.clean);
      });
    };
  addViews(adder('get'), deps);
  addTriggers(adder('post'), deps);
  addDeeds(adder('post'), deps);
  app.get('/openapi.json', { schema: { hide: true } }, async (_, reply) => reply.send(app.swagger()));
};

const askingOf = ({ headers, visitor }: FastifyRequest): Asking => {
  const key = headers['idempotency-key'];
  return {
    asker: { face: 'http', name: visitor?.name ?? 'nobody' },
    ...(typeof key === 'string' && key !== '' ? { key } : {}),
  };
};
