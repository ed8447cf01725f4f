import type { Doors, Factory } from '../../desk/doors.ts';
import { addTasks } from '../../desk/tasks.ts';
import { writeTaskQueue } from '../../flow/task-queue.ts';
import type { EntryOf, Outcome } from '../../model/entry.ts';
import type { Task } from '../../model/task.ts';
import { readGates } from '../../policy/gates.ts';
import { personName } from '../../ports/git/person.ts';
import { recover } from '../../roles/recovery.ts';
import { runCycle } from '../../roles/session.ts';
import { renderEntry, TOLD } from './log.ts';
import { plain } from './plain.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure, sayJson } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { cycleLine } from './words.ts';

/** `winnow cycle <session>`: one pass of one session, now; told as it goes, ended by its entry. */
export const cycleCommand = async (
  doors: Doors,
  terminal: Terminal,
  name: string,
  options: Homed & { task?: string; json?: boolean },
): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const stop = stopSignal();
  const telling = new AbortController();
  try {
    const session = factory.sessions().find((s) => s.name === name);
    if (!session) {
      const names = factory.sessions().map((s) => s.name);
      terminal.note(`winnow: there is no session ${name}; there are ${names.join(', ')}`);
      return 2;
    }
    const shut = await closedGate(factory);
    if (shut) {
      terminal.note(`winnow: gate ${shut.gate} is closed: ${shut.reason}`);
      return 1;
    }
    void tell(factory, name, terminal, telling.signal);
    await recover(factory.shop, factory.sessions());
    const task =
      options.task === undefined
        ? undefined
        : addTasks(factory, [{ text: options.task, session: name, by: await personName() }]);
    if (task && !task.ok) return sayFailure(terminal, task.error);
    const first: Task | undefined = task?.value[0];
    const result = await runCycle(factory.shop, {
      session,
      trigger: first ? 'task' : 'manual',
      ...(first ? { task: first } : {}),
      signal: stop.signal,
    });
    writeTaskQueue(factory.journal, factory.paths.taskQueue);
    if (!result.ok) return sayFailure(terminal, result.error);
    if (options.json) sayJson(terminal, result.value);
    else terminal.out(renderEnd(result.value, terminal));
    return EXIT_BY_OUTCOME[result.value.data.outcome];
  } finally {
    telling.abort();
    stop.end();
    await factory.close();
  }
};

/** The cycle came to a judged end, whatever the judgement: 0. */
const EXIT_BY_OUTCOME: Record<Outcome, number> = {
  pushed: 0,
  discarded: 0,
  empty: 0,
  failed: 1,
  unevaluated: 3,
  interrupted: 130,
};

const closedGate = async (factory: Factory) => {
  const readings = readGates(factory.journal.state(), factory.config(), await factory.facts(), factory.clock.now());
  return readings.find((reading) => reading.closed);
};

const tell = async (factory: Factory, session: string, terminal: Terminal, signal: AbortSignal): Promise<void> => {
  const filter = { session, types: ['cycle_phase' as const, 'check_ran' as const, 'agent_ran' as const, ...TOLD] };
  for await (const entry of factory.journal.follow({ from: 'end', signal, filter })) {
    if (entry.type !== 'ralph_cycle') terminal.note(renderEntry(entry, terminal, factory.clock.now()));
  }
};

const renderEnd = (entry: EntryOf<'ralph_cycle'>, { paint }: Terminal): string => {
  const { data } = entry;
  const style = data.outcome === 'pushed' ? 'green' : data.outcome === 'failed' ? 'red' : 'yellow';
  return [
    paint(style, plain(cycleLine(entry))),
    ...(data.branch && data.outcome === 'pushed' ? [`  branch      ${data.branch}`] : []),
    ...(data.patch ? [`  patch       ${data.patch}`] : []),
    ...(data.report ? [`  report      ${data.report}`] : []),
    ...(data.transcript ? [`  transcript  ${data.transcript}/`] : []),
  ].join('\n');
};
