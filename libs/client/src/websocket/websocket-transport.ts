import { BridgeError, type ErrorCode } from '@mcp-bridge/protocol';
import { WebSocket } from 'ws';
import { BridgeTransport, type TransportOptions } from '../bridge-transport.js';
import { WebSocketWire } from './websocket-wire.js';

export interface WebSocketTransportOptions extends TransportOptions {
  /** Such as `ws://127.0.0.1:8080/mcp` or `wss://bridge.example/mcp/files`; `http` and `https` mean the same. */
  readonly url: string | URL;
  /** API key of the bridge; without it the client is anonymous. */
  readonly key?: string;
  /** Further headers of the upgrade. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest message that is taken. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes that may wait for the bridge; then `send` refuses. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
  /** Silence after which the bridge is pinged; as much again ends the connection. Default 30 000. */
  readonly keepAliveMs?: number;
  /** Who signs the bridge's certificate, where that is no public authority. */
  readonly ca?: string | Buffer;
}

const SUBPROTOCOL = 'mcp';
const DEFAULT_BYTES = 16 * 1024 * 1024;
const DEFAULT_KEEP_ALIVE_MS = 30_000;

/** What the status of a refused upgrade means; others are worth another attempt. */
const REFUSALS: Readonly<Partial<Record<number, ErrorCode>>> = {
  400: 'INVALID_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'DENIED',
  404: 'METHOD_NOT_FOUND',
};

/** A transport for `client.connect()` of either SDK line, over WebSocket. */
export function createWebSocketTransport(options: WebSocketTransportOptions): BridgeTransport {
  const { key, ca, maxMessageBytes = DEFAULT_BYTES } = options;
  const url = new URL(options.url);
  const headers = { ...options.headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  const wireOptions = {
    maxBufferedBytes: options.maxBufferedBytes ?? DEFAULT_BYTES,
    keepAliveMs: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
  };
  return new BridgeTransport(
    (events, signal) =>
      new Promise((resolve, reject) => {
        const ws = new WebSocket(url, SUBPROTOCOL, {
          headers,
          maxPayload: maxMessageBytes,
          perMessageDeflate: false,
          ...(ca !== undefined && { ca }),
        });
        const onAbort = (): void => ws.terminate();
        signal.addEventListener('abort', onAbort);
        const settled = (): void => signal.removeEventListener('abort', onAbort);
        const refuse = (error: BridgeError): void => {
          settled();
          reject(signal.aborted ? BridgeError.from(signal.reason) : error);
        };
        ws.once('unexpected-response', (request, { statusCode = 0 }) => {
          const why = `${url.href} refused the upgrade with HTTP ${statusCode}`;
          refuse(new BridgeError(REFUSALS[statusCode] ?? 'UPSTREAM_UNAVAILABLE', why));
          request.destroy();
        });
        const onError = (cause: Error): void => {
          const why = `Cannot connect to ${url.href}: ${cause.message}`;
          refuse(new BridgeError('UPSTREAM_UNAVAILABLE', why, { cause }));
        };
        ws.on('error', onError);
        ws.once('open', () => {
          settled();
          ws.off('error', onError);
          resolve(new WebSocketWire(ws, wireOptions, events));
        });
      }),
    options,
  );
}
