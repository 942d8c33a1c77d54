import { SERVER_NAME } from '../bridge-config.js';
import type { ClientTransport } from '../options.js';
import type { BridgeAddress } from '../start-bridge.js';
import { sseWires } from './sse-wire.js';
import { tcpFrameWires } from './tcp-frame-wire.js';
import { tcpLineWires } from './tcp-line-wire.js';
import { webSocketWires } from './websocket-wire.js';
import type { OpenWire } from './wire.js';

/** How to connect to a bridge over a transport that is not HTTP. */
export function wireOpener(
  transport: Exclude<ClientTransport, 'http'>,
  { url, tcpPort }: BridgeAddress,
): OpenWire {
  if (transport === 'websocket') return webSocketWires(url);
  if (transport === 'sse') return sseWires(url);
  if (tcpPort === undefined) throw new Error('the bridge was started without a TCP port');
  if (transport === 'tcp') return tcpLineWires(tcpPort, SERVER_NAME);
  return tcpFrameWires(tcpPort, SERVER_NAME, transport === 'tcp-framed' ? 'json' : 'msgpack');
}
