import type { ServiceDefinition } from '@grpc/grpc-js';
import { BridgeError } from '@mcp-bridge/protocol';

/** Requests that were too long and are therefore empty. */
const unread = new WeakSet<object>();

/**
 * The same service, whose requests are read only when they are at most `maxBytes` long. grpc-js has one limit for a
 * whole server, and the link beside this service needs another.
 */
export function limitRequests(service: ServiceDefinition, maxBytes: number): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => {
      const { requestDeserialize } = method;
      const bounded = (bytes: Buffer): object => {
        // What protobuf makes of a message is always an object.
        if (bytes.length <= maxBytes) return requestDeserialize(bytes) as object;
        const empty = requestDeserialize(Buffer.alloc(0)) as object;
        unread.add(empty);
        return empty;
      };
      return [name, { ...method, requestDeserialize: bounded }];
    }),
  );
}

/** @throws {BridgeError} PAYLOAD_TOO_LARGE for a request that `limitRequests` did not read */
export function checkRequestLimit(request: object): void {
  if (!unread.has(request)) return;
  throw new BridgeError(
    'PAYLOAD_TOO_LARGE',
    'The request is longer than the router takes: send less at once, or raise router.maxMessageBytes',
  );
}
