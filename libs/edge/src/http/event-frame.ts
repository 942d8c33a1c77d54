const MESSAGE_HEAD = 'event: message\ndata: ';
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;

/**
 * One server-sent event around a whole JSON-RPC message, or around `head`, a raw JSON value and `tail`.
 * A line break between two tokens of the JSON would end the event's line; inside strings there is none.
 *
 * @param id - event id, `''` for none
 */
export function eventFrame(id: string, head: string, json: Buffer, tail: string): Buffer {
  const start = `${id === '' ? '' : `id: ${id}\n`}${MESSAGE_HEAD}${head}`;
  const end = `${tail}\n\n`;
  const startSize = Buffer.byteLength(start, 'utf8');
  const frame = Buffer.allocUnsafe(startSize + json.length + Buffer.byteLength(end, 'latin1'));
  frame.write(start, 0, 'utf8');
  json.copy(frame, startSize);
  const jsonEnd = startSize + json.length;
  frame.write(end, jsonEnd, 'latin1');
  blankLineBreaks(frame, startSize, jsonEnd, NEWLINE);
  blankLineBreaks(frame, startSize, jsonEnd, RETURN);
  return frame;
}

/** How soon a client may come back after its stream broke. */
const RECONNECT_MS = 1_000;

/** An event that carries only an id: from now on the client can resume, and knows when (2025-11-25, SEP-1699). */
export function primingFrame(id: string): Buffer {
  return Buffer.from(`retry: ${RECONNECT_MS}\nid: ${id}\ndata: \n\n`, 'latin1');
}

/** Where a client of the HTTP+SSE transport is to POST its messages (2024-11-05 basic/transports). */
export function endpointFrame(uri: string): Buffer {
  return Buffer.from(`event: endpoint\ndata: ${uri}\n\n`, 'latin1');
}

/** Tells the client how long to wait before it comes back. */
export function retryFrame(retryMs: number): Buffer {
  return Buffer.from(`retry: ${retryMs}\n\n`, 'latin1');
}

export const COMMENT_FRAME = Buffer.from(':\n\n', 'latin1');

function blankLineBreaks(frame: Buffer, from: number, to: number, lineBreak: number): void {
  for (let at = frame.indexOf(lineBreak, from); at >= 0 && at < to; at = frame.indexOf(lineBreak, at + 1)) {
    frame[at] = SPACE;
  }
}
