import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setInterval as every } from 'node:timers';

/**
 * What becomes of a request: `works` answers it; `fails` answers 503; `drips` sends a head and then a byte every now
 * and then; `resets` breaks the connection (RST) within the body, after the tool ran; `vanishes` takes it and never
 * says a word, as a peer does that is gone.
 */
export type HttpFault = 'works' | 'fails' | 'drips' | 'resets' | 'vanishes';

export interface FaultyHttp extends AsyncDisposable {
  readonly url: string;
  /** For requests that arrive from now on. */
  mode: HttpFault;
  /** Tool calls that arrived whole, by the `tag` of their arguments. */
  readonly calls: readonly string[];
  /** Requests of any method that arrived whole. */
  readonly requests: number;
  /** Ends every connection and the port; `listen` opens it again. */
  stop(): Promise<void>;
  listen(): Promise<void>;
}

export interface FaultyHttpOptions {
  /** Default `modern`. */
  readonly era?: 'modern' | 'legacy';
  /** In the text of every result; default empty. */
  readonly name?: string;
}

interface Request {
  readonly method: string;
  readonly session: string;
  readonly body: string;
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly tag?: unknown };
    readonly requestState?: unknown;
  };
}

const DRIP_MS = 50;
const HEAD_END = '\r\n\r\n';
const MODERN = '2026-07-28';
/** `write` has effects, `read` and `again` may be repeated, `ask` first answers `input_required` with a state. */
const TOOLS = [
  { name: 'write', inputSchema: { type: 'object' } },
  { name: 'read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'ask', inputSchema: { type: 'object' } },
  { name: 'again', inputSchema: { type: 'object' }, annotations: { idempotentHint: true } },
];

/** A small MCP server over raw sockets whose connections can be broken in ways that no HTTP library would. */
export async function startFaultyHttp(options: FaultyHttpOptions = {}): Promise<FaultyHttp> {
  const { era = 'modern', name = '' } = options;
  const sockets = new Set<Socket>();
  const sessions = new Set<string>();
  const calls: string[] = [];
  let requests = 0;
  let mode: HttpFault = 'works';
  let port = 0;

  const answer = (socket: Socket, request: Request): void => {
    const sends = (status: number, body = '', headers = ''): void => {
      const type = body === '' ? '' : 'content-type: application/json\r\n';
      socket.write(
        `HTTP/1.1 ${status} X\r\n${type}${headers}content-length: ${body.length}${HEAD_END}${body}`,
      );
    };
    if (request.method !== 'POST') return sends(405);
    requests += 1;
    // The bridge sends valid JSON-RPC.
    const message = JSON.parse(request.body) as Message;
    if (message.method === 'tools/call') calls.push(String(message.params?.arguments?.tag));
    if (mode === 'fails') return sends(503);
    if (mode === 'vanishes') return;
    if (mode === 'drips') return drip(socket);
    if (mode === 'resets') {
      socket.write(`HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 9${HEAD_END}{"json`);
      return void setImmediate(() => socket.resetAndDestroy());
    }
    if (message.id === undefined) return sends(202);
    const replies = (member: string, headers = ''): void =>
      sends(200, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},${member}}`, headers);
    if (era === 'legacy') {
      if (message.method === 'initialize') {
        const session = randomUUID();
        sessions.add(session);
        return replies(`"result":${initializeResult()}`, `mcp-session-id: ${session}\r\n`);
      }
      if (request.session === '') return sends(400);
      if (!sessions.has(request.session)) return sends(404);
    }
    replies(memberFor(message, name));
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    let buffered = '';
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      buffered += chunk.toString('latin1');
      for (;;) {
        const request = firstRequest(buffered);
        if (request === undefined) return;
        buffered = buffered.slice(request.length);
        answer(socket, request);
      }
    });
  });
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    // A server that listens on an interface has such an address.
    ({ port } = server.address() as AddressInfo);
  };
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen();
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    calls,
    get requests() {
      return requests;
    },
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
    },
    stop,
    listen,
    [Symbol.asyncDispose]: stop,
  };
}

function drip(socket: Socket): void {
  socket.write(`HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 100000${HEAD_END}`);
  const timer = every(() => socket.write(' '), DRIP_MS);
  socket.on('close', () => clearInterval(timer));
}

function firstRequest(buffered: string): (Request & { readonly length: number }) | undefined {
  const end = buffered.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = buffered.slice(0, end);
  const header = (field: string): string =>
    new RegExp(`^${field}: *(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  const from = end + HEAD_END.length;
  const length = from + Number(header('content-length') || 0);
  if (buffered.length < length) return undefined;
  return {
    method: head.slice(0, head.indexOf(' ')),
    session: header('mcp-session-id'),
    body: buffered.slice(from, length),
    length,
  };
}

function memberFor({ method, params }: Message, name: string): string {
  switch (method) {
    case 'server/discover':
      return `"result":${JSON.stringify({
        resultType: 'complete',
        supportedVersions: [MODERN],
        capabilities: { tools: {} },
        ttlMs: 60_000,
        cacheScope: 'public',
      })}`;
    case 'tools/list':
      return `"result":${JSON.stringify({ resultType: 'complete', tools: TOOLS, ttlMs: 60_000, cacheScope: 'public' })}`;
    case 'tools/call': {
      if (params?.name === 'ask' && params.requestState === undefined) {
        return `"result":${JSON.stringify({ resultType: 'input_required', requestState: randomUUID() })}`;
      }
      const text = `${name}:${String(params?.arguments?.tag)}`;
      return `"result":${JSON.stringify({ resultType: 'complete', content: [{ type: 'text', text }] })}`;
    }
    case 'ping':
      return '"result":{}';
    default:
      return '"error":{"code":-32601,"message":"Method not found"}';
  }
}

function initializeResult(): string {
  return JSON.stringify({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'faulty', version: '1' },
  });
}
