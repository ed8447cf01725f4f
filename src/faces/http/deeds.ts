import { err, ok, type Result } from '../../base/result.ts';
import type { Receipt } from '../../desk/desk.ts';
import { type Failure, failure } from '../../model/failure.ts';
import { type AddRoute, defined, type RouteDeps } from './route.ts';
import { CommentBody, Done, PauseBody, ReasonBody, RejectBody, ResumeBody, RevertBody, TaskView } from './schemas.ts';

/** What changes what is there at once: the answer says what came of it. */
export const addDeeds = (post: AddRoute, { desk, signal }: RouteDeps): void => {
  const decide = { scope: 'decide', answer: Done } as const;

  post(
    '/tasks/:name/cancel',
    { scope: 'trigger', says: 'Take a task out of the queue.', body: ReasonBody, answer: TaskView },
    async ({ name, body, asking }) =>
      mapped(await desk.do({ command: 'cancel-task', task: name, ...defined(body) }, asking), ({ task }) => task),
  );
  post(
    '/tasks/:name/retry',
    { scope: 'trigger', says: 'Queue a failed or cancelled task once more.', answer: TaskView, keyed: true },
    async ({ name, asking }) =>
      mapped(await desk.do({ command: 'retry-task', task: name }, asking), ({ task }) => task),
  );
  post(
    '/pause',
    {
      ...decide,
      says: 'Start no new cycles, of one session or of all; what runs goes on to its end.',
      body: PauseBody,
    },
    async ({ body, asking }) => mapped(await desk.do({ command: 'pause', ...defined(body) }, asking), noteOnly),
  );
  post('/resume', { ...decide, says: 'Let a session, or all, go on.', body: ResumeBody }, async ({ body, asking }) =>
    mapped(await desk.do({ command: 'resume', ...defined(body) }, asking), noteOnly),
  );
  post(
    '/queue/:name/approve',
    {
      ...decide,
      says: 'Let a branch land, whatever the reviewer said; 409 when it has moved since.',
      body: ReasonBody,
    },
    async ({ name, body, asking }) => {
      const done = await desk.do({ command: 'approve', branch: name, ...defined(body) }, asking);
      return done.ok ? approved(done.value) : done;
    },
  );
  post(
    '/queue/:name/reject',
    { ...decide, says: 'End a branch; its patch is kept.', body: RejectBody },
    async ({ name, body, asking }) =>
      mapped(await desk.do({ command: 'reject', branch: name, ...body }, { ...asking, signal }), ({ branch }) => ({
        note: `${branch.branch} is rejected${branch.patch ? `; its patch is ${branch.patch}` : ''}`,
      })),
  );
  post(
    '/queue/:name/comment',
    { ...decide, says: 'Remark on a branch; the reviewer reads it.', body: CommentBody, keyed: true },
    async ({ name, body, asking }) =>
      mapped(await desk.do({ command: 'comment', branch: name, ...defined(body) }, asking), ({ comment }) => ({
        note: `written down as ${comment}`,
      })),
  );
  post(
    '/revert',
    { ...decide, says: 'Take back what landed; the revert is tested before main moves.', body: RevertBody },
    async ({ body, asking }) =>
      mapped(await desk.do({ command: 'revert', ...defined(body) }, { ...asking, signal }), ({ branch, title }) => ({
        note: `${branch} rides the train: ${title}`,
      })),
  );
  post(
    '/proposals/:name/apply',
    { ...decide, says: 'Change a prompt as the doctor proposes.' },
    async ({ name, asking }) =>
      mapped(await desk.do({ command: 'apply-proposal', proposal: name }, asking), ({ applied }) => ({
        note: `${applied.data.file} is changed`,
      })),
  );
  post(
    '/proposals/:name/dismiss',
    { ...decide, says: 'Refuse a change that the doctor proposes.', body: RejectBody },
    async ({ name, body, asking }) =>
      mapped(await desk.do({ command: 'dismiss-proposal', proposal: name, ...body }, asking), () => ({
        note: 'dismissed',
      })),
  );
  post(
    '/skills/:name/retire',
    { ...decide, says: 'Lend a skill to nobody any more; its file is put aside.', body: ReasonBody },
    async ({ name, body, asking }) =>
      mapped(await desk.do({ command: 'retire-skill', skill: name, ...defined(body) }, asking), ({ retired }) => ({
        note: `${name} is put aside as ${retired.data.file}`,
      })),
  );
  post(
    '/skills/:name/restore',
    { ...decide, says: 'Lend a skill again that was put aside.' },
    async ({ name, asking }) =>
      mapped(await desk.do({ command: 'restore-skill', skill: name }, asking), () => ({
        note: `${name} is lent again`,
      })),
  );
};

const mapped = <T, U>(result: Result<T, Failure>, words: (value: T) => U): Result<U, Failure> =>
  result.ok ? ok(words(result.value)) : result;

const noteOnly = ({ note }: { note: string }) => ({ note });

const approved = (receipt: Receipt<'approve'>): Result<{ note: string }, Failure> => {
  if (receipt.state === 'approved') return ok({ note: `${receipt.entry.data.branch} is approved; the train takes it` });
  const { branch, from, to } = receipt;
  const moved = `${branch} has moved from ${from.slice(0, 10)} to ${to.slice(0, 10)} since; nothing is approved`;
  return err(failure('branch-moved', moved));
};
