import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { LoadConnection } from './connection.js';
import { numberedBatch, numberedBody } from './numbered-request.js';
import { createServerFrameParser, maskedFrame, OPCODE } from './websocket-frames.js';

/** Load of equal text messages on a WebSocket that sends each back. */
export interface WebSocketEchoSpec {
  readonly kind: 'websocket-echo';
  readonly url: string;
  readonly connections: number;
  readonly messageBytes: number;
}

/** Load of JSON-RPC requests over WebSockets, each a client of its own. */
export interface WebSocketLoadSpec {
  readonly kind: 'websocket';
  readonly url: string;
  readonly connections: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Requests under way on each connection; default 1. */
  readonly inFlight?: number;
}

export function openWebSocketEcho({ url, messageBytes }: WebSocketEchoSpec): Promise<LoadConnection> {
  const frame = maskedFrame(OPCODE.TEXT, Buffer.alloc(messageBytes, 'x'));
  return openWebSocket(
    new URL(url),
    {},
    () => frame,
    (payload) => payload.length === messageBytes,
  );
}

export function openWebSocketClient(spec: WebSocketLoadSpec): Promise<LoadConnection> {
  const { url, headers = {}, method, params, inFlight = 1 } = spec;
  const requests = numberedBatch(maskedFrame(OPCODE.TEXT, numberedBody(method, params)), inFlight);
  return openWebSocket(
    new URL(url),
    { 'sec-websocket-protocol': 'mcp', ...headers },
    () => requests.next(),
    (payload) => requests.has(payload) && payload.includes('"result"'),
    inFlight,
  );
}

/** Opens one client; a connection that was cut while it was idle is opened again before a run. */
async function openWebSocket(
  url: URL,
  headers: Readonly<Record<string, string>>,
  next: () => Buffer,
  isAnswer: (payload: Buffer) => boolean,
  requestsPerSend = 1,
): Promise<LoadConnection> {
  const open = async (): Promise<Socket> => {
    const socket = await upgrade(url, headers);
    const parser = createServerFrameParser(({ opcode, payload }) => {
      if (opcode === OPCODE.PING) socket.write(maskedFrame(OPCODE.PONG, payload));
      else if (opcode === OPCODE.TEXT) connection.onReply(isAnswer(payload));
    });
    socket.on('data', (bytes) => parser.push(bytes));
    socket.on('error', () => {});
    socket.once('close', () => connection.onClose());
    return socket;
  };
  const connection: LoadConnection = {
    requestsPerSend,
    onReply: () => {},
    onClose: () => {},
    async prepare() {
      if (socket.destroyed) socket = await open();
    },
    send: () => socket.write(next()),
    close: () => socket.destroy(),
  };
  let socket = await open();
  return connection;
}

/** Opens the connection and asks for the upgrade (RFC 6455, section 4.1). */
async function upgrade(url: URL, headers: Readonly<Record<string, string>>): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, 'connect');
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  // These servers send nothing of their own accord, so the first bytes are the whole answer.
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101'))
    throw new Error(`no WebSocket at ${url.href}: ${answer.toString('latin1').split('\r\n')[0]}`);
  return socket;
}
