import { BridgeError, ERRORS, type ErrorCode } from './errors.js';

/** A BridgeError as plain JSON: crosses worker threads, gRPC and NATS, where error classes do not survive. */
export interface ErrorWire {
  readonly code: ErrorCode;
  readonly message: string;
  readonly rpcCode: number;
  /** Raw JSON of the `data` member. */
  readonly data?: string;
}

/** Any thrown value in its wire form. Cause and stack stay here. */
export function toWire(error: unknown): ErrorWire {
  const { code, message, rpcCode, data } = BridgeError.from(error);
  return data === undefined ? { code, message, rpcCode } : { code, message, rpcCode, data };
}

/** The error of a wire form. Total: what is not one becomes INTERNAL, and `data` that is not JSON is dropped. */
export function fromWire(wire: unknown): BridgeError {
  if (typeof wire !== 'object' || wire === null) return malformed(wire);
  const { code, message, rpcCode, data } = wire as Partial<Record<keyof ErrorWire, unknown>>; // narrowed below
  if (!isErrorCode(code) || typeof message !== 'string' || !Number.isInteger(rpcCode)) return malformed(wire);
  return new BridgeError(code, message, {
    rpcCode: rpcCode as number, // an integer, as just checked
    ...(isJson(data) ? { data } : {}),
  });
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function isJson(data: unknown): data is string {
  if (typeof data !== 'string') return false;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

function malformed(wire: unknown): BridgeError {
  return new BridgeError('INTERNAL', 'Internal error', { cause: wire });
}
