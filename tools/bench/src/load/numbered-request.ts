/** A JSON-RPC request over HTTP whose bytes are made once; only its id changes from send to send. */
export interface NumberedRequest {
  /** The request with the next id. The buffer is used again: send it before the next call. */
  next(): Buffer;
  /** The last id as it stands in an answer: `"id":100000001`. */
  readonly idText: string;
}

export interface NumberedRequestOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly isNotification?: boolean;
}

/** Ids have nine digits, so that the length of the body never changes. */
const FIRST_ID = 100_000_000;

export function numberedRequest(options: NumberedRequestOptions): NumberedRequest {
  const { url, method, params, isNotification = false } = options;
  const id = isNotification ? {} : { id: FIRST_ID };
  const body = JSON.stringify({ jsonrpc: '2.0', ...id, method, params });
  const headers = {
    host: url.host,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...options.headers,
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
  if (isNotification) {
    const bytes = Buffer.from(head + body);
    return { next: () => bytes, idText: '' };
  }
  return numberedBytes(Buffer.from(head + body));
}

/** A JSON-RPC request that some frame may still be put around; its id has the length that `numberedBytes` wants. */
export function numberedBody(method: string, params: Readonly<Record<string, unknown>>): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: FIRST_ID, method, params }));
}

/** As many requests as are sent at once, made of `numberedBody` and framed: each answer is recognized by its id. */
export function numberedBatch(
  frame: Buffer,
  count: number,
): { next(): Buffer; has(answer: Buffer): boolean } {
  const batch = Buffer.concat(Array.from({ length: count }, () => frame));
  const idAt = idPosition(frame);
  const digits = String(FIRST_ID).length;
  let first = FIRST_ID - count;
  return {
    next() {
      first += count;
      for (let each = 0; each < count; each += 1)
        batch.write(String(first + each), each * frame.length + idAt, 'latin1');
      return batch;
    },
    has(answer) {
      const at = answer.indexOf('"id":') + '"id":'.length;
      const id = Number(answer.toString('latin1', at, at + digits));
      return id >= first && id < first + count;
    },
  };
}

/** Numbers a request that was made of `numberedBody`, framed as it goes out. */
export function numberedBytes(bytes: Buffer): NumberedRequest {
  const idAt = idPosition(bytes);
  let last = FIRST_ID;
  return {
    next() {
      last += 1;
      bytes.write(String(last), idAt, 'latin1');
      return bytes;
    },
    get idText() {
      return `"id":${last}`;
    },
  };
}

function idPosition(bytes: Buffer): number {
  return bytes.lastIndexOf(`"id":${FIRST_ID}`) + '"id":'.length;
}
