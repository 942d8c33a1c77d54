import { connect, type Socket } from 'node:net';
import type { LoadConnection } from './connection.js';
import { createHttpReplyParser, headerOf, type HttpReply } from './http-reply-parser.js';
import { numberedRequest, type NumberedRequest } from './numbered-request.js';

/** Load of JSON-RPC requests over HTTP, each connection a client of its own. */
export interface HttpLoadSpec {
  readonly kind: 'http';
  readonly url: string;
  readonly connections: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Revision of a 2025-era session that each connection opens first; none without. */
  readonly session?: string;
}

/** Connects one client and opens its session. */
export async function openHttpConnection(spec: HttpLoadSpec): Promise<LoadConnection> {
  const url = new URL(spec.url);
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  const client = createClient(socket);
  await client.connected;
  const headers = { ...spec.headers, ...(await openSession(client, url, spec)) };
  const request = numberedRequest({ url, headers, method: spec.method, params: spec.params });

  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () => socket.write(request.next()),
    close: () => socket.destroy(),
  };
  client.onReply = (reply) => connection.onReply(isAnswer(reply, request));
  socket.on('error', () => {});
  socket.once('close', () => connection.onClose());
  return connection;
}

/** The result to the very request that was sent, and to no other. */
function isAnswer({ status, body }: HttpReply, request: NumberedRequest): boolean {
  return status === 200 && body.includes(request.idText) && body.includes('"result"');
}

interface HttpClient {
  readonly connected: Promise<void>;
  onReply: (reply: HttpReply) => void;
  exchange(request: Buffer): Promise<HttpReply>;
}

function createClient(socket: Socket): HttpClient {
  const client: HttpClient = {
    connected: new Promise((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    }),
    onReply: () => {},
    exchange: (request) =>
      new Promise((resolve, reject) => {
        client.onReply = resolve;
        socket.once('close', () => reject(new Error('the server closed the connection')));
        socket.write(request);
      }),
  };
  const parser = createHttpReplyParser((reply) => client.onReply(reply));
  socket.on('data', (bytes) => parser.push(bytes));
  return client;
}

/** Initializes where the load wants a session; returns the headers of its requests. */
async function openSession(
  client: HttpClient,
  url: URL,
  { session, headers = {} }: HttpLoadSpec,
): Promise<Record<string, string>> {
  if (session === undefined) return {};
  const params = { protocolVersion: session, capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const reply = await client.exchange(numberedRequest({ url, headers, method: 'initialize', params }).next());
  if (reply.status !== 200)
    throw new Error(`initialize at ${url.href} got status ${reply.status}: ${reply.body.toString()}`);
  const sessionId = headerOf(reply, 'mcp-session-id');
  const own = {
    'mcp-protocol-version': session,
    ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
  };
  const initialized = {
    url,
    headers: { ...headers, ...own },
    method: 'notifications/initialized',
    params: {},
  };
  await client.exchange(numberedRequest({ ...initialized, isNotification: true }).next());
  return own;
}
