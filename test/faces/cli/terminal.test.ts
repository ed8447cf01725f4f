import { describe, expect, it } from 'vitest';
import { processTerminal, type Screen } from '../../../src/faces/cli/terminal.ts';

type Fault = NodeJS.ErrnoException;

const screen = (stdout: { isTTY?: boolean; columns?: number }, env: Record<string, string> = {}) => {
  const written = { out: '', err: '' };
  const listeners: Record<keyof typeof written, ((error: Fault) => void)[]> = { out: [], err: [] };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
    on: (_: 'error', listener: (error: Fault) => void) => listeners[name].push(listener),
  });
  const made: Screen = { stdout: { ...stdout, ...output('out') }, stderr: output('err'), env };
  const fail = (name: keyof typeof written, code: string) => {
    for (const listener of listeners[name]) listener(Object.assign(new Error(`write ${code}`), { code }));
  };
  return { written, fail, terminal: processTerminal(made) };
};

describe('the terminal', () => {
  it('prints results and notes apart, a line each', () => {
    const { terminal, written } = screen({});
    terminal.out('result');
    terminal.note('note');
    expect(written).toEqual({ out: 'result\n', err: 'note\n' });
  });

  it.each<[what: string, stdout: { isTTY?: boolean; columns?: number }, width: number, lineWidth: number]>([
    ['a screen of 80 columns', { isTTY: true, columns: 80 }, 80, 80],
    ['a screen that does not know its width', { isTTY: true }, 100, 100],
    ['a screen that says 0', { isTTY: true, columns: 0 }, 100, 100],
    ['a pipe', {}, 100, Number.POSITIVE_INFINITY],
  ])('cuts lines as %s wants it', (_, stdout, width, lineWidth) => {
    expect(screen(stdout).terminal).toMatchObject({ width, lineWidth, interactive: stdout.isTTY === true });
  });

  it.each<[what: string, isTTY: boolean, env: Record<string, string>, coloured: boolean]>([
    ['a screen', true, { TERM: 'xterm' }, true],
    ['a pipe', false, { TERM: 'xterm' }, false],
    ['a screen of somebody who wants none', true, { NO_COLOR: '1' }, false],
    ['a screen that can do none', true, { TERM: 'dumb' }, false],
  ])('on %s has colour or not', (_, isTTY, env, coloured) => {
    const painted = screen({ isTTY }, env).terminal.paint('red', 'x');
    expect(painted).toBe(coloured ? '\u001b[31mx\u001b[39m' : 'x');
  });

  it('goes on in silence when the reader of its output has left', () => {
    const { terminal, written, fail } = screen({});
    terminal.out('one');
    fail('out', 'EPIPE');
    terminal.out('two');
    terminal.note('note');
    expect(written).toEqual({ out: 'one\n', err: 'note\n' });
    expect(terminal.left.aborted).toBe(true);
    expect(terminal.fault()).toBeUndefined();
  });

  it('remembers why its output could not be written', () => {
    const { terminal, fail } = screen({});
    fail('out', 'ENOSPC');
    fail('out', 'EIO');
    expect(terminal.fault()).toBe('write ENOSPC');
  });

  it('does not stop for a lost standard error', () => {
    const { terminal, written, fail } = screen({});
    fail('err', 'EPIPE');
    terminal.out('one');
    expect(written.out).toBe('one\n');
  });
});
