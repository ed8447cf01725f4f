import { UNTIL_RESUMED } from '../model/crew.ts';
import { failure } from '../model/failure.ts';
import { oneLine } from '../policy/placeholders.ts';
import type { Park } from '../policy/treat.ts';
import type { Workshop } from './workshop.ts';

/** Lets a session rest since it met the same error again and again; too often in a day, and a person is asked. */
export const parkLooping = (
  shop: Workshop,
  where: { session: string; project: string; cycle?: string },
  { signature, until, reason }: Park,
): void => {
  shop.journal.append<'session_parked'>({
    type: 'session_parked',
    ...where,
    data: {
      failure: 'error-looping',
      reason: shop.redact(oneLine(reason)),
      until,
      signature: shop.redact(signature),
    },
  });
  askPerson(shop, where.session);
};

/** Alerts are few; of very many the newest say whether this one has been given. */
const ALERTS_READ_MAX = 200;

/** One alert for a park that only a person ends: found missing after a crash, it is given then. */
export const askPerson = (shop: Workshop, session: string): void => {
  const known = shop.journal.state().sessions[session];
  if (known?.parked?.until !== UNTIL_RESUMED) return;
  const [park] = shop.journal.tail(1, { types: ['session_parked'], session });
  const alerts = shop.journal.tail(ALERTS_READ_MAX, { types: ['alert'], session });
  if (park && alerts.some(({ id }) => id > park.id)) return;
  const { message, mend } = failure('error-looping', `${session} stays parked: ${known.parked.reason}`);
  shop.journal.append<'alert'>({
    type: 'alert',
    session,
    ...(known.project ? { project: known.project } : {}),
    data: { message, mend: mend.replace('NAME', session) },
  });
};
