import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { selfIdentity } from '../../../src/ports/machine/processes.ts';
import { CYCLE, DATA } from '../../model/examples.ts';
import { type Family, parseExposition } from './exposition.ts';
import { type Served, serve, TOKENS } from './server.ts';

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const page = async (): Promise<string> => {
  const { status, headers, text } = await served.call('GET', '/metrics', { token: TOKENS.reader });
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return text;
};

const scrape = async (): Promise<Map<string, Family>> => {
  const { families, faults } = parseExposition(await page());
  expect(faults).toEqual([]);
  return families;
};

const figureOf = (
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined =>
  families.get(name)?.samples.find((sample) => JSON.stringify(sample.labels) === JSON.stringify(labels))?.value;

/** A day of a factory in a few lines. */
const live = () => {
  const { journal } = served.place.counter;
  const alpha = { project: 'api', session: 'alpha' };
  const cycle = (name: string, outcome: typeof CYCLE.outcome) => {
    const at = { ...alpha, cycle: name };
    journal.append<'cycle_started'>({
      type: 'cycle_started',
      ...at,
      data: { ...DATA.cycle_started, ...selfIdentity() },
    });
    journal.append<'agent_ran'>({ type: 'agent_ran', ...at, data: { ...DATA.agent_ran, costUsd: 0.25 } });
    if (outcome === 'pushed')
      journal.append<'branch_pushed'>({ type: 'branch_pushed', ...at, data: DATA.branch_pushed });
    journal.append<'ralph_cycle'>({ type: 'ralph_cycle', ...at, data: { ...CYCLE, outcome } });
  };
  cycle('c1', 'pushed');
  for (const name of ['c2', 'c3', 'c4']) cycle(name, 'discarded');
  journal.append<'main_red'>({ type: 'main_red', project: 'web', data: DATA.main_red });
  journal.append<'gate_closed'>({ type: 'gate_closed', data: DATA.gate_closed });
  journal.append<'paused'>({ type: 'paused', session: 'beta', project: 'api', data: DATA.paused });
  journal.append<'requested'>({
    type: 'requested',
    data: { request: 'R1', what: 'review', args: {}, by: { face: 'cli', name: 'mia' } },
  });
  journal.append<'process_started'>({
    type: 'process_started',
    data: { ...selfIdentity(), version: '0', node: '0', roles: ['scheduler', 'train'] },
  });
};

describe('GET /metrics', () => {
  it('is by the format, empty and full', async () => {
    await scrape();
    live();
    const families = await scrape();
    expect([...families.keys()]).toMatchInlineSnapshot(`
      [
        "winnow_sessions",
        "winnow_cycles_total",
        "winnow_kept_ratio",
        "winnow_main_green",
        "winnow_train_blocked",
        "winnow_project_ready",
        "winnow_queue_branches",
        "winnow_queue_oldest_age_seconds",
        "winnow_tasks",
        "winnow_requests_open",
        "winnow_requests_oldest_age_seconds",
        "winnow_session_cost_dollars_total",
        "winnow_cost_today_dollars",
        "winnow_budget_per_day_dollars",
        "winnow_gate_closed",
        "winnow_paused",
        "winnow_slot_capacity",
        "winnow_slot_held",
        "winnow_slot_waiting",
        "winnow_memory_used_ratio",
        "winnow_memory_available_bytes",
        "winnow_disk_free_bytes",
        "winnow_up",
        "winnow_role_processes",
        "winnow_process_start_time_seconds",
        "winnow_journal_entries_total",
        "winnow_journal_damaged_total",
        "winnow_journal_illegal_total",
        "winnow_http_process_memory_bytes",
        "winnow_http_event_loop_delay_seconds",
        "winnow_http_event_streams",
        "winnow_http_requests_total",
        "winnow_http_request_duration_seconds",
      ]
    `);
  });

  it('says what the factory knows', async () => {
    live();
    const families = await scrape();
    const value = (name: string, labels?: Record<string, string>) => figureOf(families, name, labels);
    expect(value('winnow_cycles_total', { outcome: 'pushed' })).toBe(1);
    expect(value('winnow_cycles_total', { outcome: 'discarded' })).toBe(3);
    expect(value('winnow_cycles_total', { outcome: 'failed' })).toBe(0);
    expect(value('winnow_kept_ratio')).toBe(0.25);
    expect(value('winnow_main_green', { project: 'api' })).toBe(1);
    expect(value('winnow_main_green', { project: 'web' })).toBe(0);
    expect(value('winnow_sessions', { state: 'paused' })).toBe(1);
    expect(value('winnow_gate_closed', { gate: 'memory' })).toBe(1);
    expect(value('winnow_gate_closed', { gate: 'disk' })).toBe(0);
    expect(value('winnow_queue_branches', { state: 'pending' })).toBe(1);
    expect(value('winnow_queue_oldest_age_seconds', { state: 'approved' })).toBe(0);
    expect(value('winnow_session_cost_dollars_total', { session: 'alpha' })).toBe(1);
    expect(value('winnow_cost_today_dollars')).toBe(1);
    expect(value('winnow_budget_per_day_dollars')).toBe(20);
    expect(value('winnow_slot_capacity', { slot: 'tsc' })).toBe(2);
    expect(value('winnow_requests_open')).toBe(1);
    expect(value('winnow_up')).toBe(1);
    expect(value('winnow_role_processes', { role: 'train' })).toBe(1);
    for (const name of ['winnow_memory_used_ratio', 'winnow_disk_free_bytes', 'winnow_http_process_memory_bytes'])
      expect(value(name)).toBeGreaterThan(0);
    expect(value('winnow_http_event_loop_delay_seconds', { quantile: '0.99' })).toBeGreaterThanOrEqual(0);
  });

  it('counts what was answered', async () => {
    for (let n = 0; n < 3; n++) await served.call('GET', '/queue', { token: TOKENS.reader });
    await served.call('GET', '/sessions/gamma', { token: TOKENS.reader });
    const families = await scrape();
    const of = (route: string, status: string) =>
      figureOf(families, 'winnow_http_requests_total', { method: 'GET', route, status });
    expect([of('/queue', '200'), of('/sessions/:name', '404')]).toEqual([3, 1]);
  });

  const promtool = (() => {
    try {
      execFileSync('promtool', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  it.runIf(promtool)('passes promtool', async () => {
    live();
    execFileSync('promtool', ['check', 'metrics'], { input: await page() });
  });
});

describe('the reader of the format', () => {
  it.each([
    ['x 1\n', 'outside of its family'],
    ['# HELP x_total h\n# TYPE x_total gauge\nx_total 1\n', 'only a counter'],
    ['# HELP x h\n# TYPE x counter\nx 1\n', 'called _total'],
    ['# HELP x h\n# TYPE x gauge\nx{a="1"} 1\nx{a="1"} 2\n', 'twice'],
    ['# HELP x h\n# TYPE x gauge\nx{a="1""} 1\n', 'no label'],
    ['# HELP x h\n# TYPE x gauge\nx one\n', 'no number'],
    ['# HELP x h\n# TYPE x gauge\nx 1', 'does not end'],
  ])('finds what is wrong with %j', (text, what) => {
    expect(parseExposition(text).faults.join()).toContain(what);
  });
});
