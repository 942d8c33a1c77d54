import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';
import type { LoadConnection } from '../load/connection.js';
import { echoService } from './grpc-service.js';

/** Load on the grpc-js echo: as many unary calls at once, or as many streams, as there are connections. */
export interface GrpcEchoSpec {
  readonly kind: 'grpc-echo';
  readonly port: number;
  readonly connections: number;
  readonly messageBytes: number;
  readonly method: keyof typeof echoService;
}

let client: Client | undefined;

/** All share one HTTP/2 connection, as the calls of a gateway to one router do. */
export function openGrpcEcho({ port, messageBytes, method }: GrpcEchoSpec): Promise<LoadConnection> {
  client ??= new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const message = Buffer.alloc(messageBytes, 'x');
  return Promise.resolve(
    method === 'unary' ? unaryConnection(client, message) : streamConnection(client, message),
  );
}

function unaryConnection(grpc: Client, message: Buffer): LoadConnection {
  const { path, requestSerialize, responseDeserialize } = echoService.unary;
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () =>
      void grpc.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error, reply) =>
        connection.onReply(error === null && reply?.length === message.length),
      ),
    close: () => grpc.close(),
  };
  return connection;
}

function streamConnection(grpc: Client, message: Buffer): LoadConnection {
  const { path, requestSerialize, responseDeserialize } = echoService.stream;
  const stream: ClientDuplexStream<Buffer, Buffer> = grpc.makeBidiStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
  );
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () => void stream.write(message),
    close: () => stream.end(),
  };
  stream.on('data', (reply: Buffer) => connection.onReply(reply.length === message.length));
  stream.on('error', () => connection.onClose());
  return connection;
}
