import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from 'node:http';
import { connect, type Socket } from 'node:net';

export interface TestRequest {
  readonly method?: string;
  /** `Host` included; undefined values are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
}

export interface TestResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  readonly json: JsonReply;
}

/** As loose as a test needs. */
export interface JsonReply {
  readonly jsonrpc?: string;
  readonly id?: unknown;
  readonly result?: Record<string, unknown>;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Record<string, unknown>;
  };
}

export interface TestEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
  readonly retry: number | undefined;
}

const POST_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

/** Sends a request over a connection of its own and reads the whole reply. */
export async function send(url: string, options: TestRequest = {}): Promise<TestResponse> {
  const { response } = await begin(url, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    get json() {
      // A reply that took its time came as an event stream; its last event holds the reply.
      const body =
        text.startsWith('{') || text.startsWith('[') ? text : text.slice(text.lastIndexOf('data: {') + 6);
      return JSON.parse(body) as JsonReply;
    },
  };
}

/** POSTs a JSON-RPC message (or a batch, or raw bytes) as a client would. */
export function post(
  url: string,
  message: unknown,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<TestResponse> {
  return send(url, postOptions(message, headers));
}

function postOptions(message: unknown, headers: Readonly<Record<string, string | undefined>>): TestRequest {
  const body = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
  return { method: 'POST', headers: { ...POST_HEADERS, ...headers }, body };
}

/** An event stream that is being read. */
export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  comments = 0;
  readonly #request: ClientRequest;
  readonly #response: IncomingMessage;
  readonly #events: TestEvent[] = [];
  #text = '';
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.#response = response;
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#read(text));
    response.on('error', () => this.#end());
    response.on('close', () => this.#end());
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<TestEvent | undefined> {
    while (this.#events.length === 0 && !this.#ended) await this.#change();
    return this.#events.shift();
  }

  /** Data of the next event as JSON. */
  async nextMessage(): Promise<JsonReply & { method?: string; params?: Record<string, unknown> }> {
    const event = await this.next();
    if (event === undefined) throw new Error('the stream ended');
    return JSON.parse(event.data) as JsonReply;
  }

  /** All events until the stream ends. */
  async rest(): Promise<TestEvent[]> {
    const events: TestEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  /** Resolves when this many comments have come. */
  async untilComments(count: number): Promise<void> {
    while (this.comments < count && !this.#ended) await this.#change();
    if (this.comments < count) throw new Error('the stream ended');
  }

  /** Reads no more, so that data piles up at the server. */
  pause(): void {
    this.#response.pause();
  }

  close(): void {
    this.#request.destroy();
  }

  #read(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf('\n\n'); end >= 0; end = this.#text.indexOf('\n\n')) {
      this.#block(this.#text.slice(0, end));
      this.#text = this.#text.slice(end + 2);
    }
    this.#changed();
  }

  #block(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      if (colon === 0) this.comments += 1;
      else fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
    }
    if (fields.size === 0) return;
    const retry = fields.get('retry');
    this.#events.push({
      id: fields.get('id'),
      event: fields.get('event'),
      data: fields.get('data') ?? '',
      retry: retry === undefined ? undefined : Number(retry),
    });
  }

  #end(): void {
    this.#ended = true;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }
}

/** Sends a request whose reply is an event stream. */
export async function openEvents(url: string, options: TestRequest): Promise<EventStream> {
  const { request: sent, response } = await begin(url, options);
  return new EventStream(sent, response);
}

/** POSTs a message whose reply is an event stream. */
export function postForEvents(
  url: string,
  message: unknown,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<EventStream> {
  return openEvents(url, postOptions(message, headers));
}

function begin(
  url: string,
  options: TestRequest,
): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const given = Object.entries(options.headers ?? {}).filter(([, value]) => value !== undefined);
    const headers = Object.fromEntries(given) as OutgoingHttpHeaders;
    const sent = request(url, { method: options.method ?? 'GET', headers, agent: false }, (response) =>
      resolve({ request: sent, response }),
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

/** Writes bytes to the port and reads until the server closes, or until `enough` says so. */
export function sendRaw(
  port: number,
  bytes: string | Buffer,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (enough(text)) socket.destroy();
    });
    // A reset is an answer too: the caller judges what came.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

const META = 'io.modelcontextprotocol/';

/** A 2026-07-28 request, and the headers that belong to it. */
export function modern(
  id: number | string,
  method: string,
  params: Record<string, unknown> = {},
  meta: Record<string, unknown> = {},
): { message: unknown; headers: Record<string, string> } {
  const name = params['name'] ?? params['uri'];
  return {
    message: {
      jsonrpc: '2.0',
      id,
      method,
      params: {
        ...params,
        _meta: { [`${META}protocolVersion`]: '2026-07-28', [`${META}clientCapabilities`]: {}, ...meta },
      },
    },
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
  };
}

/** Begins a legacy session; the headers go with every later request of it. */
export async function initialize(
  url: string,
  version = '2025-11-25',
  headers: Record<string, string> = {},
): Promise<{ headers: Record<string, string>; token: string; response: TestResponse }> {
  const response = await post(
    url,
    {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: version,
        capabilities: { sampling: {} },
        clientInfo: { name: 'test', version: '1' },
      },
    },
    headers,
  );
  const token = String(response.headers['mcp-session-id'] ?? '');
  const sessionHeaders = { 'mcp-session-id': token, 'mcp-protocol-version': version };
  return { headers: { ...headers, ...sessionHeaders }, token, response };
}
