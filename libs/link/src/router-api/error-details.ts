import { BridgeError, ERRORS } from '@mcp-bridge/protocol';
import type { ErrorCode } from '@mcp-bridge/protocol';
import { Any } from '../gen/google/protobuf/any.js';
import { ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.js';
import { Status } from '../gen/google/rpc/status.js';

const DOMAIN = 'mcp-bridge';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';
const RPC_CODE = 'jsonRpcCode';
const DATA = 'data';
/** All trailing metadata together must stay under the 8 KiB that clients in other languages accept. */
const MAX_MESSAGE_BYTES = 1024;
const MAX_DATA_BYTES = 2048;

/** What a failed call carries besides its status code. */
export interface ErrorDetails {
  /** The message, cut to 1 KiB of well-formed text. */
  readonly message: string;
  /** `grpc-status-details-bin`: google.rpc.Status with ErrorInfo, and RetryInfo where a pause is known. */
  readonly encoded: Buffer;
}

/** The error by the conventions of google.rpc (https://google.aip.dev/193). Data over 2 KiB stays behind. */
export function encodeErrorDetails(error: BridgeError): ErrorDetails {
  const message = cut(error.message);
  const metadata: Record<string, string> = { [RPC_CODE]: String(error.rpcCode) };
  if (error.data !== undefined && Buffer.byteLength(error.data) <= MAX_DATA_BYTES)
    metadata[DATA] = error.data;
  const info = ErrorInfo.encode({ reason: error.code, domain: DOMAIN, metadata }).finish();
  const details = [Any.create({ typeUrl: ERROR_INFO, value: Buffer.from(info) })];
  const retryAfterMs = ERRORS[error.code].retry ? retryAfterOf(error.data) : undefined;
  if (retryAfterMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryAfterMs / 1_000)),
      nanos: (retryAfterMs % 1_000) * 1_000_000,
    };
    const retry = RetryInfo.encode({ retryDelay }).finish();
    details.push(Any.create({ typeUrl: RETRY_INFO, value: Buffer.from(retry) }));
  }
  const encoded = Status.encode({ code: ERRORS[error.code].grpc, message, details }).finish();
  return { message, encoded: Buffer.from(encoded) };
}

/** The error that a router described so; undefined when the bytes are of something else. */
export function decodeErrorDetails(encoded: Uint8Array, cause: unknown): BridgeError | undefined {
  const status = decoded(() => Status.decode(encoded));
  const info = decoded(() => ErrorInfo.decode(detail(status, ERROR_INFO)));
  if (info === undefined || info.domain !== DOMAIN || !isErrorCode(info.reason)) return undefined;
  const rpcCode = Number(info.metadata[RPC_CODE]);
  const data = info.metadata[DATA];
  return new BridgeError(info.reason, status?.message ?? '', {
    cause,
    ...(Number.isInteger(rpcCode) ? { rpcCode } : {}),
    ...(data === undefined ? {} : { data }),
  });
}

/** Whether the bridge's error table knows the name. */
export function isErrorCode(reason: string): reason is ErrorCode {
  return Object.hasOwn(ERRORS, reason);
}

function detail(status: Status | undefined, typeUrl: string): Uint8Array {
  return status?.details.find((any) => any.typeUrl === typeUrl)?.value ?? new Uint8Array();
}

/** Undefined for bytes that are no such message. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

/** `{"retryAfterMs":100}`, which refusals of the bridge carry. */
function retryAfterOf(data: string | undefined): number | undefined {
  if (data === undefined) return undefined;
  const parsed = decoded(() => JSON.parse(data) as { readonly retryAfterMs?: unknown } | null);
  const value = parsed?.retryAfterMs;
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.ceil(value) : undefined;
}

/** Also takes out what is no text, such as half of a surrogate pair, which grpc-js cannot send. */
function cut(message: string): string {
  const bytes = Buffer.from(message).subarray(0, MAX_MESSAGE_BYTES);
  return new TextDecoder().decode(bytes, { stream: true });
}
