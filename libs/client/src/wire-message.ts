import { type BridgeError, ERRORS } from '@mcp-bridge/protocol';

/**
 * A JSON-RPC message as the SDKs hand it over: both have a type of their own for it, and every message of either
 * is one of these.
 */
export interface WireMessage {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A key that is the same for equal ids; undefined when the message has none. */
export function idKey(id: unknown): string | undefined {
  return typeof id === 'string' || typeof id === 'number' ? JSON.stringify(id) : undefined;
}

export function isRequest(message: WireMessage): boolean {
  return typeof message.method === 'string' && message.id !== undefined;
}

export function isResponse(message: WireMessage): boolean {
  return message.method === undefined;
}

/** The member of an object that may be anything. */
export function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, key) as unknown) : undefined;
}

/** True for an error reply with the code of this row of the error table. */
export function isErrorOf(message: WireMessage, code: keyof typeof ERRORS): boolean {
  return memberOf(message.error, 'code') === ERRORS[code].rpc;
}

/** The error reply that a request gets from this side. */
export function failure(request: WireMessage, { rpcCode, message }: BridgeError): WireMessage {
  return { jsonrpc: '2.0', id: request.id, error: { code: rpcCode, message } };
}
