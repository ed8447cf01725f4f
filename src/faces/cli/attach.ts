import { type Seen, takeOver, watchSession } from '../../desk/attach.ts';
import type { Counter } from '../../desk/counter.ts';
import { createDesk } from '../../desk/desk.ts';
import type { Doors, Factory } from '../../desk/doors.ts';
import { atKeyboard } from '../../desk/person.ts';
import type { SessionDetail } from '../../desk/session.ts';
import type { EntryOf, EntryType, Outcome } from '../../model/entry.ts';
import { failure } from '../../model/failure.ts';
import { DETACH_DEFAULT, type DetachKey } from './detach.ts';
import { handTerminal, type PersonsTerminal, screenOf, sizeOf } from './hand-terminal.ts';
import { renderEntry, TOLD } from './log.ts';
import { plain, plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure } from './say.ts';
import { stopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';
import { cycleLine, seconds } from './words.ts';

/** `winnow attach <session>`: looks on; with `--take` the session is the person’s until they give it back. */
export interface AttachOptions extends Homed {
  take?: boolean;
  message?: string;
  detachKey?: DetachKey;
}

export const attachCommand = (
  doors: Doors,
  terminal: Terminal,
  session: string,
  options: AttachOptions,
): Promise<number> =>
  options.take ? takeCommand(doors, terminal, session, options) : followCommand(doors, terminal, session, options);

// ---- looking on ---------------------------------------------------------------------------------------------------

const followCommand = async (
  doors: Doors,
  terminal: Terminal,
  name: string,
  options: AttachOptions,
): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const counter = opened.value;
  const stop = stopSignal();
  try {
    const desk = createDesk(counter);
    const session = await desk.session(name);
    if (!session.ok) return sayFailure(terminal, session.error);
    terminal.note(headText(session.value, counter.clock.now()));
    if (!desk.isUp()) terminal.note('nothing runs: this is how it was left; it goes on with `winnow up`');
    terminal.note('');
    const signal = AbortSignal.any([stop.signal, terminal.left]);
    for await (const seen of watchSession(counter, name, signal)) show(seen, counter, terminal);
    return 0;
  } finally {
    stop.end();
    await counter.close();
  }
};

const headText = ({ name, project, state, phase, since, doing }: SessionDetail, now: number): string => {
  const long = since === undefined ? '' : ` for ${seconds(Math.max(0, now - Date.parse(since)))}`;
  return plainLine(`${name} of ${project}: ${phase ?? state}${long}: ${doing}`);
};

/** What somebody who looks on wants to know of beside the conversation. */
const BETWEEN: readonly EntryType[] = [...TOLD, 'cycle_started', 'cycle_phase', 'session_handed_over'];

const show = (seen: Seen, { clock }: Counter, terminal: Terminal): void => {
  if (seen.kind === 'happened') {
    if (BETWEEN.includes(seen.entry.type)) terminal.out(renderEntry(seen.entry, terminal, clock.now()));
    return;
  }
  for (const line of seen.lines) terminal.out(paintSaid(plain(line), terminal));
};

/** A line of a conversation begins with what it is: a call, a result, an error, an end. */
const paintSaid = (line: string, { paint }: Terminal): string => {
  if (/^\s*!/.test(line)) return paint('red', line);
  if (line.startsWith('> ')) return paint('cyan', line);
  if (line.startsWith('= ')) return paint('green', line);
  return /^\s+\|/.test(line) ? paint('gray', line) : line;
};

// ---- taking -------------------------------------------------------------------------------------------------------

const takeCommand = async (doors: Doors, terminal: Terminal, name: string, options: AttachOptions): Promise<number> => {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) {
    const missing = stdin.isTTY ? 'standard output' : 'standard input';
    return sayFailure(terminal, failure('no-terminal', `--take needs a terminal, and ${missing} is none`));
  }
  const opened = await doors.openFactory(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const factory = opened.value;
  const course = followCourse(name, terminal);
  const telling = new AbortController();
  try {
    void tell(factory, name, terminal, telling.signal);
    const returned = await takeOver(factory, {
      ...{ session: name, by: (await atKeyboard('cli')).name, title: options.message },
      ...{ giveUp: course.giveUp, stop: course.stop },
      terminal: () => ({ size: sizeOf(stdout), screen: screenOf(process.env) }),
      onHandedOver: ({ fresh, dir }) => {
        telling.abort();
        const key = (options.detachKey ?? DETACH_DEFAULT).name;
        if (fresh !== undefined) terminal.note(`a new conversation is opened: ${plainLine(fresh)}`);
        terminal.note(`its workspace is ${dir}`);
        terminal.note(`${name} is yours: ${key} gives it back, and so does leaving Claude Code`);
      },
      converse: (interaction) => converse(interaction, { input: stdin, output: stdout }, course, { options, terminal }),
      onJudging: (entry) => {
        if (BETWEEN.includes(entry.type) || entry.type === 'check_ran')
          terminal.note(renderEntry(entry, terminal, factory.clock.now()));
      },
    });
    if (!returned.ok) return course.hasGivenUp() ? SIGINT_CODE : sayFailure(terminal, returned.error);
    const { judged, note } = returned.value;
    terminal.out(judged ? renderEnd(judged, name, terminal) : `${name} is given back: ${note}`);
    return course.lostCode() ?? (judged ? EXIT_BY_OUTCOME[judged.data.outcome] : 0);
  } finally {
    telling.abort();
    course.end();
    await factory.close();
  }
};

const converse = async (
  interaction: Parameters<typeof handTerminal>[0],
  persons: PersonsTerminal,
  course: Course,
  { options, terminal }: { options: AttachOptions; terminal: Terminal },
): Promise<void> => {
  course.begin(() => interaction.end());
  try {
    await handTerminal(interaction, persons, { key: options.detachKey ?? DETACH_DEFAULT, onLost: course.lost });
  } finally {
    course.judge();
  }
  const { exitCode } = await interaction.over;
  // Its last words stood on a screen that is gone.
  if (exitCode !== null && exitCode > 0 && exitCode < EXIT_BY_SIGNAL)
    terminal.note(`Claude Code ended with exit ${exitCode}`);
};

/** From here on a shell tells a signal. */
const EXIT_BY_SIGNAL = 128;

/** While it is waited for: what the session says and does until it comes to the boundary. */
const tell = async (factory: Factory, name: string, terminal: Terminal, signal: AbortSignal): Promise<void> => {
  for await (const seen of watchSession(factory, name, signal)) {
    if (!signal.aborted) show(seen, factory, terminal);
  }
};

/** What the signals mean changes on the way: waiting -> the person works -> the work is judged. */
interface Course {
  giveUp: AbortSignal;
  stop: AbortSignal;
  begin(end: () => void): void;
  judge(): void;
  lost(): void;
  hasGivenUp(): boolean;
  lostCode(): number | undefined;
  end(): void;
}

const SIGINT_CODE = 130;
const SIGHUP_CODE = 129;

const followCourse = (name: string, terminal: Terminal): Course => {
  const giveUp = new AbortController();
  const stop = new AbortController();
  let at: 'waiting' | 'conversing' | 'judging' = 'waiting';
  let asked = false;
  let isLost = false;
  let endConversation = () => {};
  const interrupt = () => {
    switch (at) {
      case 'waiting':
        if (asked) return giveUp.abort();
        asked = true;
        terminal.note(`${name} is yours when what runs has ended; Ctrl-C once more gives up`);
        return;
      case 'conversing':
        // Not from the keyboard, which is Claude Code’s: somebody sent it.
        return endConversation();
      case 'judging':
        if (stop.signal.aborted) process.exit(SIGINT_CODE);
        terminal.note('the verdict is not waited for; the work is kept as a patch');
        return stop.abort();
      default:
        at satisfies never;
    }
  };
  const terminate = () => {
    giveUp.abort();
    endConversation();
    stop.abort();
  };
  // The work is judged all the same: nobody has to look on.
  const lost = () => {
    isLost = true;
    if (at === 'waiting') giveUp.abort();
    endConversation();
  };
  const handlers = [
    ['SIGINT', interrupt],
    ['SIGTERM', terminate],
    ['SIGHUP', lost],
  ] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    ...{ giveUp: giveUp.signal, stop: stop.signal, lost },
    begin: (end) => {
      at = 'conversing';
      endConversation = end;
      if (isLost || stop.signal.aborted) end();
    },
    judge: () => {
      at = 'judging';
      endConversation = () => {};
    },
    hasGivenUp: () => giveUp.signal.aborted,
    lostCode: () => (isLost ? SIGHUP_CODE : undefined),
    end: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
};

/** As of `winnow cycle`: the work came to a judged end, whatever the judgement. */
const EXIT_BY_OUTCOME: Record<Outcome, number> = {
  pushed: 0,
  discarded: 0,
  empty: 0,
  failed: 1,
  unevaluated: 3,
  interrupted: SIGINT_CODE,
};

const renderEnd = (entry: EntryOf<'ralph_cycle'>, name: string, { paint }: Terminal): string => {
  const { outcome, branch, patch, report } = entry.data;
  const style = outcome === 'pushed' ? 'green' : outcome === 'failed' ? 'red' : 'yellow';
  return [
    `${name} is given back`,
    paint(style, plain(cycleLine(entry))),
    ...(branch && outcome === 'pushed' ? [`  branch      ${branch}`] : []),
    ...(patch ? [`  patch       ${patch}`] : []),
    ...(report ? [`  report      ${report}`] : []),
  ].join('\n');
};
