import type { Desk } from '../../desk/desk.ts';
import type { Command } from '../../model/command.ts';
import type { Failure } from '../../model/failure.ts';
import { plainLine } from '../cli/plain.ts';
import { entryText, sentence, shortId } from '../cli/words.ts';

/** What came of a command, in one line. */
export interface Said {
  text: string;
  good: boolean;
}

export const failureSaid = ({ message, mend }: Failure): Said => ({
  text: plainLine(`${sentence(message)} ${mend}`),
  good: false,
});

type Done = Awaited<ReturnType<Desk['do']>>;

export const askTo = async (
  desk: Pick<Desk, 'do'>,
  command: Command,
  name: string,
  signal: AbortSignal,
): Promise<Said> => {
  const done: Done = await desk.do(command, { asker: { face: 'tui', name }, signal });
  if (!done.ok) return failureSaid(done.error);
  return receiptSaid(done.value);
};

/** Receipts differ by what they hold. */
const receiptSaid = (receipt: Extract<Done, { ok: true }>['value']): Said => {
  const good = (text: string): Said => ({ text: plainLine(text), good: true });
  if ('note' in receipt) return good(receipt.note);
  if ('task' in receipt) return good(`task ${shortId(receipt.task.id)} is ${receipt.task.state}: ${receipt.task.text}`);
  if ('comment' in receipt) return good('the remark is noted');
  if ('request' in receipt) {
    const { request, joined, waits } = receipt;
    const same = joined
      ? `somebody wants the same: ${request.what} ${shortId(request.id)}`
      : `${request.what} ${shortId(request.id)} is asked for`;
    return good(waits ? `${same}; it begins when the factory runs` : same);
  }
  if ('entry' in receipt)
    return good(
      `${receipt.entry.data.branch} is ${receipt.entry.data.decision === 'approve' ? 'approved; the train takes it' : 'rejected'}`,
    );
  if ('from' in receipt)
    return {
      text: plainLine(`${receipt.branch} is another commit since: nothing was approved; look at it again`),
      good: false,
    };
  if ('applied' in receipt) return good(entryText(receipt.applied));
  if ('dismissed' in receipt) return good(entryText(receipt.dismissed));
  if ('retired' in receipt) return good(entryText(receipt.retired));
  if ('restored' in receipt) return good(entryText(receipt.restored));
  return good(`${receipt.branch} takes it back; it rides the train`);
};
