import type { Entry, EntryType } from '../../model/entry.ts';
import { plain } from './plain.ts';
import { fit } from './table.ts';
import type { Style, Terminal } from './terminal.ts';
import { clockText, entryText } from './words.ts';

/** The journal as a person reads it: one line an entry, the important ones in colour. */
export const renderEntry = (
  entry: Entry,
  { paint, lineWidth }: Pick<Terminal, 'paint' | 'lineWidth'>,
  now: number,
): string => {
  const when = clockText(entry.ts, now);
  const who = (entry.session ?? entry.project ?? '').padEnd(10);
  const text = plain(entryText(entry));
  return `${paint('gray', when)}  ${who}  ${paintBy(entry, fit(text, Math.max(40, lineWidth - when.length - who.length - 4)), paint)}`;
};

const paintBy = (entry: Entry, text: string, paint: Terminal['paint']): string => {
  const style = styleOf(entry);
  return style ? paint(style, text) : text;
};

const styleOf = (entry: Entry): Style | undefined => {
  switch (entry.type) {
    case 'ralph_cycle':
      return entry.data.outcome === 'pushed' ? 'green' : entry.data.outcome === 'failed' ? 'red' : 'yellow';
    case 'alert':
    case 'config_rejected':
    case 'project_unready':
    case 'journal_damaged':
      return 'red';
    case 'gate_closed':
    case 'session_parked':
    case 'plan_refused':
    case 'run_retry_planned':
      return 'yellow';
    case 'branch_pushed':
    case 'gate_opened':
      return 'green';
    case 'cycle_phase':
    case 'claim_taken':
    case 'intent':
    case 'intent_settled':
      return 'gray';
    default:
      return undefined;
  }
};

/** Entries that a person follows while work goes on; the others are details for `--type`. */
export const TOLD: readonly EntryType[] = [
  'plan_made',
  'plan_refused',
  'run_retry_planned',
  'evaluated',
  'ralph_cycle',
  'branch_pushed',
  'gate_closed',
  'gate_opened',
  'session_parked',
  'alert',
  'install_ran',
  'project_unready',
  'test_flaky',
  'config_rejected',
  'task_queued',
  'task_done',
];
