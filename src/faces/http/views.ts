import { z } from 'zod';
import { ok, type Result } from '../../base/result.ts';
import { type Failure, failed } from '../../model/failure.ts';
import { sendEvents } from './events.ts';
import { type AddRoute, defined, type RouteDeps } from './route.ts';
import {
  All,
  Branch,
  BranchShown,
  Crew,
  EntryShown,
  EventsQuery,
  Health,
  LogQuery,
  RequestView,
  SessionDetailShown,
  StatusShown,
  TaskView,
} from './schemas.ts';

/** What there is to look at. */

/** Each holds a connection and reads the journal by itself. */
const STREAMS_MAX = 64;
const LOG_LIMIT_DEFAULT = 50;

export const addViews = (get: AddRoute, deps: RouteDeps): void => {
  const { desk, metrics, clean, signal, streaming } = deps;
  const read = { scope: 'read' } as const;

  get('/status', { ...read, says: 'The factory at a glance.', answer: StatusShown }, async () =>
    ok(await desk.status()),
  );
  get('/queue', { ...read, says: 'The branches that wait to land.', query: All, answer: z.array(Branch) }, (told) =>
    ok(desk.queue(isAll(told.query))),
  );
  get('/queue/:name', { ...read, says: 'Everything about a branch, with its diff.', answer: BranchShown }, ({ name }) =>
    desk.branch(name),
  );
  get('/sessions/:name', { ...read, says: 'Everything about a session.', answer: SessionDetailShown }, ({ name }) =>
    desk.session(name),
  );
  get(
    '/tasks',
    { ...read, says: 'What was asked for and is not done.', query: All, answer: z.array(TaskView) },
    (told) => ok(desk.tasks(isAll(told.query))),
  );
  get('/tasks/:name', { ...read, says: 'One task.', answer: TaskView }, ({ name }) =>
    oneOf(desk.tasks(true), 'task', name),
  );
  get(
    '/requests',
    { ...read, says: 'What waits for a role or is being carried out.', query: All, answer: z.array(RequestView) },
    (told) => ok(desk.requests(isAll(told.query))),
  );
  get('/requests/:name', { ...read, says: 'What became of a request.', answer: RequestView }, ({ name }) =>
    oneOf(desk.requests(true), 'request', name),
  );
  get(
    '/crew',
    { ...read, says: 'What standup and doctor said last, the skills, and the proposals that are open.', answer: Crew },
    () => ok(desk.crew()),
  );
  get(
    '/log',
    { ...read, says: 'The newest entries of the journal, oldest first.', query: LogQuery, answer: z.array(EntryShown) },
    ({ query: { type, limit = LOG_LIMIT_DEFAULT, ...where } }) =>
      ok(desk.log(limit, defined({ ...where, types: type }) as object)),
  );
  get(
    '/events',
    {
      ...read,
      says: 'The journal as it goes on, as server-sent events; Last-Event-ID resumes after that entry.',
      query: EventsQuery,
      answer: z.string().describe('text/event-stream'),
    },
    async ({ query: { type, after, ...where }, request, reply }) => {
      if (streaming(0) >= STREAMS_MAX) return failed('too-many', `${STREAMS_MAX} clients follow the journal already`);
      const last = request.headers['last-event-id'];
      reply.hijack();
      streaming(1);
      try {
        await sendEvents({
          ...{ desk, signal, clean },
          response: reply.raw,
          after: typeof last === 'string' && last !== '' ? last : after,
          filter: defined({ ...where, types: type }) as object,
        });
      } finally {
        streaming(-1);
      }
      return ok(undefined);
    },
  );
  get('/metrics', { ...read, says: 'Figures for Prometheus.', answer: z.string() }, async ({ reply }) => {
    const page = await metrics.page();
    await reply.type(page.type).serializer(String).send(page.text);
    return ok(undefined);
  });
  get('/health', { says: 'Whether this process lives, and whether work is done.', answer: Health }, () =>
    ok(healthOf(deps)),
  );
  get(
    '/health/ready',
    { says: 'The same; 503 while what is asked for is not carried out.', answer: Health },
    ({ reply }) => {
      const health = healthOf(deps);
      if (!health.ready) void reply.code(503).send(health);
      return ok(health);
    },
  );
};

const isAll = ({ all }: z.output<typeof All>): boolean => all === 'true';

const oneOf = <T extends { id: string }>(list: T[], what: string, id: string): Result<T, Failure> => {
  const found = list.find((each) => each.id === id.toUpperCase());
  return found ? ok(found) : failed('not-found', `there is no ${what} ${JSON.stringify(id.slice(0, 40))}`);
};

/** To look is enough: a journal that cannot be read cannot be written either. */
const healthOf = ({ desk }: RouteDeps): z.output<typeof Health> => {
  try {
    const isUp = desk.isUp();
    return { live: true, ready: isUp, factory: isUp ? 'running' : 'down', journal: 'ok' };
  } catch {
    return { live: true, ready: false, factory: 'down', journal: 'failing' };
  }
};
