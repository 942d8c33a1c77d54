import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { LoadConnection } from './connection.js';
import { createServerFrameParser, maskedTextFrame } from './websocket-frames.js';

/** Load of equal text messages on a WebSocket that sends each back. */
export interface WebSocketEchoSpec {
  readonly kind: 'websocket-echo';
  readonly url: string;
  readonly connections: number;
  readonly messageBytes: number;
}

export async function openWebSocketEcho({ url, messageBytes }: WebSocketEchoSpec): Promise<LoadConnection> {
  const socket = await upgrade(new URL(url));
  const frame = maskedTextFrame(Buffer.alloc(messageBytes, 'x'));
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () => socket.write(frame),
    close: () => socket.destroy(),
  };
  const parser = createServerFrameParser(({ payload }) =>
    connection.onReply(payload.length === messageBytes),
  );
  socket.on('data', (bytes) => parser.push(bytes));
  socket.on('error', () => {});
  socket.once('close', () => connection.onClose());
  return connection;
}

/** Opens the connection and asks for the upgrade (RFC 6455, section 4.1). */
async function upgrade(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, 'connect');
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Version: 13',
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  // These servers send nothing of their own accord, so the first bytes are the whole answer.
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101'))
    throw new Error(`no WebSocket at ${url.href}: ${answer.toString('latin1').split('\r\n')[0]}`);
  return socket;
}
