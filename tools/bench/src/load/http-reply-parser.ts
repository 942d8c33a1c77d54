/** A whole HTTP reply. */
export interface HttpReply {
  readonly status: number;
  /** Status line and headers as they came. */
  readonly head: string;
  /** Without chunk framing. */
  readonly body: Buffer;
}

/** Takes bytes of one HTTP/1.1 connection; `onReply` hears of each whole reply. */
export interface HttpReplyParser {
  push(bytes: Buffer): void;
}

const HEAD_END = '\r\n\r\n';

/**
 * Creates the reply parser of the load generator: just enough of HTTP/1.1 to know where a reply ends, so that
 * the generator costs little. Replies of unknown length, which end with the connection, are not supported.
 */
export function createHttpReplyParser(onReply: (reply: HttpReply) => void): HttpReplyParser {
  let rest: Buffer | undefined;
  return {
    push(bytes) {
      let data = rest === undefined ? bytes : Buffer.concat([rest, bytes]);
      rest = undefined;
      while (data.length > 0) {
        const parsed = parseReply(data);
        if (parsed === undefined) {
          rest = data;
          return;
        }
        data = data.subarray(parsed.end);
        onReply(parsed.reply);
      }
    },
  };
}

/** The value of a header, `undefined` when the reply has none. */
export function headerOf({ head }: HttpReply, name: string): string | undefined {
  return new RegExp(`\r\n${name}: *([^\r\n]*)`, 'i').exec(head)?.[1];
}

interface ParsedReply {
  readonly reply: HttpReply;
  readonly end: number;
}

/** The reply at the start of `data`; `undefined` while it is not whole. */
function parseReply(data: Buffer): ParsedReply | undefined {
  const headEnd = data.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = data.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyStart = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head))
    return parseChunks(data, bodyStart, status, head);
  const end = bodyStart + Number(length ?? 0);
  if (data.length < end) return undefined;
  return { reply: { status, head, body: data.subarray(bodyStart, end) }, end };
}

function parseChunks(data: Buffer, start: number, status: number, head: string): ParsedReply | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = data.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(data.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size))
      throw new Error(`bad chunk size in an HTTP reply: ${data.toString('latin1', at, lineEnd)}`);
    const chunkEnd = lineEnd + 2 + size;
    if (data.length < chunkEnd + 2) return undefined;
    if (size === 0) {
      const [only] = chunks;
      const body = only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
      return { reply: { status, head, body }, end: chunkEnd + 2 };
    }
    chunks.push(data.subarray(lineEnd + 2, chunkEnd));
    at = chunkEnd + 2;
  }
}
