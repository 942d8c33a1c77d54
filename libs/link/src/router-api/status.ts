import { Metadata } from '@grpc/grpc-js';
import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import { BridgeError, ERRORS } from '@mcp-bridge/protocol';
import type { ErrorCode } from '@mcp-bridge/protocol';

const CODE = 'mcp-error-code';
const REASON = 'mcp-error-reason';
const DATA = 'mcp-error-data-bin';

/** A bridge error as a gRPC status; code, reason and data travel in the trailing metadata. */
export function toStatus(error: BridgeError): StatusObject {
  const metadata = new Metadata();
  metadata.set(CODE, String(error.rpcCode));
  metadata.set(REASON, error.code);
  if (error.data !== undefined) metadata.set(DATA, Buffer.from(error.data));
  return { code: ERRORS[error.code].grpc, details: error.message, metadata };
}

/** The bridge error behind a failed call; a status that the router did not make becomes one of the link's own. */
export function fromStatus(error: ServiceError): BridgeError {
  const reason = error.metadata?.get(REASON)[0];
  if (typeof reason !== 'string' || !isErrorCode(reason)) {
    return new BridgeError(codeOf(error.code), error.details, { cause: error });
  }
  const data = error.metadata.get(DATA)[0];
  return new BridgeError(reason, error.details, {
    cause: error,
    rpcCode: Number(error.metadata.get(CODE)[0]),
    ...(Buffer.isBuffer(data) ? { data: data.toString('utf8') } : {}),
  });
}

function isErrorCode(reason: string): reason is ErrorCode {
  return Object.hasOwn(ERRORS, reason);
}

/** google.rpc.Code to what it means for a call that may or may not have reached the router. */
function codeOf(code: number): ErrorCode {
  switch (code) {
    case 1:
      return 'CANCELLED';
    case 4:
      return 'DEADLINE_EXCEEDED';
    case 8:
      return 'PAYLOAD_TOO_LARGE';
    case 12:
      return 'METHOD_NOT_FOUND';
    case 16:
      return 'UNAUTHENTICATED';
    default:
      // UNAVAILABLE too: the connection may have broken after the call had begun.
      return 'OUTCOME_UNKNOWN';
  }
}
