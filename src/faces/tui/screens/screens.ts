import type { Listing } from '../sight.ts';
import type { ScreenName } from '../ui.ts';
import { alerts } from './alerts.ts';
import { doctor } from './doctor.ts';
import { floor } from './floor.ts';
import { gates } from './gates.ts';
import { journal } from './journal.ts';
import { review } from './review.ts';
import { tasks } from './tasks.ts';

/** Screens that are lists; the one of metrics is drawn by itself. */
export const LISTINGS: Partial<Record<ScreenName, Listing>> = { floor, review, tasks, journal, doctor, gates, alerts };

export const TITLES: Record<ScreenName, string> = {
  ...{ floor: 'Floor', review: 'Review', tasks: 'Tasks', journal: 'Journal', doctor: 'Doctor' },
  ...{ metrics: 'Metrics', gates: 'Gates', alerts: 'Alerts' },
};
