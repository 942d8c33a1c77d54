import type { GrpcEchoSpec } from '../limits/grpc-driver.js';
import type { PiscinaSpec } from '../limits/piscina-driver.js';
import type { UndiciSpec } from '../limits/undici-driver.js';
import type { LoadConnection } from './connection.js';
import type { HttpLoadSpec } from './http-driver.js';
import type { LinkLoadSpec } from './link-driver.js';
import type { TcpEchoSpec, TcpLoadSpec } from './tcp-driver.js';
import type { UnaryLoadSpec } from './unary-driver.js';
import type { WebSocketEchoSpec, WebSocketLoadSpec } from './websocket-driver.js';

/** Everything that the generator can be told to do; it travels to its process as JSON. */
export type LoadSpec =
  | HttpLoadSpec
  | TcpLoadSpec
  | WebSocketLoadSpec
  | LinkLoadSpec
  | TcpEchoSpec
  | WebSocketEchoSpec
  | GrpcEchoSpec
  | UnaryLoadSpec
  | PiscinaSpec
  | UndiciSpec;

/** Opens one connection of a load. Each engine is loaded by the generators that use it, and by no other. */
export async function openConnection(spec: LoadSpec): Promise<LoadConnection> {
  switch (spec.kind) {
    case 'http':
      return await (await import('./http-driver.js')).openHttpClient(spec);
    case 'websocket':
      return await (await import('./websocket-driver.js')).openWebSocketClient(spec);
    case 'tcp':
      return await (await import('./tcp-driver.js')).openTcpClient(spec);
    case 'link':
      return (await import('./link-driver.js')).openLinkClient(spec);
    case 'tcp-echo':
      return await (await import('./tcp-driver.js')).openTcpEcho(spec);
    case 'websocket-echo':
      return await (await import('./websocket-driver.js')).openWebSocketEcho(spec);
    case 'grpc-echo':
      return await (await import('../limits/grpc-driver.js')).openGrpcEcho(spec);
    case 'grpc-unary':
      return (await import('./unary-driver.js')).openUnary(spec);
    case 'piscina':
      return (await import('../limits/piscina-driver.js')).openPiscina();
    case 'undici':
      return (await import('../limits/undici-driver.js')).openUndici(spec);
  }
}
