import { parseArgs } from 'node:util';
import { type CrowdOptions, type Row, runCrowd } from './crowd.ts';

/** `npm run crowd`: many sessions on one machine, with the real program; what must hold is looked up from outside. */

const USAGE = `npm run crowd -- [options]

  --sessions N   so many sessions (default 64)
  --few N        so many cycles at once while there is not room for all (default 8)
  --turns N      turns of each session, with few at once and with all (default 3)
  --minutes M    all work at once for at least so long (default 0: as long as their turns take)
  --seed S       the agents wait and work the same way again (default 1)
  --json         one line of JSON for each row
`;

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '64' },
    few: { type: 'string', default: '8' },
    turns: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const fail = (line: string): never => {
  process.stderr.write(`${line}\n\n${USAGE}`);
  process.exit(2);
};

const whole = (name: 'sessions' | 'few' | 'turns' | 'seed', least: number): number => {
  const number = Number(values[name]);
  return Number.isInteger(number) && number >= least
    ? number
    : fail(`--${name}: expected a whole number from ${least} on`);
};

const HELD_MS = 20_000;

const optionsOf = (): CrowdOptions => {
  const minutes = Number(values.minutes);
  if (!(minutes >= 0)) fail('--minutes: expected a number');
  return {
    ...{ sessions: whole('sessions', 4), few: whole('few', 1), turns: whole('turns', 1), seed: whole('seed', 0) },
    ...{ busyMs: minutes * 60_000, heldMs: HELD_MS },
  };
};

const sayRows = (rows: readonly Row[]): void => {
  const width = (of: (row: Row) => string) => Math.max(...rows.map((row) => of(row).length));
  const [what, figure, limit] = [width((r) => r.what), width((r) => r.figure), width((r) => r.limit)];
  say(`\n${'what'.padEnd(what)}  ${'figure'.padEnd(figure)}  ${'limit'.padEnd(limit)}  holds`);
  for (const row of rows) {
    const holds = row.holds === undefined ? '' : row.holds ? 'yes' : 'NO';
    say(`${row.what.padEnd(what)}  ${row.figure.padEnd(figure)}  ${row.limit.padEnd(limit)}  ${holds}`.trimEnd());
    if (row.holds === false) for (const line of (row.evidence ?? []).slice(0, EVIDENCE_MAX)) say(`    ${line}`);
  }
};

const EVIDENCE_MAX = 30;

if (values.help) say(USAGE);
else {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopping.abort());
  const rows = await runCrowd({ ...optionsOf(), signal: stopping.signal }, (line) => values.json || say(line));
  if (values.json) for (const row of rows) say(JSON.stringify(row));
  else sayRows(rows);
  process.exitCode = rows.some(({ holds }) => holds === false) ? 1 : 0;
}
