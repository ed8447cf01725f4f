import { ok, type Result } from '../../base/result.ts';
import type { Receipt } from '../../desk/desk.ts';
import type { Failure } from '../../model/failure.ts';
import type { RequestArgs, RequestWhat } from '../../model/request.ts';
import { type AddRoute, defined, type RouteDeps, type Told } from './route.ts';
import { Asked, CycleBody, DoctorBody, ReviewBody, StandupBody, TaskBody } from './schemas.ts';
import { requestedText, taskText } from './words.ts';

/** What sets work in motion: answered with 202 once it is durable, whether the factory runs or not. */
export const addTriggers = (post: AddRoute, { desk }: RouteDeps): void => {
  const trigger = { scope: 'trigger', status: 202, answer: Asked, keyed: true } as const;

  const ask = async (
    { asking, reply }: Pick<Told<unknown, unknown>, 'asking' | 'reply'>,
    what: RequestWhat,
    args: RequestArgs,
  ): Promise<Result<Asked, Failure>> => {
    const done = await desk.do({ command: 'request', what, args: defined(args) }, asking);
    return done.ok ? told(reply, requestAsked(done.value)) : done;
  };

  post('/trigger/review', { ...trigger, says: 'Let the reviewer judge what waits, now.', body: ReviewBody }, (t) =>
    ask(t, 'review', t.body),
  );
  post('/trigger/standup', { ...trigger, says: 'Hold a standup now.', body: StandupBody }, (t) =>
    ask(t, 'standup', t.body),
  );
  post('/trigger/doctor', { ...trigger, says: 'Let the doctor look at the sessions now.', body: DoctorBody }, (t) =>
    ask(t, 'doctor', t.body),
  );
  post('/trigger/cycle', { ...trigger, says: 'Run a cycle of one session now.', body: CycleBody }, (t) =>
    ask(t, 'cycle', { sessions: [t.body.session] }),
  );
  post('/trigger/task', { ...trigger, says: 'Queue a task.', body: TaskBody }, async ({ body, asking, reply }) => {
    const done = await desk.do({ command: 'add-task', ...defined(body) }, asking);
    return done.ok ? told(reply, taskAsked(done.value, desk.isUp())) : done;
  });
};

const told = (reply: Told<unknown, unknown>['reply'], asked: Asked): Result<Asked, Failure> => {
  void reply.header('location', asked.href);
  return ok(asked);
};

const requestAsked = (receipt: Receipt<'request'>): Asked => {
  const { request, joined, waits, repeated } = receipt;
  const state = request.settled ? 'settled' : joined ? 'joined' : waits ? 'waits' : 'asked';
  const { id, what } = request;
  return { id, what, state, note: requestedText(receipt), href: `/requests/${id}`, repeated };
};

const taskAsked = ({ task, repeated }: Receipt<'add-task'>, isUp: boolean): Asked => ({
  id: task.id,
  what: 'task',
  state: task.state === 'queued' || task.state === 'assigned' ? (isUp ? 'asked' : 'waits') : 'settled',
  note: task.state === 'queued' ? taskText(isUp) : `it is ${task.state}`,
  href: `/tasks/${task.id}`,
  repeated,
});
