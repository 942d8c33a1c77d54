import { Metadata } from '@grpc/grpc-js';
import type { ServiceError, StatusObject } from '@grpc/grpc-js';
import { BridgeError, ERRORS } from '@mcp-bridge/protocol';
import type { ErrorCode } from '@mcp-bridge/protocol';
import { decodeErrorDetails, encodeErrorDetails } from './error-details.js';

const DETAILS = 'grpc-status-details-bin';

/** A bridge error as a gRPC status; what it is in the bridge's own terms travels as google.rpc error details. */
export function toStatus(error: BridgeError): StatusObject {
  const { message, encoded } = encodeErrorDetails(error);
  const metadata = new Metadata();
  metadata.set(DETAILS, encoded);
  return { code: ERRORS[error.code].grpc, details: message, metadata };
}

/** The bridge error behind a failed call; a status that the router did not make becomes one of the link's own. */
export function fromStatus(error: ServiceError): BridgeError {
  const details = error.metadata?.get(DETAILS)[0];
  const told = Buffer.isBuffer(details) ? decodeErrorDetails(details, error) : undefined;
  return told ?? new BridgeError(codeOf(error.code), error.details, { cause: error });
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
