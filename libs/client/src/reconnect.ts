import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '@mcp-bridge/protocol';

/** How a lost connection is opened again. */
export interface ReconnectOptions {
  /** Longest pause before the first attempt; doubles with each further one. Default 100. */
  readonly firstDelayMs?: number;
  /** Longest pause. Default 10 000. */
  readonly maxDelayMs?: number;
  /** After this long without a connection the transport closes. Default 120 000. */
  readonly giveUpAfterMs?: number;
}

export type ReconnectPolicy = Required<ReconnectOptions>;

export function reconnectPolicy(options: ReconnectOptions | false | undefined): ReconnectPolicy | undefined {
  if (options === false) return undefined;
  return { firstDelayMs: 100, maxDelayMs: 10_000, giveUpAfterMs: 120_000, ...options };
}

/**
 * Waits before an attempt: any time up to a limit that doubles, so that many clients that lost one gateway do not
 * come back all at once ("full jitter").
 *
 * @param attempt - 0 for the first
 */
export async function pauseBefore(
  attempt: number,
  { firstDelayMs, maxDelayMs }: ReconnectPolicy,
  signal: AbortSignal,
): Promise<void> {
  const limit = Math.min(firstDelayMs * 2 ** attempt, maxDelayMs);
  await delay(Math.random() * limit, undefined, { signal }).catch(() => undefined);
}

/** Refusals that another attempt would only repeat. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'UNAUTHENTICATED',
  'DENIED',
  'METHOD_NOT_FOUND',
  'INVALID_REQUEST',
  'INVALID_PARAMS',
  'UNSUPPORTED_VERSION',
]);

export function isFinal(code: ErrorCode): boolean {
  return FINAL.has(code);
}
