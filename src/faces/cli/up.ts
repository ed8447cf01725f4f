import { abortedBy } from '../../base/abort.ts';
import { ok } from '../../base/result.ts';
import type { Doors, Factory } from '../../desk/doors.ts';
import { look } from '../../desk/look.ts';
import { logRefusal } from '../../desk/refusal.ts';
import type { StartPart } from '../../desk/role-at-work.ts';
import { runFactory } from '../../desk/up.ts';
import { ROLES, type RoleName } from '../../model/role.ts';
import { decide } from '../../policy/schedule.ts';
import { renderEntry, TOLD } from './log.ts';
import { EXIT_STAYS_DOWN, type Homed } from './program.ts';
import { sayCannotOpen, sayFailure } from './say.ts';
import { renderStatus } from './status.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { cannotOpenText, relativeText } from './words.ts';
import { sayWhatWouldBe } from './would.ts';

/** `winnow up`: every role, or those that are named, until stopped. */
export const upCommand = async (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { roles?: RoleName[]; dryRun?: boolean; for?: number },
): Promise<number> => {
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) {
    if ('failure' in opened.error && opened.error.failure.kind === 'home-missing' && options.home === undefined) {
      return sayWhatWouldBe(terminal, opened.error.failure);
    }
    logRefusal(options.home, cannotOpenText(opened.error));
    sayCannotOpen(terminal, opened.error);
    return EXIT_STAYS_DOWN;
  }
  const factory = opened.value;
  const { roles = ROLES } = options;
  // SIGHUP reads the configuration again here, so it must not stop the factory.
  const stop = stopSignal(['SIGINT', 'SIGTERM']);
  const telling = new AbortController();
  const ending = abortedBy(stop.signal);
  const { signal } = ending;
  // Not AbortSignal.timeout: with nothing but another signal to hold it, it may be collected, and never comes.
  const over = options.for === undefined ? undefined : setTimeout(() => ending.abort(), options.for);
  // What ends the process is in its log: nobody may have been at the terminal.
  const logCrash = (error: unknown): void =>
    factory.log(`crashed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.on('uncaughtExceptionMonitor', logCrash);
  try {
    if (options.dryRun) return await sayDecision(factory, terminal);
    if (factory.sessions().length === 0) terminal.note('there is no session yet: write sessions/<name>.md');
    const tell = (line: string) => {
      terminal.out(line);
      factory.log(line);
    };
    void tellEntries(factory, terminal, telling.signal);
    terminal.out(
      `Winnow ${doors.version} runs ${factory.paths.home} with ${factory.sessions().length} sessions${
        roles.length === ROLES.length ? '' : ` (${roles.join(', ')})`
      }; stop it with Ctrl-C`,
    );
    const result = await runFactory({
      factory,
      version: doors.version,
      roles,
      faces: { http: [listen], bot: [converse] },
      signal,
      tell,
      onReload: (reload) => {
        process.on('SIGHUP', reload);
        return () => process.off('SIGHUP', reload);
      },
    });
    if (result.ok) return 0;
    factory.log(result.error.message);
    sayFailure(terminal, result.error);
    return result.error.kind === 'role-parked' ? EXIT_STAYS_DOWN : 1;
  } finally {
    process.off('uncaughtExceptionMonitor', logCrash);
    telling.abort();
    clearTimeout(over);
    stop.end();
    await factory.close();
    leaveSoon();
  }
};

/**
 * After the nine seconds of a stop, within ten altogether: what they had to cut off goes on otherwise, with a journal
 * that is closed.
 */
const LEFT_OVER_MS = 500;

/** A process that has ended its work and goes on living would look to PM2 and systemd as if it worked. */
const leaveSoon = (): void => {
  // The channel that PM2 holds to what it starts.
  if (process.connected) process.disconnect();
  // It keeps nothing alive itself: it comes only where something else does.
  setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
};

/** An address that is taken is told and stops nothing: it is tried again, and the factory works meanwhile. */
const listen: StartPart = async ({ factory, version, signal, tell, fail }) => {
  const [{ createDesk }, { startHttp }, { listeningText }] = await Promise.all([
    import('../../desk/desk.ts'),
    import('../http/http.ts'),
    import('../http/words.ts'),
  ]);
  const closing = abortedBy(signal);
  const started = await startHttp({
    ...{ desk: createDesk(factory), config: factory.config, version, redact: factory.shop.redact, tell },
    ...{ home: factory.paths.home, socket: factory.paths.socket, signal: closing.signal },
  });
  if (!started.ok) return started;
  const { addresses, closed } = started.value;
  tell(listeningText(addresses));
  closed.catch(fail);
  return ok({
    stop: () => {
      closing.abort();
      return closed;
    },
    idle: () => closed,
  });
};

/** The bot listens as soon as the configuration has a token, also when that comes later. */
const converse: StartPart = async ({ factory, signal, tell, fail }) => {
  const { startBotOf } = await import('../telegram/start.ts');
  const closing = abortedBy(signal);
  const { ended } = startBotOf(factory, { signal: closing.signal, tell });
  ended.catch(fail);
  return ok({
    stop: () => {
      closing.abort();
      return ended;
    },
    idle: () => ended,
  });
};

const tellEntries = async (factory: Factory, terminal: Terminal, signal: AbortSignal): Promise<void> => {
  for await (const entry of factory.journal.follow({ from: 'end', signal, filter: { types: TOLD } })) {
    const line = renderEntry(entry, terminal, factory.clock.now());
    terminal.out(line);
    factory.log(
      renderEntry(entry, { paint: (_, text) => text, lineWidth: Number.POSITIVE_INFINITY }, factory.clock.now()).trim(),
    );
  }
};

/** What the next tick would do; nothing is written. */
const sayDecision = async (factory: Factory, terminal: Terminal): Promise<number> => {
  const input = {
    state: factory.journal.state(),
    config: factory.config(),
    sessions: factory.sessions(),
    facts: await factory.facts(),
    now: factory.clock.now(),
  };
  const decision = decide(input);
  terminal.out(renderStatus(await look(factory), terminal));
  terminal.out('');
  for (const { session, task } of decision.start)
    terminal.out(`would start ${session}${task ? ` with task ${task}` : ''}`);
  for (const { session, why, untilMs } of decision.wait) {
    const until = untilMs === undefined ? '' : ` (${relativeText(new Date(untilMs).toISOString(), input.now)})`;
    terminal.out(`would not start ${session}: ${why}${until}`);
  }
  return 0;
};
