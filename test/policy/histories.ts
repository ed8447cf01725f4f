import type { SessionClass } from '../../src/model/crew.ts';
import type { PastCycle, SessionHistory } from '../../src/policy/classify.ts';

/**
 * What sessions can have behind them, written down and labelled before the rules were: one row a history, read from
 * the oldest cycle to the newest. The time in front of each cycle is how long ago it ended.
 */
export interface Labelled {
  name: string;
  label: SessionClass;
  /** The rule that has to say so: a right class for a wrong reason treats the wrong thing. */
  rule: string;
  /** The session under judgement is the first; the others share its hours. */
  crew: SessionHistory[];
}

export const NOW = Date.parse('2026-03-14T12:00:00.000Z');

const MINUTE = 60_000;

/** '2h', '1h30', '45m' */
const msOf = (span: string): number => {
  const [, hours = '0', minutes = '0'] = /^(?:(\d+)h)?(?:(\d+)m?)?$/.exec(span)!;
  return (Number(hours) * 60 + Number(minutes)) * MINUTE;
};

type Past = Omit<PastCycle, 'cycle'>;

const past = (ago: string, more: Partial<Past> & Pick<Past, 'outcome' | 'reason'>): Past => ({
  endedMs: NOW - msOf(ago),
  startedMs: NOW - msOf(ago) - 6 * MINUTE,
  nothing: false,
  broken: [],
  flaky: 0,
  files: [],
  ...more,
});

const pushed = (ago: string, fate: PastCycle['fate'] = 'waits', title = 'Mend a small thing'): Past =>
  past(ago, { outcome: 'pushed', reason: 'better: fixes one failing test', fate, title });
const landed = (ago: string, title?: string): Past => pushed(ago, 'landed', title);
const rejected = (ago: string, title?: string): Past => pushed(ago, 'lost', title);
const breaks = (ago: string, broken: string, title?: string): Past =>
  past(ago, {
    outcome: 'discarded',
    reason: `breaks 1 test: ${broken}`,
    broken: [broken],
    ...(title ? { title } : {}),
  });
const refused = (ago: string, reason: string): Past => past(ago, { outcome: 'discarded', reason });
const nothing = (ago: string): Past =>
  past(ago, {
    outcome: 'empty',
    nothing: true,
    reason: 'nothing worth doing was found: all of lib/ is tested',
  });
const empty = (ago: string, reason: string): Past => past(ago, { outcome: 'empty', reason });
const failed = (ago: string, failure: string, reason: string): Past =>
  past(ago, { outcome: 'failed', failure, reason });
const unevaluated = (ago: string, reason: string): Past => past(ago, { outcome: 'unevaluated', reason });
const interrupted = (ago: string): Past =>
  past(ago, { outcome: 'interrupted', reason: 'stopped while the agent worked' });
const ofTask = (task: string, closed: boolean, cycle: Past): Past => ({ ...cycle, task: { id: task, closed } });

/** "alpha", every quarter of an hour, with nothing in its way. */
const alpha = (cycles: Past[], more: Partial<SessionHistory> = {}): SessionHistory => named('alpha', cycles, more);

const named = (session: string, cycles: Past[], more: Partial<SessionHistory> = {}): SessionHistory => ({
  session,
  everyMs: 15 * MINUTE,
  freeSinceMs: NOW - msOf('48h'),
  cycles: cycles.map((cycle, n) => ({ cycle: `${session}-${n + 1}`, ...cycle })),
  ...more,
});

const held = (why: string): Partial<SessionHistory> => ({ held: why });

/** Every quarter of an hour from the first time on, the newest last. */
const times = (count: number, newestAgoMinutes = 10): string[] =>
  Array.from({ length: count }, (_, n) => `${newestAgoMinutes + (count - 1 - n) * 15}m`);

const row = (label: SessionClass, rule: string, name: string, ...crew: SessionHistory[]): Labelled => ({
  name,
  label,
  rule,
  crew,
});

const ADDS = 'tests: sum.test.ts > adds';
const PARSES = 'tests: parse.test.ts > parses a date';
const CRASH = 'The run ended without a result (killed by signal 9).';
const OVERLOADED = 'The service is overloaded (529), request req_011CSHoEeqs5C35K2UUqR7Fy';

export const HISTORIES: Labelled[] = [
  // ---- its work is kept
  row('productive', 'kept', 'every cycle lands', alpha(times(6).map((ago) => landed(ago)))),
  row(
    'productive',
    'kept',
    'one in three is kept',
    alpha([
      landed('95m'),
      breaks('80m', ADDS),
      breaks('65m', PARSES),
      landed('50m'),
      breaks('35m', ADDS),
      breaks('20m', PARSES),
    ]),
  ),
  row(
    'productive',
    'kept',
    'pushed, and all of it waits for a person since hours',
    alpha([pushed('3h'), pushed('2h'), pushed('1h'), pushed('10m')]),
  ),
  row(
    'productive',
    'kept',
    'one landed change, then long quiet, since it runs every six hours',
    alpha([landed('5h50')], { everyMs: msOf('6h') }),
  ),
  row(
    'productive',
    'kept',
    'every six hours, due a quarter of an hour ago',
    alpha([landed('6h10')], { everyMs: msOf('6h') }),
  ),
  row(
    'productive',
    'kept',
    'two different errors, alternating with successes',
    alpha([
      breaks('100m', ADDS),
      landed('85m'),
      breaks('70m', PARSES),
      landed('55m'),
      breaks('40m', ADDS),
      landed('25m'),
      breaks('10m', PARSES),
    ]),
  ),
  row(
    'productive',
    'kept',
    'four misses after a success are still chance',
    alpha([
      landed('70m'),
      breaks('55m', ADDS),
      breaks('40m', PARSES),
      refused('25m', 'adds 2 errors: a.ts TS2322'),
      breaks('10m', 'lint: no-undef'),
    ]),
  ),
  row(
    'productive',
    'kept',
    'the same error twice, then kept',
    alpha([breaks('40m', ADDS), breaks('25m', ADDS), pushed('10m')]),
  ),
  row(
    'productive',
    'kept',
    'a loop that it has left behind',
    alpha([...times(4, 40).map((ago) => breaks(ago, ADDS)), pushed('25m'), breaks('10m', ADDS)]),
  ),
  row(
    'productive',
    'kept',
    'a success, and a long run of restarts since',
    alpha([landed('3h'), ...times(8).map(interrupted)]),
  ),
  row(
    'productive',
    'kept',
    'kept work, and one branch of it rejected',
    alpha([landed('55m'), rejected('40m'), landed('25m'), rejected('10m')]),
  ),

  // ---- nothing says that it is not
  row(
    'productive',
    'nothing-against',
    'new: it never ran, and its first cycle is due just now',
    alpha([], { freeSinceMs: NOW - msOf('5m') }),
  ),
  row('productive', 'nothing-against', 'new: one cycle, discarded', alpha([breaks('10m', ADDS)])),
  row('productive', 'nothing-against', 'new: one cycle, crashed', alpha([failed('10m', 'crashed', CRASH)])),
  row(
    'productive',
    'nothing-against',
    'the same error twice happens by accident',
    alpha([breaks('25m', ADDS), breaks('10m', ADDS)]),
  ),
  row('productive', 'nothing-against', 'two cycles that found nothing', alpha([nothing('25m'), nothing('10m')])),
  row(
    'productive',
    'nothing-against',
    'nothing but restarts: twelve interrupted cycles',
    alpha(times(12).map(interrupted)),
  ),
  row(
    'productive',
    'held',
    'every failure is older than the window',
    alpha(
      ['20h', '19h', '18h', '17h', '16h'].map((ago) => breaks(ago, ADDS)),
      held('gate memory is closed'),
    ),
  ),
  row(
    'productive',
    'working',
    'one big refactoring: its first cycle runs for five hours',
    alpha([], { running: { sinceMs: NOW - msOf('5h'), phase: 'hack' } }),
  ),
  row(
    'productive',
    'kept',
    'one big refactoring after one success',
    alpha([landed('4h10')], { running: { sinceMs: NOW - msOf('4h'), phase: 'evaluate' } }),
  ),
  row(
    'productive',
    'kept',
    'the clock was set back: its last cycle ends in two hours',
    alpha([{ ...landed('0m'), endedMs: NOW + msOf('2h'), startedMs: NOW + msOf('1h50') }]),
  ),
  row(
    'productive',
    'nothing-against',
    'the clock was set back by a year and it was free long ago',
    alpha([{ ...breaks('0m', ADDS), endedMs: NOW + msOf('8760h'), startedMs: NOW + msOf('8759h') }]),
  ),
  row(
    'productive',
    'nothing-against',
    'an API storm: five runs met an overloaded service',
    alpha(times(5).map((ago) => failed(ago, 'overloaded', OVERLOADED))),
  ),
  row(
    'productive',
    'nothing-against',
    'the usage limit cut off three runs',
    alpha(
      times(3).map((ago) =>
        failed(ago, 'usage-limit', 'The five-hour usage limit is reached (until 2026-03-14T13:00:00.000Z).'),
      ),
    ),
  ),
  row(
    'productive',
    'nothing-against',
    'the remote was away for an hour',
    alpha(
      times(4).map((ago) =>
        failed(ago, 'repo-unreachable', 'ssh: connect to host git.example.org port 22: Connection timed out'),
      ),
    ),
  ),
  row(
    'productive',
    'held',
    'the budget of the day was spent again and again',
    alpha(
      times(6).map((ago) => empty(ago, 'the budget of the day is used up ($0.00 left)')),
      held('gate budget is closed'),
    ),
  ),
  row(
    'productive',
    'nothing-against',
    'the same crash for everybody: three sessions meet it',
    alpha(times(4).map((ago) => failed(ago, 'crashed', CRASH))),
    named(
      'beta',
      times(4).map((ago) => failed(ago, 'crashed', CRASH)),
    ),
    named(
      'gamma',
      times(2).map((ago) => failed(ago, 'crashed', CRASH)),
    ),
  ),
  row(
    'productive',
    'nothing-against',
    'the test runner of the project is gone: no session is evaluated',
    alpha(times(6).map((ago) => unevaluated(ago, 'tests says nothing about main (missing): vitest: not found'))),
    named(
      'beta',
      times(3).map((ago) => unevaluated(ago, 'tests says nothing about main (missing): vitest: not found')),
    ),
    named(
      'gamma',
      times(3).map((ago) => unevaluated(ago, 'tests says nothing about main (missing): vitest: not found')),
    ),
    named(
      'delta',
      times(3).map((ago) => landed(ago)),
    ),
  ),
  row(
    'productive',
    'nothing-against',
    'everything it broke is known to be flaky',
    alpha(times(6).map((ago) => past(ago, { outcome: 'discarded', reason: 'breaks 1 test: clock.test.ts', flaky: 1 }))),
  ),
  row(
    'productive',
    'nothing-against',
    'a task failed three times by one error, and the queue has put it aside',
    alpha(times(3).map((ago) => ofTask('T1', true, breaks(ago, ADDS)))),
  ),
  row(
    'productive',
    'kept',
    'kept work, then a task that failed three times and was put aside',
    alpha([landed('70m'), ...times(3).map((ago) => ofTask('T1', true, breaks(ago, ADDS)))]),
  ),
  row(
    'productive',
    'nothing-against',
    'two tasks, each failed three times and put aside',
    alpha([
      ...times(3, 55).map((ago) => ofTask('T1', true, breaks(ago, ADDS))),
      ...times(3, 10).map((ago) => ofTask('T2', true, breaks(ago, PARSES))),
    ]),
  ),

  row(
    'productive',
    'nothing-against',
    'four branches in a row rejected are still chance',
    alpha(times(4).map((ago) => rejected(ago))),
  ),
  row(
    'productive',
    'nothing-against',
    'four misses, and twice nothing worth doing, which is no miss',
    alpha([
      breaks('85m', ADDS),
      nothing('70m'),
      breaks('55m', PARSES),
      nothing('40m'),
      breaks('25m', 'lint: a'),
      breaks('10m', 'lint: b'),
    ]),
  ),

  // ---- held back: quiet, and it cannot help it
  row('productive', 'held', 'nothing in twelve hours, behind a closed gate', alpha([], held('gate memory is closed'))),
  row(
    'productive',
    'kept',
    'kept work, then nine hours behind a closed gate',
    alpha([landed('9h')], held('gate memory is closed')),
  ),
  row('productive', 'held', 'paused by a person since yesterday', alpha([], held('paused by mia'))),
  row('productive', 'held', 'its project cannot be installed', alpha([], held('api: npm ci failed'))),
  row('productive', 'kept', 'main is red since six hours', alpha([landed('6h30')], held('main of api is red'))),
  row(
    'productive',
    'held',
    'its own budget for today is spent',
    alpha([], held('its budget of $5.00 for today is spent')),
  ),
  row('productive', 'held', 'the factory does not run', alpha([], held('no factory runs'))),
  row(
    'productive',
    'kept',
    'the gate opened ten minutes ago after a night',
    alpha([landed('8h')], { freeSinceMs: NOW - msOf('10m') }),
  ),
  row(
    'productive',
    'nothing-against',
    'a person let it go on after a loop, and it has not run since',
    alpha(
      times(5, 40).map((ago) => breaks(ago, ADDS)),
      { freshSinceMs: NOW - msOf('20m') },
    ),
  ),

  // ---- stuck
  row(
    'stuck',
    'unkept',
    'five different misses in a row',
    alpha([
      breaks('70m', ADDS),
      refused('55m', 'adds 1 error: a.ts TS2322'),
      breaks('40m', PARSES),
      empty('25m', 'the agent changed nothing'),
      breaks('10m', 'lint: no-undef'),
    ]),
  ),
  row(
    'stuck',
    'unkept',
    'kept long ago, and five misses since',
    alpha([
      landed('5h'),
      breaks('70m', ADDS),
      breaks('55m', PARSES),
      breaks('40m', ADDS),
      refused('25m', 'touches package.json'),
      breaks('10m', 'lint: no-undef'),
    ]),
  ),
  row(
    'stuck',
    'unkept',
    'all its branches are pushed and every one is rejected',
    alpha(times(5).map((ago) => rejected(ago))),
  ),
  row(
    'stuck',
    'unkept',
    'rejected, discarded and empty by turns',
    alpha([
      rejected('85m'),
      breaks('70m', ADDS),
      rejected('55m'),
      empty('40m', 'main already holds this change'),
      rejected('25m'),
      breaks('10m', PARSES),
    ]),
  ),
  row(
    'stuck',
    'circles',
    'busy in circles: two approaches that fail, A-B-A-B',
    alpha([
      breaks('55m', ADDS, 'Round up'),
      breaks('40m', PARSES, 'Round down'),
      breaks('25m', ADDS, 'Round up'),
      breaks('10m', PARSES, 'Round down'),
    ]),
  ),
  row(
    'stuck',
    'unkept',
    'busy in circles for eight cycles',
    alpha(times(8).map((ago, n) => breaks(ago, n % 2 === 0 ? ADDS : PARSES))),
  ),
  row(
    'stuck',
    'unkept',
    'misses with restarts between them',
    alpha([
      breaks('2h', ADDS),
      interrupted('1h50'),
      breaks('95m', PARSES),
      interrupted('80m'),
      breaks('65m', 'lint: a'),
      breaks('40m', 'lint: b'),
      interrupted('25m'),
      breaks('10m', 'lint: c'),
    ]),
  ),
  row(
    'stuck',
    'unkept',
    'misses, and now and then nothing worth doing',
    alpha([
      breaks('2h', ADDS),
      nothing('105m'),
      breaks('90m', PARSES),
      breaks('75m', 'lint: a'),
      nothing('60m'),
      breaks('45m', 'lint: b'),
      breaks('10m', 'lint: c'),
    ]),
  ),
  row(
    'stuck',
    'unkept',
    'stuck, and its gate has closed meanwhile',
    alpha(
      times(5, 60).map((ago, n) => breaks(ago, `tests: t${'abcde'[n]} > works`)),
      held('gate memory is closed'),
    ),
  ),
  row(
    'stuck',
    'unkept',
    'five misses, and the sixth cycle is under way',
    alpha(
      times(5, 25).map((ago, n) => breaks(ago, `tests: t${'abcde'[n]} > works`)),
      { running: { sinceMs: NOW - msOf('12m'), phase: 'hack' } },
    ),
  ),
  row(
    'stuck',
    'unkept',
    'its plans are sent back, each for another reason',
    alpha(
      ['alpha', 'beta', 'gamma', 'delta', 'omega'].map((other, n) =>
        empty(times(5)[n]!, `no acceptable plan: ${other} is working on ${other}.ts right now`),
      ),
    ),
  ),
  row(
    'stuck',
    'unkept',
    'a task that is still open among the misses',
    alpha([
      ...times(2, 55).map((ago) => ofTask('T1', false, breaks(ago, ADDS))),
      breaks('40m', PARSES),
      breaks('25m', ADDS),
      breaks('10m', 'lint: a'),
    ]),
  ),

  // ---- idle
  row('idle', 'silent', 'quiet for five hours, and nothing held it back', alpha([landed('5h')])),
  row(
    'idle',
    'silent',
    'a loop long ago, and quiet since',
    alpha(['9h', '8h45', '8h30'].map((ago) => breaks(ago, ADDS))),
  ),
  row('idle', 'silent', 'never ran, though it could for a day', alpha([], { freeSinceMs: NOW - msOf('24h') })),
  row(
    'idle',
    'silent',
    'every six hours, and the last time was ten hours ago',
    alpha([landed('10h')], { everyMs: msOf('6h') }),
  ),
  row(
    'idle',
    'silent',
    'the gate opened three hours ago and it did not begin',
    alpha([landed('8h')], { freeSinceMs: NOW - msOf('3h') }),
  ),
  row('idle', 'nothing-to-do', 'nothing worth doing, three times', alpha(times(3).map(nothing))),
  row(
    'idle',
    'nothing-to-do',
    'kept work until there was nothing left',
    alpha([landed('70m'), landed('55m'), nothing('40m'), nothing('25m'), nothing('10m')]),
  ),
  row(
    'idle',
    'nothing-to-do',
    'a loop that ended in nothing worth doing',
    alpha([...times(3, 55).map((ago) => breaks(ago, ADDS)), nothing('40m'), nothing('25m'), nothing('10m')]),
  ),

  // ---- error-looping
  row('error-looping', 'loop', 'the same test broken three times', alpha(times(3).map((ago) => breaks(ago, ADDS)))),
  row(
    'error-looping',
    'loop',
    'kept work, then a loop',
    alpha([landed('85m'), landed('70m'), ...times(4).map((ago) => breaks(ago, ADDS))]),
  ),
  row('error-looping', 'loop', 'many cycles with one error', alpha(times(20).map((ago) => breaks(ago, ADDS)))),
  row(
    'error-looping',
    'loop',
    'the same crash, with other numbers each time',
    alpha([
      failed(
        '40m',
        'crashed',
        'The run ended without a result (exit code 134): heap out of memory at 0x7f3a91c2 after 1841 ms',
      ),
      failed(
        '25m',
        'crashed',
        'The run ended without a result (exit code 134): heap out of memory at 0x7f11bb02 after 2203 ms',
      ),
      failed(
        '10m',
        'crashed',
        'The run ended without a result (exit code 134): heap out of memory at 0x7fee0142 after 977 ms',
      ),
    ]),
  ),
  row(
    'error-looping',
    'loop',
    'the same refusal, with another hour and title each time',
    alpha([
      empty('40m', 'no acceptable plan: alpha tried “Round up” on 2026-03-14 10:10 and it was discarded: breaks it'),
      empty('25m', 'no acceptable plan: alpha tried “Round it up” on 2026-03-14 10:25 and it was discarded: breaks it'),
      empty(
        '10m',
        'no acceptable plan: alpha tried “Always round up” on 2026-03-14 10:40 and it was discarded: breaks it',
      ),
    ]),
  ),
  row(
    'error-looping',
    'loop',
    'the same error in temporary directories of other names',
    alpha(
      ['a81f', '77c0', '09de'].map((dir, n) =>
        unevaluated(times(3)[n]!, `tests: ENOENT: no such file, open '/tmp/run-${dir}4c2b91e0/report.xml'`),
      ),
    ),
  ),
  row(
    'error-looping',
    'loop',
    'three times a protected path',
    alpha(times(3).map((ago) => refused(ago, 'refused: protected-path in package.json'))),
  ),
  row(
    'error-looping',
    'loop',
    'three times no change at all',
    alpha(times(3).map((ago) => empty(ago, 'the agent changed nothing'))),
  ),
  row(
    'error-looping',
    'loop',
    'a loop with restarts in it',
    alpha([breaks('70m', ADDS), interrupted('55m'), breaks('40m', ADDS), interrupted('25m'), breaks('10m', ADDS)]),
  ),
  row(
    'error-looping',
    'loop',
    'a loop through an API storm',
    alpha([
      breaks('70m', ADDS),
      failed('55m', 'overloaded', OVERLOADED),
      breaks('40m', ADDS),
      failed('25m', 'rate-limit', 'Too many requests'),
      breaks('10m', ADDS),
    ]),
  ),
  row(
    'error-looping',
    'loop',
    'the same two broken tests, in another order',
    alpha(
      times(3).map((ago, n) =>
        past(ago, {
          outcome: 'discarded',
          reason: 'breaks 2 tests',
          broken: n === 1 ? [PARSES, ADDS] : [ADDS, PARSES],
        }),
      ),
    ),
  ),
  row(
    'error-looping',
    'loop',
    'one open task that fails by the same crash, uncounted',
    alpha(times(3).map((ago) => ofTask('T1', false, failed(ago, 'crashed', CRASH)))),
  ),
  row(
    'error-looping',
    'loop',
    'one of two sessions loops, and the other works',
    alpha(times(3).map((ago) => breaks(ago, ADDS))),
    named(
      'beta',
      times(3).map((ago) => landed(ago)),
    ),
  ),
  row(
    'error-looping',
    'loop',
    'a loop, and it is parked for it',
    alpha(
      times(3, 30).map((ago) => breaks(ago, ADDS)),
      held('parked: the same error 3 times in a row'),
    ),
  ),
  row(
    'error-looping',
    'loop',
    'five misses of which the last three are one error',
    alpha([breaks('70m', PARSES), refused('55m', 'adds 1 error'), ...times(3).map((ago) => breaks(ago, ADDS))]),
  ),
  row(
    'error-looping',
    'loop',
    'a model that does not exist, in its own front matter',
    alpha(times(3).map((ago) => failed(ago, 'model-not-found', 'There is an issue with the selected model (opsu).'))),
  ),
  row(
    'error-looping',
    'loop',
    'three of seven sessions loop by one error: a minority’s error is its own',
    alpha(times(3).map((ago) => breaks(ago, ADDS))),
    ...['beta', 'gamma'].map((name) =>
      named(
        name,
        times(3).map((ago) => breaks(ago, ADDS)),
      ),
    ),
    ...['delta', 'epsilon', 'zeta', 'eta'].map((name) =>
      named(
        name,
        times(3).map((ago) => landed(ago)),
      ),
    ),
  ),
];
