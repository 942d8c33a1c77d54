import { connect } from 'node:net';
import { once } from 'node:events';
import type { LoadConnection } from './connection.js';

/** Load of equal messages on a TCP server that sends each back. */
export interface TcpEchoSpec {
  readonly kind: 'tcp-echo';
  readonly port: number;
  readonly connections: number;
  readonly messageBytes: number;
}

export async function openTcpEcho({ port, messageBytes }: TcpEchoSpec): Promise<LoadConnection> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const message = Buffer.alloc(messageBytes, 'x');
  let due = 0;
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send() {
      due = messageBytes;
      socket.write(message);
    },
    close: () => socket.destroy(),
  };
  socket.on('data', (bytes) => {
    due -= bytes.length;
    if (due <= 0) connection.onReply(due === 0);
  });
  socket.on('error', () => {});
  socket.once('close', () => connection.onClose());
  return connection;
}
