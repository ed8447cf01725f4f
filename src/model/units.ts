import bytes from 'bytes';
import ms, { type StringValue } from 'ms';
import { z } from 'zod';

/** '15m', '1h 30m' is refused: one number and one unit, at least one second, at most 30 days. */
const durationOf = (text: string): number | undefined => {
  if (!/^\d+(\.\d+)?\s*(ms|s|m|h|d|w)$/.test(text.trim())) return undefined;
  const value = ms(text.trim() as StringValue);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
};

/** A time span in the configuration, written '30m'; parsed to milliseconds. */
export const Duration = z
  .string()
  .refine((text) => durationOf(text) !== undefined, { message: 'a time span such as "30s", "15m" or "2h"' })
  .transform((text) => durationOf(text) as number)
  .refine((value) => value >= 1 && value <= 30 * 86_400_000, { message: 'a time span of at most 30 days' });

/** An amount of storage in the configuration, written '2GB'; parsed to bytes (1 GB = 1024³ bytes). */
export const ByteSize = z
  .string()
  .refine((text) => /^\d+(\.\d+)?\s*(kb|mb|gb|tb|b)$/i.test(text.trim()), {
    message: 'a size such as "500MB" or "2GB"',
  })
  .transform((text) => bytes.parse(text.trim()) as number);

/** A share in the configuration, written '85%'; parsed to 0…1. */
export const Percent = z
  .string()
  .refine((text) => /^\d{1,3}(\.\d+)?\s*%$/.test(text.trim()) && Number.parseFloat(text) <= 100, {
    message: 'a percentage such as "85%"',
  })
  .transform((text) => Number.parseFloat(text) / 100);
