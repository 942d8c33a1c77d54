import type { LoadConnection } from './connection.js';
import { connectHttp, type HttpConnection } from './http-connection.js';
import { headerOf, type HttpReply } from './http-reply-parser.js';
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
  /** Must stand in every answer, besides a result: a tool's error is a result too. */
  readonly expected?: string;
}

/** Connects one client and opens its session. */
export async function openHttpClient(spec: HttpLoadSpec): Promise<LoadConnection> {
  const url = new URL(spec.url);
  let http = await connectHttp(url);
  const headers = { ...spec.headers, ...(await openSession(http, url, spec)) };
  const request = numberedRequest({ url, headers, method: spec.method, params: spec.params });

  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    async prepare() {
      // Servers close connections that were idle for some seconds, perhaps just now.
      http.onClose = () => {};
      http.close();
      http = await connectHttp(url);
      http.onReply = (reply) => connection.onReply(isAnswer(reply, request, spec.expected));
      http.onClose = () => connection.onClose();
    },
    send: () => http.send(request.next()),
    close: () => http.close(),
  };
  return connection;
}

/** The result to the very request that was sent, and to no other. */
function isAnswer({ status, body }: HttpReply, request: NumberedRequest, expected?: string): boolean {
  const isResult = status === 200 && body.includes(request.idText) && body.includes('"result"');
  return isResult && (expected === undefined || body.includes(expected));
}

/** Initializes where the load wants a session; returns the headers of its requests. */
async function openSession(
  http: HttpConnection,
  url: URL,
  { session, headers = {} }: HttpLoadSpec,
): Promise<Record<string, string>> {
  if (session === undefined) return {};
  const params = { protocolVersion: session, capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const reply = await http.exchange(numberedRequest({ url, headers, method: 'initialize', params }).next());
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
  await http.exchange(numberedRequest({ ...initialized, isNotification: true }).next());
  return own;
}
