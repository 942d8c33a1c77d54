import type { BridgeTransport, TransportOptions } from '../bridge-transport.js';
import { createTcpTransport } from '../tcp/tcp-transport.js';
import { createWebSocketTransport } from '../websocket/websocket-transport.js';
import type { TestBridge } from './test-bridge.js';

export interface TransportChoice extends TransportOptions {
  readonly view?: string;
  readonly key?: string;
}

/** Every way in that this library knows. */
export const TRANSPORTS = {
  WebSocket: ({ httpPort }: Ports, { view, ...options }: TransportChoice = {}): BridgeTransport =>
    createWebSocketTransport({
      url: `ws://127.0.0.1:${httpPort}/mcp${view === undefined ? '' : `/${view}`}`,
      ...options,
    }),
  'TCP frames of JSON': ({ tcpPort }: Ports, options: TransportChoice = {}): BridgeTransport =>
    createTcpTransport({ port: tcpPort, ...options }),
  'TCP frames of MessagePack': ({ tcpPort }: Ports, options: TransportChoice = {}): BridgeTransport =>
    createTcpTransport({ port: tcpPort, encoding: 'msgpack', ...options }),
  'TCP lines': ({ tcpPort }: Ports, options: TransportChoice = {}): BridgeTransport =>
    createTcpTransport({ port: tcpPort, mode: 'lines', ...options }),
} as const;

type Ports = Pick<TestBridge, 'httpPort' | 'tcpPort'>;

export type TransportName = keyof typeof TRANSPORTS;
export const TRANSPORT_NAMES = Object.keys(TRANSPORTS) as TransportName[]; // the table's own keys
