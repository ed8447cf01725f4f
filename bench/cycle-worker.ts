import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openFactory } from '../src/factory.ts';
import { runCycle } from '../src/roles/session.ts';

/** A process that does nothing but cycles, one for each line it reads, and says what each took: {wallMs, cpuMs}. */

const home = process.argv[2] as string;
const opened = await openFactory(home);
if (!opened.ok) throw new Error(JSON.stringify(opened.error));
const factory = opened.value;
const session = factory.sessions()[0];
if (!session) throw new Error('the home has no session');

/** Own processor time and that of every child that was waited for, by the kernel's clock ticks of 10 ms. */
const cpuTotalMs = (): number => {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const own = process.cpuUsage();
  return (own.user + own.system) / 1000 + (Number(fields[13]) + Number(fields[14])) * 10;
};

console.log(JSON.stringify({ ready: true }));
for await (const _ of createInterface({ input: process.stdin })) {
  const [startedMs, startedCpuMs] = [performance.now(), cpuTotalMs()];
  const ended = await runCycle(factory.shop, { session, trigger: 'manual', signal: new AbortController().signal });
  const wallMs = performance.now() - startedMs;
  const outcome = ended.ok ? ended.value.data.outcome : ended.error.message;
  const reason = ended.ok ? ended.value.data.reason : '';
  console.log(JSON.stringify({ wallMs, cpuMs: cpuTotalMs() - startedCpuMs, outcome, reason }));
}
await factory.close();
