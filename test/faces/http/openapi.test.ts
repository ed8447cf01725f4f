import { Validator } from '@seriousme/openapi-schema-validator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  Asked,
  Branch,
  Crew,
  EntryShown,
  Health,
  RequestView,
  SessionDetailShown,
  StatusShown,
  TaskView,
} from '../../../src/faces/http/schemas.ts';
import { exampleOf } from '../../model/examples.ts';
import { type Served, serve, TOKENS } from './server.ts';

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

interface Operation {
  description?: string;
  security?: unknown[];
  requestBody?: unknown;
  parameters?: { in: string; name: string }[];
  responses: Record<string, { description: string; content?: object }>;
}

const description = async () => {
  const { status, json } = await served.call('GET', '/openapi.json');
  expect(status).toBe(200);
  return json as { openapi: string; paths: Record<string, Record<string, Operation>> };
};

describe('the OpenAPI description', () => {
  it('is valid', async () => {
    const { valid, errors } = await new Validator().validate(await description());
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it('has every way there is, each told in a sentence, with what it takes and what can go wrong', async () => {
    const { paths } = await description();
    const shown = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => {
        expect(operation.description, path).toMatch(/^[A-Z].*\.$/);
        const parameters = (operation.parameters ?? []).map(({ in: where, name }) => `${where} ${name}`);
        return [
          method.toUpperCase(),
          path,
          Object.keys(operation.responses).join(' '),
          ...(operation.requestBody ? ['body'] : []),
          ...parameters,
        ].join('  ');
      }),
    );
    expect(shown.join('\n')).toMatchInlineSnapshot(`
      "GET  /status  200 400 401 403 404 429 500 503
      GET  /queue  200 400 401 403 404 429 500 503  query all
      GET  /queue/{name}  200 400 401 403 404 429 500 503  path name
      GET  /sessions/{name}  200 400 401 403 404 429 500 503  path name
      GET  /tasks  200 400 401 403 404 429 500 503  query all
      GET  /tasks/{name}  200 400 401 403 404 429 500 503  path name
      GET  /requests  200 400 401 403 404 429 500 503  query all
      GET  /requests/{name}  200 400 401 403 404 429 500 503  path name
      GET  /crew  200 400 401 403 404 429 500 503
      GET  /log  200 400 401 403 404 429 500 503  query type  query session  query project  query cycle  query limit
      GET  /events  200 400 401 403 404 429 500 503  query type  query session  query project  query after
      GET  /metrics  200 400 401 403 404 429 500 503
      GET  /health  200 400 404 429 500 503
      GET  /health/ready  200 400 404 429 500 503
      POST  /trigger/review  202 400 401 403 404 409 413 422 429 500 503  body  header idempotency-key
      POST  /trigger/standup  202 400 401 403 404 409 413 422 429 500 503  body  header idempotency-key
      POST  /trigger/doctor  202 400 401 403 404 409 413 422 429 500 503  body  header idempotency-key
      POST  /trigger/cycle  202 400 401 403 404 409 413 422 429 500 503  body  header idempotency-key
      POST  /trigger/task  202 400 401 403 404 409 413 422 429 500 503  body  header idempotency-key
      POST  /tasks/{name}/cancel  200 400 401 403 404 409 413 422 429 500 503  body  path name
      POST  /tasks/{name}/retry  200 400 401 403 404 409 413 422 429 500 503  path name  header idempotency-key
      POST  /pause  200 400 401 403 404 409 413 422 429 500 503  body
      POST  /resume  200 400 401 403 404 409 413 422 429 500 503  body
      POST  /queue/{name}/approve  200 400 401 403 404 409 413 422 429 500 503  body  path name
      POST  /queue/{name}/reject  200 400 401 403 404 409 413 422 429 500 503  body  path name
      POST  /queue/{name}/comment  200 400 401 403 404 409 413 422 429 500 503  body  path name  header idempotency-key
      POST  /revert  200 400 401 403 404 409 413 422 429 500 503  body
      POST  /proposals/{name}/apply  200 400 401 403 404 409 413 422 429 500 503  path name
      POST  /proposals/{name}/dismiss  200 400 401 403 404 409 413 422 429 500 503  body  path name
      POST  /skills/{name}/retire  200 400 401 403 404 409 413 422 429 500 503  body  path name
      POST  /skills/{name}/restore  200 400 401 403 404 409 413 422 429 500 503  path name"
    `);
  });

  it('is true of what is answered', async () => {
    const { journal } = served.place.counter;
    const where = { project: 'api', session: 'alpha', cycle: 'c1' };
    journal.append<'cycle_started'>({ type: 'cycle_started', ...where, data: exampleOf('cycle_started').data });
    journal.append<'branch_pushed'>({ type: 'branch_pushed', ...where, data: exampleOf('branch_pushed').data });
    const get = async (path: string) => (await served.call('GET', path, { token: TOKENS.reader })).json;
    const review = await served.call('POST', '/trigger/review', { token: TOKENS.robot });
    const task = await served.call('POST', '/trigger/task', {
      token: TOKENS.robot,
      body: { text: 'x', session: 'alpha' },
    });
    for (const answered of [review, task]) Asked.strict().parse(answered.json);
    StatusShown.parse(await get('/status'));
    SessionDetailShown.parse(await get('/sessions/alpha'));
    Branch.array()
      .min(1)
      .parse(await get('/queue'));
    TaskView.array()
      .min(1)
      .parse(await get('/tasks'));
    RequestView.array()
      .min(1)
      .parse(await get('/requests'));
    EntryShown.array()
      .min(3)
      .parse(await get('/log'));
    journal.append<'prompt_proposed'>({ type: 'prompt_proposed', ...where, data: exampleOf('prompt_proposed').data });
    expect(Crew.strict().parse(await get('/crew')).proposals).toHaveLength(1);
    Health.strict().parse(await get('/health'));
    const branch = await served.call('GET', '/queue/alpha', { token: TOKENS.reader });
    expect(branch).toMatchObject({ status: 200, json: { branch: { session: 'alpha' } } });
  });
});
