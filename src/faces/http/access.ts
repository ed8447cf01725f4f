import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { err, ok, type Result } from '../../base/result.ts';
import type { Config, HttpScope } from '../../model/config.ts';
import { type Failure, failed, failure } from '../../model/failure.ts';

/**
 * Who asks, and what they may do. A token says it; without one the unix socket does, which only the owner of the home
 * can open. On a loopback address without any token configured everybody on this machine may look and ask for work, but
 * decides nothing: agents are on this machine too.
 */
export interface Visitor {
  name: string;
  scopes: readonly HttpScope[];
}

export interface Approach {
  headers: IncomingHttpHeaders;
  /** By the socket in the home. */
  atHome: boolean;
}

const ALL: readonly HttpScope[] = ['read', 'trigger', 'decide'];
const OWNER: Visitor = { name: 'socket', scopes: ALL };
const ANYBODY: Visitor = { name: 'loopback', scopes: ['read', 'trigger'] };

export const visitorOf = (http: Config['http'], { headers, atHome }: Approach): Result<Visitor, Failure> => {
  const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const known = tokensOf(http);
  if (given !== undefined && known.length > 0) {
    const visitor = holderOf(known, given);
    return visitor ? ok(visitor) : failed('unauthorized', 'this token is not known here');
  }
  if (atHome) return ok(OWNER);
  if (known.length > 0) return failed('unauthorized', 'a token is needed here');
  const foreign = foreignPage(headers);
  return foreign ? err(foreign) : ok(ANYBODY);
};

export const mayNot = ({ name, scopes }: Visitor, scope: HttpScope): Failure | undefined =>
  scopes.includes(scope) ? undefined : failure('forbidden', `${name} may ${scopes.join(' and ')} here, not ${scope}`);

interface Token extends Visitor {
  digest: Buffer;
}

const tokensOf = ({ token, tokens }: Config['http']): Token[] => [
  ...(token === undefined ? [] : [{ name: 'token', scopes: ALL, digest: digestOf(token) }]),
  ...tokens.map(({ name, scopes, token: value }) => ({ name, scopes, digest: digestOf(value) })),
];

/** Equally long and without a pattern, whatever was given: what takes how long tells nothing of the token. */
const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** All are compared, also after one was found. */
const holderOf = (known: readonly Token[], given: string): Visitor | undefined => {
  const digest = digestOf(given);
  const held = known.filter((token) => timingSafeEqual(token.digest, digest));
  return held[0];
};

const LOOPBACK_NAMES = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i;

/** Without a token a page in this machine's browser could ask, under a name that it makes lead here. */
const foreignPage = (headers: IncomingHttpHeaders): Failure | undefined => {
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  if (!LOOPBACK_NAMES.test(host)) return failure('forbidden', 'asked for under a name that is not this machine’s');
  if (site === 'cross-site' || site === 'same-site') return failure('forbidden', 'asked for by a page of another site');
  if (origin === undefined || origin === `http://${host}`) return undefined;
  return failure('forbidden', 'asked for by a page of another site');
};
