// Loaded by every worker: keep it free of imports.

/** What stands in front of a result. */
export const REPLY_HEAD = '{"jsonrpc":"2.0","id":0,"result":';

/** The text of a whole reply around the raw JSON of a result. */
export function replyText(result: string): string {
  return `${REPLY_HEAD}${result}}`;
}
