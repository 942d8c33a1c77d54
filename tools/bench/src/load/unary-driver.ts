import { Client, credentials } from '@grpc/grpc-js';
import type { LoadConnection } from './connection.js';

/** Unary calls with a request that is encoded already: of the router's API, or of any other method. */
export interface UnaryLoadSpec {
  readonly kind: 'grpc-unary';
  readonly port: number;
  /** Calls at once; all share one HTTP/2 connection, as the calls of one service do. */
  readonly connections: number;
  /** `/package.Service/Method` */
  readonly path: string;
  /** In base64. */
  readonly request: string;
  /** What each reply must contain. */
  readonly expected: string;
}

let client: Client | undefined;

export function openUnary({ port, path, request, expected }: UnaryLoadSpec): LoadConnection {
  client ??= new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const grpc = client;
  const message = Buffer.from(request, 'base64');
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () =>
      void grpc.makeUnaryRequest(path, asIs, asIs, message, (error, reply) =>
        connection.onReply(error === null && reply?.includes(expected) === true),
      ),
    close: () => grpc.close(),
  };
  return connection;
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}
