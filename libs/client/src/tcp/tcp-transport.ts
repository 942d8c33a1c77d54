import type { MessageEncoding } from '@mcp-bridge/protocol';
import { BridgeTransport, type TransportOptions } from '../bridge-transport.js';
import { openFramedWire } from './framed-wire.js';
import { openLineWire } from './line-wire.js';
import { type Address, openSocket } from './open-socket.js';

export interface TcpTransportOptions extends Address, TransportOptions {
  /** API key of the bridge; without it the client is anonymous. */
  readonly key?: string;
  /** A server or view by name, as in `/mcp/{view}`; the default view unless told. */
  readonly view?: string;
  /** `frames` (default) has flow control, signs of life and a graceful end; `lines` is newline-delimited JSON. */
  readonly mode?: 'frames' | 'lines';
  /** How frames carry messages; `json` unless told. */
  readonly encoding?: MessageEncoding;
  /** Longest message that is taken. Default 16 MiB. */
  readonly maxFrameBytes?: number;
  /** Bytes that may wait for the bridge; then `send` refuses. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
}

const DEFAULT_BYTES = 16 * 1024 * 1024;

/** A transport for `client.connect()` of either SDK line, over the bridge's TCP port. */
export function createTcpTransport(options: TcpTransportOptions = {}): BridgeTransport {
  const { key, view, mode = 'frames', encoding = 'json' } = options;
  const { maxFrameBytes = DEFAULT_BYTES, maxBufferedBytes = DEFAULT_BYTES } = options;
  const shared = { key, view, maxFrameBytes, maxBufferedBytes };
  return new BridgeTransport(async (events, signal) => {
    const socket = await openSocket(options, signal);
    const onAbort = (): void => void socket.destroy();
    signal.addEventListener('abort', onAbort);
    try {
      return await (mode === 'lines'
        ? openLineWire(socket, shared, events)
        : openFramedWire(socket, { ...shared, encoding }, events));
    } catch (error) {
      // Told to give up, the attempt failed for that reason, whatever the socket says.
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }, options);
}
