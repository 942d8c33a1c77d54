export type { BridgeTransport, TransportOptions, TransportState } from './bridge-transport.js';
export type { ReconnectOptions } from './reconnect.js';
export { createTcpTransport } from './tcp/tcp-transport.js';
export type { TcpTransportOptions } from './tcp/tcp-transport.js';
export type { WireMessage } from './wire-message.js';
export { createWebSocketTransport } from './websocket/websocket-transport.js';
export type { WebSocketTransportOptions } from './websocket/websocket-transport.js';
export { BridgeError } from '@mcp-bridge/protocol';
export type { ErrorCode } from '@mcp-bridge/protocol';
