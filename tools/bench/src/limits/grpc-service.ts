import type { MethodDefinition } from '@grpc/grpc-js';

const bytesThrough = (bytes: Buffer): Buffer => bytes;

function echo(name: string, isStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/bench.Echo/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: bytesThrough,
    requestDeserialize: bytesThrough,
    responseSerialize: bytesThrough,
    responseDeserialize: bytesThrough,
  };
}

/** An echo whose messages are bytes: grpc-js itself is measured, not a message format. */
export const echoService = { unary: echo('Unary', false), stream: echo('Stream', true) };
