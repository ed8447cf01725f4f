import type { FastifyReply } from 'fastify';
import { type Failure, type FailureKind, failure } from '../../model/failure.ts';

/** What goes wrong, in the words of HTTP: a status, and a body that is the same everywhere. */
export interface Answer {
  status: number;
  body: { error: { kind: FailureKind; message: string; mend: string } };
}

/** What is not in this list is a fault of the factory or its surroundings: 500. */
const STATUS: Partial<Record<FailureKind, number>> = {
  'argument-invalid': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'already-running': 409,
  'branch-moved': 409,
  'entry-illegal': 409,
  'checkout-dirty': 409,
  'commit-gone': 410,
  'too-large': 413,
  'key-reused': 422,
  'too-many': 429,
  'repo-unreachable': 502,
  'push-refused': 502,
  'git-failed': 502,
  'disk-full': 503,
  'journal-write': 503,
};

/** Longer than any sentence of the catalog; a name in it may be anything. */
const MESSAGE_MAX_CHARS = 1_000;

/** `clean` takes out what the other side must not learn: secrets, and where things lie on this machine. */
export const answerOf = ({ kind, message, mend }: Failure, clean: (text: string) => string): Answer => ({
  status: STATUS[kind] ?? 500,
  body: { error: { kind, message: clean(message).slice(0, MESSAGE_MAX_CHARS), mend } },
});

/** What the framework refuses before a route sees it. */
export const refusalOf = (status: number, message: string): Failure => {
  if (status === 413) return failure('too-large', 'the body is longer than 256 KB');
  if (status === 429) return failure('too-many', message);
  if (status === 415) return failure('argument-invalid', 'a body is JSON, with content-type: application/json');
  return failure('argument-invalid', message);
};

export const answer = (reply: FastifyReply, failed: Failure, clean: (text: string) => string): FastifyReply => {
  const { status, body } = answerOf(failed, clean);
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).send(body);
};
