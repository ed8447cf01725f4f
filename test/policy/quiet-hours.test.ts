import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QuietHours, quietUntil } from '../../src/policy/quiet-hours.ts';

const clock = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
const hours = (from: string, to: string, timezone = 'UTC'): QuietHours => ({
  from: clock(from),
  to: clock(to),
  timezone,
});
const until = (quiet: QuietHours | undefined, now: string): string | undefined => {
  const ms = quietUntil(quiet, Date.parse(now));
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

describe('quiet hours', () => {
  it.each<[what: string, quiet: QuietHours | undefined, now: string, end: string | undefined]>([
    ['are not there without a word', undefined, '2026-03-14T23:00:00.000Z', undefined],
    ['have not begun', hours('22:00', '07:00'), '2026-03-14T21:59:59.999Z', undefined],
    ['begin on the minute', hours('22:00', '07:00'), '2026-03-14T22:00:00.000Z', '2026-03-15T07:00:00.000Z'],
    ['go on over midnight', hours('22:00', '07:00'), '2026-03-15T03:30:30.000Z', '2026-03-15T07:00:00.000Z'],
    ['end on the minute', hours('22:00', '07:00'), '2026-03-15T07:00:00.000Z', undefined],
    ['may lie within a day', hours('12:00', '13:30'), '2026-03-14T12:15:00.000Z', '2026-03-14T13:30:00.000Z'],
    ['do not last into the night then', hours('12:00', '13:30'), '2026-03-14T23:00:00.000Z', undefined],
    ['that begin when they end are none', hours('07:00', '07:00'), '2026-03-14T07:00:00.000Z', undefined],
    [
      'are those of their zone',
      hours('22:00', '07:00', 'America/New_York'),
      '2026-01-15T04:00:00.000Z',
      '2026-01-15T12:00:00.000Z',
    ],
    [
      'are those of a zone with half hours',
      hours('22:00', '07:00', 'Asia/Kolkata'),
      '2026-01-15T17:00:00.000Z',
      '2026-01-16T01:30:00.000Z',
    ],
    [
      'are shorter by an hour when the clock is set forward',
      hours('22:00', '07:00', 'Europe/Berlin'),
      '2026-03-28T22:00:00.000Z',
      '2026-03-29T05:00:00.000Z',
    ],
    [
      'are longer by an hour when it is set back',
      hours('22:00', '07:00', 'Europe/Berlin'),
      '2026-10-24T21:00:00.000Z',
      '2026-10-25T06:00:00.000Z',
    ],
    [
      'end at three where half past two is left out',
      hours('22:00', '02:30', 'Europe/Berlin'),
      '2026-03-29T00:00:00.000Z',
      '2026-03-29T01:00:00.000Z',
    ],
  ])('%s', (_, quiet, now, end) => {
    expect(until(quiet, now)).toBe(end);
  });

  it('end at a moment of the wall’s clock that they do not hold, and hold until then', () => {
    const minute = fc.integer({ min: 0, max: 1439 });
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia');
    const moment = fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2026-12-31') });
    fc.assert(
      fc.property(minute, minute, zone, moment, (from, to, timezone, now) => {
        const quiet = { from, to, timezone };
        const end = quietUntil(quiet, now);
        if (end === undefined) return;
        expect(end).toBeGreaterThan(now);
        expect(quietUntil(quiet, end)).toBeUndefined();
        expect(quietUntil(quiet, end - 1)).toBe(end);
      }),
      { numRuns: 30 },
    );
  });
});
