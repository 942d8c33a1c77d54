import type { Envelope } from '@mcp-bridge/protocol';

/** One question of an `input_required` result. */
export interface InputRequest {
  readonly method: string;
  readonly params: unknown;
}

/** The questions of an `input_required` result by their keys (2026-07-28 basic/patterns/mrtr). */
export function inputRequestsOf(reply: Envelope): [string, InputRequest][] {
  if (reply.inputRequests.start < 0) return [];
  const text = reply.bytes.toString('utf8', reply.inputRequests.start, reply.inputRequests.end);
  // An object by the scan; entries of another shape are refused by `mayAsk` as unknown methods.
  const parsed = JSON.parse(text) as Record<string, InputRequest | null>;
  return Object.entries(parsed).map(([key, value]) => [
    key,
    { method: typeof value?.method === 'string' ? value.method : '', params: value?.params ?? {} },
  ]);
}
