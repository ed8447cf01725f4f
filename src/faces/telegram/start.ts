import type { Clock } from '../../base/clock.ts';
import type { BotEars } from '../../desk/bot-ears.ts';
import type { Desk } from '../../desk/desk.ts';
import type { Factory } from '../../desk/doors.ts';
import type { Mailbox } from '../../desk/mailbox.ts';
import { type Incoming, type Slots, type Standing, type TelegramBot, telegramLine } from '../../desk/telegram.ts';
import { FailureError } from '../../model/failure.ts';
import type { InMessage } from '../../model/message.ts';
import { handle } from './handle.ts';
import { defectText, MENU, questionIn, settledText, standingText } from './words.ts';

/**
 * The bot: takes in what people write, handles it, and lays out what is answered; the post delivers that. Each message
 * goes
 *
 *   delivered -> in the journal -> acknowledged;   in the journal -> handled, answers laid out
 *
 * so that a death at any moment loses none and does none twice. One process of a home listens, the others wait for it.
 */
export interface BotInput {
  desk: Desk;
  mailbox: Mailbox;
  bot: TelegramBot;
  /** What understands free words; without, commands and buttons are understood. */
  ears?: BotEars | undefined;
  slots: Slots;
  clock: Clock;
  /** For the process log. */
  tell: (line: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

export interface RunningBot {
  /** Resolves when it has ended: after the signal, what is being handled is brought to its end. */
  ended: Promise<void>;
}

/** Only the first of several processes listens: two of them would cut each other off. */
export const BOT_LOCK = 'role:bot';
const LOCK_WAIT_MS = 24 * 3_600_000;
/** What could not be handled, on a full disk say, is looked at again. */
const AGAIN_MS = 30_000;

export const startBot = (input: BotInput): RunningBot => ({ ended: run(input) });

/** The bot of a factory, with everything that it needs of it. */
export const startBotOf = (factory: Factory, { signal, tell }: Pick<BotInput, 'signal' | 'tell'>): RunningBot => {
  const { clock, shop } = factory;
  return startBot({ ...telegramLine(factory), slots: shop.slots, clock, signal, tell });
};

const run = async (input: BotInput): Promise<void> => {
  const { slots, signal, tell } = input;
  const who = `pid ${process.pid}`;
  let lock = await slots.tryAcquire(BOT_LOCK, 1, who);
  if (!lock) tell('another process of this home listens to Telegram; this one takes over when it ends');
  while (!lock && !signal.aborted) {
    const waited = await slots.acquire(BOT_LOCK, 1, { who, waitMs: LOCK_WAIT_MS, signal });
    lock = waited.ok ? waited.value : undefined;
  }
  if (!lock) return;
  try {
    if (!signal.aborted) await listen(input);
  } finally {
    lock.release();
  }
};

const listen = async (input: BotInput): Promise<void> => {
  const { mailbox, bot, clock, signal, tell } = input;
  const over = new AbortController();
  let self = '';
  const handling = createHandling({ ...input, self: () => self });
  const standing = createStanding(tell);
  const received = async ({ replyTo, ...message }: Incoming): Promise<void> => {
    if (!mailbox.knows(message.from)) return mailbox.refuse(message.from);
    const answers = replyTo === undefined ? undefined : questionIn(replyTo);
    await mailbox.receive({ ...message, ...(answers === undefined ? {} : { answers }) });
    handling.look();
  };
  const met = (now: Standing): void => {
    if (now.state === 'listening') self = now.self.name;
    standing(now);
  };
  // A process that died may have left messages, and requests that were settled while nobody was here to say so.
  handling.first();
  const news = createSettledNews(input);
  const look = (): void => {
    handling.look();
    void news();
  };
  void again(look, clock, over.signal);
  void follow(input, over.signal, () => void news());
  void news();
  try {
    await bot.listen({ received, met, menu: MENU, signal });
  } catch (error) {
    tell(`the Telegram bot has ended, and it is a defect: ${messageOf(error)}`);
  } finally {
    over.abort();
    await handling.idle();
  }
};

const again = async (look: () => void, clock: Clock, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await clock.sleep(AGAIN_MS, signal);
    if (!signal.aborted) look();
  }
};

/** In the order of their arrival within each chat; one chat does not wait for another. */
const createHandling = (input: BotInput & { self: () => string }) => {
  const { mailbox, signal, tell } = input;
  const underWay = new Set<string>();
  const chats = new Map<string, Promise<void>>();
  /** What was tried before and is open still: its answer may be laid out already. */
  const tried = new Set<string>();

  const begin = (message: InMessage, isOld: boolean): void => {
    if (underWay.has(message.id)) return;
    underWay.add(message.id);
    const isAgain = isOld || tried.has(message.id);
    tried.add(message.id);
    const { chat } = message.from;
    const before = chats.get(chat) ?? Promise.resolve();
    const mine = before
      .then(() => (signal.aborted ? undefined : handleOne(input, message, isAgain)))
      .catch((error: unknown) => tell(`a message of Telegram waits: ${messageOf(error)}`))
      .finally(() => {
        underWay.delete(message.id);
        if (!mailbox.open().some(({ id }) => id === message.id)) tried.delete(message.id);
        if (chats.get(chat) === mine) chats.delete(chat);
      });
    chats.set(chat, mine);
  };

  const look = (isOld: boolean): void => {
    if (signal.aborted) return;
    for (const message of mailbox.open()) begin(message, isOld);
  };

  return {
    first: () => look(true),
    look: () => look(false),
    idle: async () => {
      while (chats.size > 0) await Promise.all(chats.values());
    },
  };
};

const handleOne = async (
  { desk, mailbox, bot, ears, clock, signal, tell, self }: BotInput & { self: () => string },
  message: InMessage,
  isOld: boolean,
): Promise<void> => {
  if (isOld && mailbox.wasAnswered(message))
    return mailbox.settle(message, [], { by: 'none', note: 'answered by a process that died then' });
  // A press waits visibly until it is told that it has been heard.
  if (message.button) void bot.acknowledge(message.button.id, undefined, signal);
  const handled = await handle({ desk, ears, self, now: clock.now, signal }, message).catch((error: unknown) => {
    if (error instanceof FailureError) throw error;
    tell(`a message of Telegram could not be handled, and it is a defect: ${messageOf(error)}`);
    return { answers: [{ text: defectText }], by: 'none' as const, note: 'a defect', used: false };
  });
  // Stopped half-way, it is handled by the next process: what was done at the desk is done once.
  if (signal.aborted) return;
  const { answers, used, ...handling } = handled;
  await mailbox.settle(message, answers, handling);
  if (used && message.button?.message !== undefined)
    void bot.takeButtons(message.from.chat, message.button.message, signal);
};

/** Who asked for a review from a chat is told there what came of it, also when that was while no bot was here. */
const createSettledNews = ({ desk, mailbox, clock, tell }: BotInput) => {
  const told = new Set<string>();
  return async (): Promise<void> => {
    for (const request of desk.requests(true)) {
      const { id, by, joined, settled } = request;
      const askers = [by, ...joined.map((one) => one.by)];
      if (!settled || told.has(id) || !askers.some(({ face }) => face === 'telegram')) continue;
      told.add(id);
      const ageMs = clock.now() - Date.parse(settled.at);
      if (ageMs > NEWS_MAX_MS) continue;
      try {
        const found = await mailbox.tellAskers(request, { text: settledText(request) });
        // It may have been settled before the message that asked for it was closed.
        if (!found && ageMs < ASKING_MAX_MS) told.delete(id);
      } catch (error) {
        told.delete(id);
        tell(`what came of request ${id} could not be told: ${messageOf(error)}`);
      }
    }
  };
};

/** What is older is no news. */
const NEWS_MAX_MS = 24 * 3_600_000;
/** Between asking at the desk and saying that it was asked. */
const ASKING_MAX_MS = 300_000;

const follow = async ({ desk }: BotInput, signal: AbortSignal, met: () => void): Promise<void> => {
  const coming = desk.follow({ signal, filter: { types: ['request_settled'] } });
  if (!coming.ok) return;
  for await (const _ of coming.value) met();
};

const messageOf = (error: unknown): string =>
  error instanceof FailureError
    ? `${error.failure.message}. ${error.failure.mend}`
    : error instanceof Error
      ? error.message
      : String(error);

/** A line at each change, and none for a fault that is over before somebody could have read of it. */
const createStanding = (tell: (line: string) => void): ((standing: Standing) => void) => {
  let told: string | undefined;
  let faults = 0;
  let calm = 0;
  return (standing) => {
    faults = standing.state === 'fault' ? faults + 1 : 0;
    calm = standing.state === 'listening' ? calm + 1 : 0;
    // Two listeners that take turns are one matter, not one at each turn.
    if (told === 'fault conflict' && standing.state === 'listening' && calm < CALM_ANSWERS) return;
    // Most homes have no bot; that one was switched off is worth a line.
    if (standing.state === 'off') told ??= 'off';
    const text = standingText(standing, told !== undefined && told !== 'off');
    const key = standing.state === 'fault' ? `fault ${standing.fault.kind}` : standing.state;
    if (key === told || (standing.state === 'fault' && isPassing(standing) && faults < FAULTS_PASSING)) return;
    told = key;
    tell(text);
  };
};

/** In a row, each up to a minute after the one before. */
const CALM_ANSWERS = 5;
/** With their back-off, a quarter of a minute. */
const FAULTS_PASSING = 4;

const isPassing = ({ fault: { kind } }: Extract<Standing, { state: 'fault' }>): boolean =>
  kind === 'network' || kind === 'server' || kind === 'silent' || kind === 'busy';
