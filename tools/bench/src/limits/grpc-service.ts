import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
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

/** What the router's `CallRequest` holds of a plain call. */
export interface ToolCall {
  readonly tool: string;
  readonly argumentsJson: string;
}

const FIELD = { tool: 3, argumentsJson: 4, resultJson: 1 };

/** A `mcp_bridge.router.v1.CallRequest`, with the protobuf library of the bridge. */
export function encodeCall({ tool, argumentsJson }: ToolCall): Buffer {
  return Buffer.from(
    new BinaryWriter()
      .uint32((FIELD.tool << 3) | 2)
      .string(tool)
      .uint32((FIELD.argumentsJson << 3) | 2)
      .string(argumentsJson)
      .finish(),
  );
}

function decodeCall(bytes: Buffer): ToolCall {
  const reader = new BinaryReader(bytes);
  const call = { tool: '', argumentsJson: '' };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === FIELD.tool) call.tool = reader.string();
    else if (tag >>> 3 === FIELD.argumentsJson) call.argumentsJson = reader.string();
    else reader.skip(tag & 7);
  }
  return call;
}

function encodeResponse(resultJson: string): Buffer {
  return Buffer.from(
    new BinaryWriter()
      .uint32((FIELD.resultJson << 3) | 2)
      .string(resultJson)
      .finish(),
  );
}

/**
 * Echoes. `unary` and `stream` pass bytes through: grpc-js itself is measured, not a message format. `call` has the
 * messages of the router's `Call`, as any service in its place would.
 */
export const echoService = {
  unary: echo('Unary', false),
  stream: echo('Stream', true),
  call: {
    ...echo('Call', false),
    requestSerialize: encodeCall,
    requestDeserialize: decodeCall,
    responseSerialize: encodeResponse,
    responseDeserialize: (bytes: Buffer): string => bytes.toString('utf8'),
  },
};
