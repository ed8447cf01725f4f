import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Desk } from '../../desk/desk.ts';
import type { SessionView } from '../../desk/status.ts';
import { GATES, Outcome } from '../../model/entry.ts';

/**
 * The figures for Prometheus. What the factory knows is read from the desk at each scrape and set in a registry that
 * lives as long as the scrape: a session that is gone leaves no stale series. Only what this process counts is kept.
 */
export interface Metrics {
  counted(request: { method: string; route: string; status: number; seconds: number }): void;
  /** The whole page, in the text format. */
  page(): Promise<{ type: string; text: string }>;
  close(): void;
}

/** Up to where a trigger should be; beyond it something is wrong. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];

export const createMetrics = (desk: Desk, streams: () => number): Metrics => {
  const own = new Registry();
  const requests = new Counter({
    name: 'winnow_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers: [own],
  });
  const durations = new Histogram({
    name: 'winnow_http_request_duration_seconds',
    help: 'Time until an HTTP request was answered.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers: [own],
  });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  return {
    counted: ({ method, route, status, seconds }) => {
      requests.inc({ method, route, status });
      durations.observe({ route }, seconds);
    },
    page: async () => {
      const scrape = new Registry();
      await setAll(scrape, desk);
      setOwn(scrape, delay, streams());
      const text = await Registry.merge([scrape, own]).metrics();
      return { type: scrape.contentType, text };
    },
    close: () => delay.disable(),
  };
};

type Labels = Record<string, string>;

/** Sets gauges and counters of one registry, each made when it is first set. */
const setter = (registry: Registry) => ({
  gauge: (name: string, help: string, values: [Labels, number][]) => {
    const labelNames = Object.keys(values[0]?.[0] ?? {});
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) gauge.set(labels, value);
  },
  counter: (name: string, help: string, values: [Labels, number][]) => {
    const labelNames = Object.keys(values[0]?.[0] ?? {});
    const counter = new Counter({ name, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) counter.inc(labels, value);
  },
});

const STATES: readonly SessionView['state'][] = ['working', 'taken', 'waiting', 'paused', 'parked'];
const WAITING = ['pending', 'needs-human', 'approved'] as const;

const setAll = async (registry: Registry, desk: Desk): Promise<void> => {
  const [status, machine] = await Promise.all([desk.status(), desk.machine()]);
  const { gauge, counter } = setter(registry);
  const now = Date.parse(status.at);
  const { sessions, projects, queue, slots, gates, processes, today, tasks, journal } = status;
  const ended = (outcome: Outcome) => sum(sessions.map(({ counts }) => counts[outcome] ?? 0));
  const age = (at: string) => Math.max(0, now - Date.parse(at)) / 1000;

  gauge(
    'winnow_sessions',
    'Sessions by state.',
    STATES.map((state) => [{ state }, sessions.filter((session) => session.state === state).length]),
  );
  counter(
    'winnow_cycles_total',
    'Cycles that ended, by outcome.',
    Outcome.options.map((outcome) => [{ outcome }, ended(outcome)]),
  );
  const all = sum(Outcome.options.map(ended));
  gauge('winnow_kept_ratio', 'Share of all cycles whose change was pushed; 0 before the first.', [
    [{}, all === 0 ? 0 : ended('pushed') / all],
  ]);
  gauge(
    'winnow_main_green',
    '1 while nothing on main is known to be broken, by project.',
    projects.map(({ name, red }) => [{ project: name }, red ? 0 : 1]),
  );
  gauge(
    'winnow_train_blocked',
    '1 while approved branches cannot land, by project.',
    projects.map(({ name, blocked }) => [{ project: name }, blocked ? 1 : 0]),
  );
  gauge(
    'winnow_project_ready',
    '1 while the project can be read and installed, by project.',
    projects.map(({ name, unready }) => [{ project: name }, unready ? 0 : 1]),
  );
  gauge(
    'winnow_queue_branches',
    'Branches that have not landed, by state.',
    WAITING.map((state) => [{ state }, queue.filter((branch) => branch.state === state).length]),
  );
  gauge(
    'winnow_queue_oldest_age_seconds',
    'Age of the oldest branch in this state; 0: none.',
    WAITING.map((state) => [{ state }, most(queue.filter((b) => b.state === state).map(({ at }) => age(at)))]),
  );
  gauge(
    'winnow_tasks',
    'Tasks by state.',
    Object.entries(tasks).map(([state, count]) => [{ state }, count]),
  );
  const open = desk.requests(false);
  gauge('winnow_requests_open', 'Requests that wait or are being carried out.', [[{}, open.length]]);
  gauge('winnow_requests_oldest_age_seconds', 'Age of the oldest of them; 0: none.', [
    [{}, most(open.map(({ at }) => age(at)))],
  ]);
  counter(
    'winnow_session_cost_dollars_total',
    'Dollars spent by session.',
    sessions.map(({ name, costUsd }) => [{ session: name }, costUsd]),
  );
  gauge('winnow_cost_today_dollars', 'Dollars spent today (UTC), everything together.', [[{}, today.costUsd]]);
  gauge('winnow_budget_per_day_dollars', 'Dollars that may be spent per day.', [[{}, today.budgetUsd]]);
  gauge(
    'winnow_gate_closed',
    '1 while the gate holds back new work.',
    GATES.map((gate) => [{ gate }, gates.some((closed) => closed.gate === gate) ? 1 : 0]),
  );
  gauge('winnow_paused', '1 while a person holds everything.', [[{}, status.paused === undefined ? 0 : 1]]);
  gauge(
    'winnow_slot_capacity',
    'How many may hold the slot at the same time.',
    slots.map(({ name, capacity }) => [{ slot: name }, capacity]),
  );
  gauge(
    'winnow_slot_held',
    'How many hold it.',
    slots.map(({ name, held }) => [{ slot: name }, held.length]),
  );
  gauge(
    'winnow_slot_waiting',
    'How many wait for it.',
    slots.map(({ name, waiting }) => [{ slot: name }, waiting.length]),
  );
  gauge('winnow_memory_used_ratio', 'Share of the memory that is used, of the container where there is one.', [
    [{}, machine.memoryUsedShare],
  ]);
  gauge('winnow_memory_available_bytes', 'Memory that is left.', [[{}, machine.memoryAvailableBytes]]);
  gauge('winnow_disk_free_bytes', 'Disk space that is left for the home.', [[{}, machine.diskFreeBytes]]);
  const roles = [...new Set(processes.flatMap((process) => process.roles))];
  gauge('winnow_up', '1 while a process runs roles that work.', [[{}, desk.isUp() ? 1 : 0]]);
  gauge(
    'winnow_role_processes',
    'Living processes that run the role.',
    roles.map((role) => [{ role }, processes.filter((process) => process.roles.includes(role)).length]),
  );
  gauge(
    'winnow_process_start_time_seconds',
    'When each living process of the factory started, in seconds since the epoch.',
    processes.map(({ pid, since }) => [{ pid: String(pid) }, Date.parse(since) / 1000]),
  );
  counter('winnow_journal_entries_total', 'Entries of the journal.', [[{}, journal.entries]]);
  counter('winnow_journal_damaged_total', 'Damaged places in the journal that were passed over.', [
    [{}, journal.damaged],
  ]);
  counter('winnow_journal_illegal_total', 'Entries that were illegal for the state they met.', [[{}, journal.illegal]]);
};

const NS_PER_S = 1e9;

/** Of the process that answers. */
const setOwn = (registry: Registry, delay: IntervalHistogram, streams: number): void => {
  const { gauge } = setter(registry);
  const seconds = (ns: number) => (Number.isFinite(ns) ? ns / NS_PER_S : 0);
  gauge('winnow_http_process_memory_bytes', 'Resident memory of the process that answers HTTP.', [
    [{}, process.memoryUsage.rss()],
  ]);
  gauge('winnow_http_event_loop_delay_seconds', 'Delay of its event loop since the last scrape.', [
    [{ quantile: '0.5' }, seconds(delay.percentile(50))],
    [{ quantile: '0.99' }, seconds(delay.percentile(99))],
    [{ quantile: '1' }, seconds(delay.max)],
  ]);
  gauge('winnow_http_event_streams', 'Clients that follow the journal.', [[{}, streams]]);
  delay.reset();
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0);
