import { once } from 'node:events';
import { connect } from 'node:net';
import { createHttpReplyParser, type HttpReply } from './http-reply-parser.js';

/** One keep-alive connection to an HTTP server, with as little between it and the socket as can be. */
export interface HttpConnection {
  onReply: (reply: HttpReply) => void;
  onClose: () => void;
  send(request: Buffer): void;
  /** Sends and waits for the reply. */
  exchange(request: Buffer): Promise<HttpReply>;
  close(): void;
}

export async function connectHttp(url: URL): Promise<HttpConnection> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  await once(socket, 'connect');
  const connection: HttpConnection = {
    onReply: () => {},
    onClose: () => {},
    send: (request) => socket.write(request),
    exchange: (request) =>
      new Promise((resolve, reject) => {
        connection.onReply = resolve;
        connection.onClose = () => reject(new Error(`${url.href} closed the connection without an answer`));
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
  const parser = createHttpReplyParser((reply) => connection.onReply(reply));
  socket.on('data', (bytes) => parser.push(bytes));
  // What follows an error is the close.
  socket.on('error', () => {});
  socket.once('close', () => connection.onClose());
  return connection;
}
