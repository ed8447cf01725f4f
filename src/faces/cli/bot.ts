import type { Doors, Factory } from '../../desk/doors.ts';
import { telegramBot } from '../../desk/telegram.ts';
import { failure } from '../../model/failure.ts';
import type { Sender } from '../../model/message.ts';
import { BOT_LOCK } from '../telegram/start.ts';
import { MENU, standingText } from '../telegram/words.ts';
import { inFactory } from './open.ts';
import { plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayCannotOpen, sayFailure, sayJson } from './say.ts';
import type { Terminal } from './terminal.ts';
import { upCommand } from './up.ts';

/** `winnow bot`: the role `bot` in a process of its own, for a home whose other roles run elsewhere or not at all. */
export const botCommand = async (doors: Doors, terminal: Terminal, options: Homed): Promise<number> => {
  const opened = await doors.openCounter(options.home);
  if (!opened.ok) return sayCannotOpen(terminal, opened.error);
  const hasToken = opened.value.config().telegram?.token !== undefined;
  await opened.value.close();
  return hasToken ? upCommand(doors, terminal, { ...options, roles: ['bot'] }) : sayFailure(terminal, noToken());
};

const noToken = () =>
  failure(
    'config-invalid',
    'there is no Telegram bot: put its token into .env as TELEGRAM_BOT_TOKEN, and `telegram: { token: env:TELEGRAM_BOT_TOKEN }` into winnow.config.yaml; docs/telegram.md tells how to get one',
  );

/** `winnow bot setup`: waits until somebody writes to the bot, and prints what lets them in. */
export const botSetupCommand = (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory, signal }) => {
    if (factory.config().telegram?.token === undefined) return sayFailure(terminal, noToken());
    const lock = await factory.shop.slots.tryAcquire(BOT_LOCK, 1, `setup ${process.pid}`);
    if (!lock) return sayFailure(terminal, failure('already-running', listensText(factory)));
    const from = await firstToWrite(factory, terminal, signal);
    if (!from) return signal.aborted ? 130 : 1;
    if (options.json) sayJson(terminal, from);
    else terminal.out(letInText(from));
    return 0;
  });

/** What is read here is not acknowledged: the bot gets it when it listens, and answers whoever is let in by then. */
const firstToWrite = async (factory: Factory, terminal: Terminal, signal: AbortSignal): Promise<Sender | undefined> => {
  const { shop } = factory;
  const heard = new AbortController();
  let from: Sender | undefined;
  const bot = telegramBot(factory);
  await bot.listen({
    menu: MENU,
    signal: AbortSignal.any([signal, heard.signal]),
    received: async (message) => {
      from ??= message.from;
      heard.abort();
    },
    met: (standing) => {
      if (standing.state === 'listening')
        return terminal.note(`write to @${plainLine(standing.self.name)} now, in the chat where you want it: /start`);
      terminal.note(plainLine(shop.redact(standingText(standing, false))));
      if (standing.state === 'fault' && standing.fault.kind === 'token') heard.abort();
    },
  });
  return from;
};

const letInText = ({ chat, user, name }: Sender): string =>
  [
    `${plainLine(name)} wrote in chat ${chat}, as user ${user || 'unknown'}. This lets them in, in winnow.config.yaml:`,
    '',
    'telegram:',
    '  token: env:TELEGRAM_BOT_TOKEN',
    `  chats: [${chat}]`,
    ...(user === '' ? [] : [`  users: [${user}]`]),
  ].join('\n');

/** The bot that listens has seen who is not let in. */
const listensText = ({ journal }: Factory): string => {
  const strangers = Object.keys(journal.state().strangers).map((key) => key.replace(/^telegram:/, ''));
  return strangers.length === 0
    ? 'the bot of this home listens already; write to it, then run this again'
    : `the bot of this home listens already; it has refused the chats ${strangers.join(', ')}`;
};
