import { writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Interaction } from '../../desk/attach.ts';
import { unblock } from '../tui/term/output.ts';
import { createKeyFilter, type DetachKey } from './detach.ts';
import { createModes } from './modes.ts';

/**
 * The person’s terminal as Claude Code’s own: keys there, its screen here, the size with it. It comes back as it was,
 * however the conversation ends.
 */
export interface PersonsTerminal {
  input: NodeJS.ReadStream;
  output: NodeJS.WriteStream;
}

/** Of a terminal that does not say. */
const SIZE_DEFAULT = { columns: 80, rows: 24 };

export const sizeOf = ({ columns, rows }: { columns?: number; rows?: number }) => ({
  columns: columns || SIZE_DEFAULT.columns,
  rows: rows || SIZE_DEFAULT.rows,
});

/** What a program asks its terminal’s name for. */
const SCREEN_VARIABLES = ['TERM', 'COLORTERM', 'TERM_PROGRAM', 'TERM_PROGRAM_VERSION', 'COLORFGBG', 'NO_COLOR'];

export const screenOf = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    SCREEN_VARIABLES.flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** Resolves when the terminal is the person’s again. `onLost`: it is gone, and nobody sees what is said. */
export const handTerminal = async (
  interaction: Interaction,
  { input, output }: PersonsTerminal,
  { key, onLost }: { key: DetachKey; onLost: () => void },
): Promise<void> => {
  // A terminal that stalls must not stop this process, which others of the home may be waiting for.
  unblock(output);
  const modes = createModes();
  const keys = createKeyFilter(key);
  const decoder = new StringDecoder('utf8');
  const onInput = (bytes: Buffer) => {
    const { pass, detached } = keys.feed(decoder.write(bytes));
    if (pass !== '') interaction.write(pass);
    if (detached) interaction.end();
  };
  const onResize = () => interaction.resize(sizeOf(output));
  const onDrain = () => interaction.resume();
  const lose = () => {
    onLost();
    interaction.end();
  };
  // A defect or a library may end the process from anywhere.
  const atExit = () => {
    try {
      writeSync(STDOUT, modes.reset());
    } catch {
      // The terminal is gone.
    }
  };
  interaction.onData((data) => {
    modes.feed(data);
    if (!output.write(data)) interaction.pause();
  });
  input.on('data', onInput);
  input.on('end', lose);
  input.on('error', lose);
  output.on('error', lose);
  output.on('resize', onResize);
  output.on('drain', onDrain);
  process.on('exit', atExit);
  try {
    input.setRawMode(true);
    input.resume();
    // It may have changed between the opening and now.
    onResize();
    await interaction.over;
  } finally {
    process.off('exit', atExit);
    output.off('drain', onDrain);
    output.off('resize', onResize);
    output.off('error', lose);
    input.off('data', onInput);
    input.off('end', lose);
    input.off('error', lose);
    // A terminal that is lost says so once more at every touch.
    input.on('error', () => {});
    giveBack(input);
    output.write(modes.reset());
  }
};

const STDOUT = 1;

const giveBack = (input: NodeJS.ReadStream): void => {
  try {
    input.setRawMode(false);
  } catch {
    // It is gone.
  }
  input.pause();
};
