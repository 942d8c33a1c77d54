import { BridgeError } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import type { Era } from '../upstream/channel.js';
import { isModernVersion } from './era.js';

const RESOURCE_NOT_FOUND = -32002;
const URL_ELICITATION_REQUIRED = -32042;
const INVALID_PARAMS = -32602;
const HEADER_MISMATCH = -32020;
const MISSING_CAPABILITY = -32021;
const UNSUPPORTED_VERSION = -32022;
const INTERNAL = -32603;

/**
 * An upstream's error as this client's revision expects it (requirements 12 and 61): codes of earlier revisions and
 * codes that the specification keeps for itself never reach modern clients, and errors about our own leg are not the
 * client's.
 */
export function clientError(request: CallRequest, error: BridgeError, era: Era): BridgeError {
  if (error.code !== 'UPSTREAM_ERROR') return error;
  if (era === 'modern' && (error.rpcCode === HEADER_MISMATCH || error.rpcCode === UNSUPPORTED_VERSION)) {
    return new BridgeError(
      'UPSTREAM_PROTOCOL',
      `The upstream refused the bridge's request: ${error.message}`,
      {
        cause: error,
      },
    );
  }
  const modern = isModernVersion(request.protocolVersion);
  if (modern && (error.rpcCode === RESOURCE_NOT_FOUND || error.rpcCode === URL_ELICITATION_REQUIRED)) {
    return recoded(error, INVALID_PARAMS);
  }
  if (modern && isReserved(error.rpcCode)) {
    // A legacy server's codes of this range are its own; what they would mean to a modern client was not said.
    return era === 'modern' && error.rpcCode === MISSING_CAPABILITY ? error : recoded(error, INTERNAL);
  }
  if (
    !modern &&
    era === 'modern' &&
    request.method === 'resources/read' &&
    error.rpcCode === INVALID_PARAMS
  ) {
    return recoded(error, RESOURCE_NOT_FOUND);
  }
  return error;
}

/** 2026-07-28 basic/index, "Error Codes": the specification alone may give these a meaning. */
function isReserved(rpcCode: number): boolean {
  return rpcCode <= -32020 && rpcCode >= -32099;
}

function recoded(error: BridgeError, rpcCode: number): BridgeError {
  return new BridgeError('UPSTREAM_ERROR', error.message, {
    cause: error,
    rpcCode,
    ...(error.data === undefined ? {} : { data: error.data }),
  });
}
