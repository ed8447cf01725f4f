import type { Entry, EntryType } from '../../model/entry.ts';
import { plainLine } from './plain.ts';
import { wrap } from './table.ts';
import type { Style, Terminal } from './terminal.ts';
import { clockText, entryText } from './words.ts';

/**
 * The journal as a person reads it: one line an entry, the important ones in colour. On a screen an important entry
 * goes on below itself rather than lose its end, where the mend stands; a detail is cut.
 */
export const renderEntry = (
  entry: Entry,
  { paint, lineWidth }: Pick<Terminal, 'paint' | 'lineWidth'>,
  now: number,
): string => {
  const when = clockText(entry.ts, now);
  const who = plainLine(entry.session ?? entry.project ?? '').padEnd(NAME_WIDTH);
  const style = styleOf(entry);
  const indent = when.length + who.length + 4;
  const isDetail = style === undefined || style === 'gray';
  const lines = wrap(entryText(entry), Math.max(TEXT_MIN, lineWidth - indent), isDetail ? 1 : LINES_MAX);
  const text = lines.map((line) => (style ? paint(style, line) : line)).join(`\n${' '.repeat(indent)}`);
  return `${paint('gray', when)}  ${who}  ${text}`;
};

/** Most names are shorter; a longer one moves its own line only. */
const NAME_WIDTH = 10;
/** On a screen too narrow for this the terminal wraps by itself. */
const TEXT_MIN = 30;
/** Enough for every mend; a configuration with a hundred mistakes is read with `winnow config check`. */
const LINES_MAX = 8;

export const styleOf = (entry: Entry): Style | undefined => {
  switch (entry.type) {
    case 'ralph_cycle':
      return entry.data.outcome === 'pushed' ? 'green' : entry.data.outcome === 'failed' ? 'red' : 'yellow';
    case 'install_ran':
      return entry.data.ok ? undefined : 'red';
    case 'agent_ran':
      return entry.data.ok ? undefined : 'yellow';
    case 'check_ran':
      return entry.data.state === 'evaluated' ? undefined : 'yellow';
    case 'session_given_back':
      return entry.data.patch === undefined ? undefined : 'yellow';
    case 'evaluated':
      return entry.data.verdict === 'better' ? 'green' : entry.data.verdict === 'same' ? undefined : 'yellow';
    case 'alert':
    case 'config_rejected':
    case 'project_unready':
    case 'journal_damaged':
    case 'task_failed':
    case 'main_red':
    case 'train_blocked':
    case 'role_parked':
      return 'red';
    case 'cto_review':
      return entry.data.decision === 'approve' ? 'green' : 'yellow';
    case 'train_tested':
      return entry.data.state === 'green' ? undefined : 'yellow';
    case 'landing_verified':
      return entry.data.ok ? undefined : 'red';
    case 'gate_closed':
    case 'role_failed':
    case 'session_parked':
    case 'paused':
    case 'plan_refused':
    case 'run_retry_planned':
    case 'test_flaky':
    case 'task_returned':
    case 'branch_moved':
    case 'review_failed':
    case 'branch_dropped':
    case 'revert_proposed':
    case 'dependencies_damaged':
    case 'session_redirected':
    case 'session_taken':
    case 'skill_refused':
    case 'skill_retired':
      return 'yellow';
    case 'branch_pushed':
    case 'merged':
    case 'main_green':
    case 'train_unblocked':
    case 'gate_opened':
    case 'task_done':
    case 'skill_written':
    case 'prompt_applied':
      return 'green';
    case 'cycle_phase':
    case 'claim_taken':
    case 'claim_released':
    case 'intent':
    case 'intent_settled':
    case 'branch_deleted':
    case 'collected':
    case 'main_judged':
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
  'cto_review',
  'review_failed',
  'branch_moved',
  'branch_dropped',
  'merged',
  'train_blocked',
  'train_unblocked',
  'landing_verified',
  'revert_proposed',
  'main_red',
  'main_green',
  'gate_closed',
  'gate_opened',
  'session_parked',
  'session_redirected',
  'session_taken',
  'session_given_back',
  'team_standup',
  'doctor_analysis',
  'prompt_proposed',
  'skill_written',
  'skill_refused',
  'skill_retired',
  'alert',
  'install_ran',
  'project_unready',
  'test_flaky',
  'config_rejected',
  'collected',
  'task_queued',
  'task_done',
];
