import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import type { Fault } from './faults.ts';
import { MATRIX } from './matrix.ts';
import { createRandom } from './random.ts';
import { runTrial, type Trial } from './trial.ts';
import { wallMissing } from './wall.ts';
import type { Setting } from './world.ts';

/** `npm run chaos`: every kind of trouble against the real program, git and Claude Code; any loss is a failure. */

const USAGE = `npm run chaos -- [options]

  --trials N     so many trials in all (default: as many as fit into the time)
  --minutes M    begin no trial after this (default 4; 0: no limit, needs --trials)
  --seed S       makes the same choices again (default: of this moment)
  --only A,B     these faults only; --list names them
  --at-once N    trials beside each other (default 2)
  --sandbox S    none, bwrap, or either: the seed decides (default: either, none where bwrap cannot be had)
  --json         one line of JSON for each trial, and one for the whole
  --list         names the faults
`;

const { values } = parseArgs({
  options: {
    trials: { type: 'string' },
    minutes: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    only: { type: 'string' },
    'at-once': { type: 'string', default: '2' },
    sandbox: { type: 'string' },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n\n${USAGE}`);
  process.exit(2);
};

const whole = (name: string, text: string, least: number): number => {
  const number = Number(text);
  return Number.isInteger(number) && number >= least
    ? number
    : fail(`--${name}: expected a whole number from ${least} on`);
};

const wanted = (only: string | undefined): readonly Fault[] => {
  if (only === undefined) return MATRIX;
  return only
    .split(',')
    .map((name) => MATRIX.find((fault) => fault.name === name) ?? fail(`there is no fault ${name}`));
};

const tryAll = async (): Promise<number> => {
  const seed = whole('seed', values.seed, 0);
  const minutes = Number(values.minutes);
  if (!(minutes >= 0)) fail('--minutes: expected a number');
  const most = values.trials === undefined ? Number.POSITIVE_INFINITY : whole('trials', values.trials, 1);
  if (minutes === 0 && most === Number.POSITIVE_INFINITY) fail('--minutes 0 needs --trials');
  const sandboxes = await wallsToTry(values.sandbox);
  const faults: Fault[] = [];
  for (const fault of wanted(values.only)) {
    const missing = await fault.missing?.();
    if (missing === undefined) faults.push(fault);
    else if (!values.json) say(`not tried  ${fault.name}: ${missing}`);
  }
  if (faults.length === 0) return 1;
  const until = minutes === 0 ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000;
  const done: Trial[] = [];
  const order = shuffled(faults, seed);
  const limit = pLimit(whole('at-once', values['at-once'], 1));
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < most && Date.now() < until) {
      const n = begun;
      begun += 1;
      const fault = order[n % order.length]!;
      const trial = await runTrial(fault, seed + n, sandboxes);
      done.push(trial);
      sayTrial(trial);
    }
  };
  await Promise.all(Array.from({ length: limit.concurrency }, () => limit(worker)));
  return sayAll(done, seed);
};

const wallsToTry = async (asked: string | undefined): Promise<readonly Setting['sandbox'][]> => {
  const missing = asked === 'none' ? undefined : await wallMissing();
  switch (asked) {
    case undefined:
      return missing === undefined ? ['none', 'bwrap'] : ['none'];
    case 'none':
      return ['none'];
    case 'bwrap':
    case 'either':
      if (missing !== undefined) fail(`--sandbox ${asked}: ${missing}`);
      return asked === 'bwrap' ? ['bwrap'] : ['none', 'bwrap'];
    default:
      return fail('--sandbox: none, bwrap or either');
  }
};

/** Every fault once before any comes twice, and another order with every seed: a short run meets others each time. */
const shuffled = (faults: readonly Fault[], seed: number): Fault[] => {
  const random = createRandom(seed);
  return faults
    .map((fault) => ({ fault, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ fault }) => fault);
};

const sayTrial = (trial: Trial): void => {
  if (values.json) return say(JSON.stringify(trial));
  const mark = trial.losses.length === 0 ? 'survived' : 'LOST    ';
  const where = `${trial.sandbox === 'none' ? '' : ', behind bwrap'}${trial.apart ? ', roles apart' : ''}`;
  const rests = trial.after === 'rests' ? ', rests and says until when' : '';
  say(`${mark}  ${trial.fault.padEnd(16)} seed ${trial.seed}  ${trial.seconds.toFixed(1)} s${where}${rests}`);
  for (const loss of trial.losses) say(`          ${loss}`);
  if (trial.losses.length > 0) {
    const again = values.sandbox === undefined ? '' : ` --sandbox ${values.sandbox}`;
    say(`          again: npm run chaos -- --only ${trial.fault} --seed ${trial.seed} --trials 1${again}`);
    say(trial.evidence.replace(/^/gm, '          | '));
  }
};

const sayAll = (done: readonly Trial[], seed: number): number => {
  const lost = done.filter(({ losses }) => losses.length > 0);
  if (values.json)
    say(JSON.stringify({ seed, trials: done.length, survived: done.length - lost.length, lost: lost.length }));
  else {
    say('');
    say(`${'fault'.padEnd(18)}${'trials'.padStart(8)}${'survived'.padStart(10)}${'losses'.padStart(8)}  what`);
    for (const { name, what } of MATRIX) {
      const of = done.filter(({ fault }) => fault === name);
      if (of.length === 0) continue;
      const bad = of.filter(({ losses }) => losses.length > 0).length;
      say(
        `${name.padEnd(18)}${String(of.length).padStart(8)}${String(of.length - bad).padStart(10)}${String(bad).padStart(8)}  ${what}`,
      );
    }
    say('');
    say(`${done.length} trials with seed ${seed}: ${done.length - lost.length} survived, ${lost.length} lost`);
  }
  return lost.length > 0 || done.length === 0 ? 1 : 0;
};

if (values.help) say(USAGE);
else if (values.list) for (const { name, what } of MATRIX) say(`${name.padEnd(18)}${what}`);
else process.exitCode = await tryAll();
