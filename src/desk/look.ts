import type { RequestWhat } from '../model/request.ts';
import { LISTENING_ROLES, ROLE_BY_REQUEST } from '../model/role.ts';
import { isAlive } from '../ports/machine/processes.ts';
import { createSlots, type SlotView } from '../ports/machine/slots.ts';
import type { Counter } from './counter.ts';
import type { Factory } from './doors.ts';
import { machineFacts } from './machine.ts';
import { type StatusView, statusView } from './status.ts';

/** Gathers what a glance needs: the journal, the machine, and who holds which slot. */
export const look = async (place: Counter | Factory): Promise<StatusView> =>
  statusView({
    home: place.paths.home,
    state: place.journal.state(),
    config: place.config(),
    sessions: place.sessions(),
    facts: await machineFacts(place.paths),
    now: place.clock.now(),
    isAlive,
    slots: 'shop' in place ? await place.shop.slots.view() : await slotsOf(place),
  });

/** Asked of whichever process serves them; a look never makes this process the server. */
const slotsOf = async ({ paths, clock }: Counter): Promise<SlotView[]> => {
  const slots = createSlots({ dir: paths.disposable, who: `status ${process.pid}`, clock, mayServe: false });
  try {
    return await slots.view();
  } finally {
    await slots.close();
  }
};

/** Whether a process of this home now has roles that work; with `what`, the role that carries this out. */
export const isUp = ({ journal }: Counter, what?: RequestWhat): boolean =>
  Object.values(journal.state().processes).some(
    (process) => process.roles.some((role) => works(role, what)) && isAlive(process),
  );

const works = (role: string, what: RequestWhat | undefined): boolean =>
  what === undefined ? !(LISTENING_ROLES as readonly string[]).includes(role) : role === ROLE_BY_REQUEST[what];
