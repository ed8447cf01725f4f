import { testChannels } from '../../desk/channels.ts';
import type { Doors } from '../../desk/doors.ts';
import { listNotices, type NoticesView } from '../../desk/notices.ts';
import { targetText } from '../../policy/post.ts';
import { atDesk, inFactory } from './open.ts';
import { plainLine } from './plain.ts';
import type { Homed } from './program.ts';
import { sayJson } from './say.ts';
import { renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { momentText } from './words.ts';

/** `winnow notify list`: what stands that a person was told of, and which messages wait to go out. */
export const notifyListCommand = (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> =>
  atDesk(doors, terminal, options, async ({ counter }) => {
    const view = listNotices(counter);
    if (options.json) sayJson(terminal, view);
    else terminal.out(renderNotices(view, terminal));
    return 0;
  });

export const renderNotices = (
  { notices, waiting, targets }: NoticesView,
  { paint, lineWidth }: Pick<Terminal, 'paint' | 'lineWidth'>,
): string => {
  const marks = { urgent: paint('red', 'URGENT'), act: paint('yellow', 'act   '), info: 'info  ' };
  return [
    ...(notices.length === 0 ? ['nothing stands that you should know of'] : []),
    ...notices.flatMap(({ severity, text, mend, since }) => [
      `${marks[severity]}  ${plainLine(text)} (${momentText(since)})`,
      `        ${plainLine(mend)}`,
    ]),
    '',
    targets.length === 0
      ? 'nobody is told: no channel is configured, see docs/notices.md'
      : `told: ${targets.map(targetText).join(', ')}`,
    ...(waiting.length === 0
      ? []
      : [
          '',
          'waits to go out:',
          renderTable(
            ['SINCE', 'TO', 'WAITS', 'TEXT'],
            waiting.map((message) => [
              momentText(message.at),
              targetText(message),
              message.waits,
              message.text.split('\n')[0]!,
            ]),
            lineWidth,
            2,
          ),
        ]),
  ].join('\n');
};

/** `winnow notify test`: one message to every channel, and what each said. Exit 1 when one did not take it. */
export const notifyTestCommand = (
  doors: Doors,
  terminal: Terminal,
  options: Homed & { json?: boolean },
): Promise<number> =>
  inFactory(doors, terminal, options, async ({ factory, signal }) => {
    const tested = await testChannels(factory, signal);
    if (options.json) sayJson(terminal, tested);
    else if (tested.length === 0) terminal.note('winnow: no channel is configured, see docs/notices.md');
    else {
      const width = Math.max(...tested.map((target) => targetText(target).length));
      for (const { ok, said, ...target } of tested) {
        const mark = ok ? terminal.paint('green', 'ok  ') : terminal.paint('red', 'FAIL');
        terminal.out(`${mark}  ${targetText(target).padEnd(width)}  ${plainLine(factory.shop.redact(said))}`);
      }
    }
    if (signal.aborted) return 130;
    return tested.length > 0 && tested.every(({ ok }) => ok) ? 0 : 1;
  });
