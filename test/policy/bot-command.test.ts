import { describe, expect, it } from 'vitest';
import { BOT_ACTIONS, BotAction, Intent } from '../../src/model/bot.ts';
import { buttonLine, readButton, readCommand } from '../../src/policy/bot-command.ts';

const order = (text: string) => {
  const read = readCommand(text, 'winnow_bot');
  return read.kind === 'order' ? [read.order.action, read.order.args] : read.kind;
};

describe('a command', () => {
  it.each<[text: string, read: unknown]>([
    ['/status', ['status', {}]],
    ['  /STATUS  ', ['status', {}]],
    ['/status and more', ['status', {}]],
    ['/status@Winnow_Bot', ['status', {}]],
    ['/status@other_bot', 'other'],
    ['/start', ['help', {}]],
    ['status', 'words'],
    ['/', 'words'],
    ['/ status', 'words'],
    ['see /status', 'words'],
    ['/review', ['review', {}]],
    ['/review alpha', ['review', { branch: 'alpha' }]],
    ['/approve alpha', ['approve', { branch: 'alpha' }]],
    ['/approve alpha deadbeef00', ['approve', { branch: 'alpha', commit: 'deadbeef00' }]],
    ['/approve alpha looks  good', ['approve', { branch: 'alpha', reason: 'looks  good' }]],
    ['/approve alpha deadbeef looks good', ['approve', { branch: 'alpha', commit: 'deadbeef', reason: 'looks good' }]],
    ['/reject alpha it breaks\nthe search', ['reject', { branch: 'alpha', reason: 'it breaks\nthe search' }]],
    ['/pause', ['pause', {}]],
    ['/pause alpha too loud', ['pause', { session: 'alpha', reason: 'too loud' }]],
    ['/task add make it\nfaster', ['task', { text: 'make it\nfaster' }]],
    ['/task make it faster', ['task', { text: 'make it faster' }]],
    ['/task list', ['tasks', {}]],
    ['/task list all users', ['task', { text: 'list all users' }]],
    ['/task cancel 3fa2b1', ['cancel', { task: '3fa2b1' }]],
    ['/task cancel orders that are empty', ['task', { text: 'cancel orders that are empty' }]],
    ['/log 20', ['log', { count: '20' }]],
    ['/log alpha 20', ['log', { session: 'alpha', count: '20' }]],
    ['/standup short', ['standup', { short: 'short' }]],
    ['/standup now', 'wrong'],
    ['/doctor rules', ['doctor', { rules: 'rules' }]],
    ['/show', 'wrong'],
    ['/constructor', 'wrong'],
    [`/${'x'.repeat(65)}`, 'words'],
  ])('%j', (text, read) => {
    expect(order(text)).toEqual(read);
  });

  it('gives only what its action takes', () => {
    for (const action of BotAction.options) {
      const read = readCommand(`/${action} first second third`, 'bot');
      if (read.kind === 'order') {
        const { action: meant, args } = read.order;
        expect(Intent.safeParse({ action: meant, args }).error).toBeUndefined();
      }
    }
  });

  it('that is none names the one that was meant', () => {
    expect(readCommand('/aprove alpha', 'bot')).toEqual({
      kind: 'wrong',
      why: 'There is no /aprove.',
      meant: 'approve',
    });
    expect(readCommand('/approve', 'bot')).toMatchObject({ kind: 'wrong', meant: 'approve' });
  });
});

describe('a button', () => {
  it('says what a command says', () => {
    expect(readButton(buttonLine('approve', ['alpha/20260314-091500', 'deadbeef00'], true)!)).toEqual({
      action: 'approve',
      args: { branch: 'alpha/20260314-091500', commit: 'deadbeef00' },
      sure: true,
    });
    expect(readButton('resume alpha')).toEqual({ action: 'resume', args: { session: 'alpha' }, sure: false });
    expect(readButton('pause !')).toEqual({ action: 'pause', args: {}, sure: true });
  });

  it('holds no more than Telegram takes, in bytes', () => {
    expect(buttonLine('show', ['x'.repeat(59)])).toHaveLength(64);
    expect(buttonLine('show', ['x'.repeat(60)])).toBeUndefined();
    expect(buttonLine('show', ['漢'.repeat(20)])).toBeUndefined();
  });

  it.each(['', ' ', 'no', '!', 'approve', 'toString', 'status\u0000', '{}', 'x'.repeat(64)])(
    'is nothing: %j',
    (data) => {
      expect(readButton(data)).toBeUndefined();
    },
  );
});

it('has room for the longest names of actions in a menu', () => {
  for (const [action, { says }] of Object.entries(BOT_ACTIONS)) {
    expect(action).toMatch(/^[a-z]{1,32}$/);
    expect(says.length).toBeLessThanOrEqual(256);
  }
});
