import { z } from 'zod';

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTE_UNITS: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `250ms`, `30s`, `5m`, `1h`, `2d` or a bare number of milliseconds; becomes milliseconds. */
export const duration = z
  .union([z.number().nonnegative(), z.string()])
  .transform((value, context) =>
    scaled(value, DURATION_UNITS, 'a duration such as "30s", "5m" or "250ms"', context),
  );

/** `512B`, `64KiB`, `4MiB`, `1GiB` or a bare number of bytes; becomes bytes. */
export const bytes = z
  .union([z.number().nonnegative(), z.string()])
  .transform((value, context) => scaled(value, BYTE_UNITS, 'a size such as "64KiB" or "4MiB"', context));

function scaled(
  value: number | string,
  units: Record<string, number>,
  expected: string,
  context: z.core.$RefinementCtx,
): number {
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(value);
  const unit = units[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  }
  return Math.round(Number(match[1]) * unit);
}
