import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { createSseParser, type SseEvent } from './sse-parser.js';

export type JsonObject = Record<string, unknown>;

/** A JSON-RPC message as it came, unchecked. */
export interface RawMessage {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: JsonObject;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface RawRequestOptions {
  /** Default POST. */
  readonly method?: string;
  /** Any header, also those that browsers and fetch forbid. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** An object is sent as JSON, a string or buffer byte for byte. */
  readonly body?: string | Buffer | object;
  /** For the whole exchange; default 10 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A reply whose body is still coming. */
export interface RawStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The next event, `undefined` at the end of the stream. */
  nextEvent(): Promise<SseEvent | undefined>;
  /** Skips comments, priming events and messages that do not match; `undefined` at the end of the stream. */
  nextMessage(matches?: (message: RawMessage) => boolean): Promise<RawMessage | undefined>;
  /** The rest of the body. */
  text(): Promise<string>;
  /** Breaks the connection. */
  close(): void;
}

/** A whole reply. */
export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Events of an SSE reply, comments included. */
  readonly events: readonly SseEvent[];
  /** Every JSON-RPC message of the body, whether it came as JSON (batches too) or as SSE. */
  readonly messages: readonly RawMessage[];
  /** The last message, which answers the request. */
  readonly message: RawMessage;
}

/** Sends one HTTP request exactly as told and returns when the head of the reply is there. */
export async function openRaw(url: string, options: RawRequestOptions = {}): Promise<RawStream> {
  const { body } = options;
  const bytes =
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 10_000);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: options.method ?? 'POST',
      headers: {
        ...(bytes !== undefined && { 'content-type': 'application/json' }),
        accept: 'application/json, text/event-stream',
        ...options.headers,
      },
      agent: false,
      signal,
    });
    request.once('error', reject);
    request.once('response', (response) => {
      response.setEncoding('utf8');
      const chunks = response[Symbol.asyncIterator]() as AsyncIterator<string>;
      const parser = createSseParser();
      const events: SseEvent[] = [];
      const nextEvent = async (): Promise<SseEvent | undefined> => {
        while (events.length === 0) {
          const chunk = await chunks.next();
          if (chunk.done === true) return undefined;
          events.push(...parser.push(chunk.value));
        }
        return events.shift();
      };
      const close = (): void => {
        response.destroy();
        request.destroy();
      };
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        nextEvent,
        async nextMessage(matches = () => true) {
          for (;;) {
            const event = await nextEvent();
            if (event === undefined) return undefined;
            if (event.event === ':' || event.data === '') continue;
            // What a server sends is for the test to judge.
            const message = JSON.parse(event.data) as RawMessage;
            if (matches(message)) return message;
          }
        },
        async text() {
          let text = '';
          for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next())
            text += chunk.value;
          return text;
        },
        close,
        [Symbol.asyncDispose]: async () => close(),
      });
    });
    request.end(bytes);
  });
}

/** Sends one HTTP request exactly as told and reads the whole reply. */
export async function sendRaw(url: string, options: RawRequestOptions = {}): Promise<RawReply> {
  const stream = await openRaw(url, options);
  const text = await stream.text();
  const isSse = stream.headers['content-type']?.startsWith('text/event-stream') === true;
  const events = isSse ? createSseParser().push(text) : [];
  const messages = isSse
    ? events.filter(({ event, data }) => event !== ':' && data !== '').flatMap(({ data }) => parse(data))
    : parse(text);
  return {
    status: stream.status,
    headers: stream.headers,
    text,
    events,
    messages,
    message: messages.at(-1) ?? {},
  };
}

/** `[]` for a body that is no JSON, which the test sees in `text`. */
function parse(text: string): RawMessage[] {
  try {
    // What a server sends is for the test to judge.
    const value = JSON.parse(text) as RawMessage | RawMessage[];
    return Array.isArray(value) ? value : [value];
  } catch {
    return [];
  }
}
