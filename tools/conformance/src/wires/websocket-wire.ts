import { WebSocket } from 'ws';
import { WireRefused, type OpenWire } from './wire.js';

/** Wires over WebSocket, subprotocol `mcp`: one message per text frame. */
export function webSocketWires(httpUrl: string): OpenWire {
  const url = httpUrl.replace(/^http/, 'ws');
  return ({ host, origin }, listener) =>
    new Promise((resolve, reject) => {
      const headers = {
        ...(host !== undefined && { host }),
        ...(origin !== undefined && { origin }),
      };
      const socket = new WebSocket(url, 'mcp', { headers, perMessageDeflate: false });
      socket.on('unexpected-response', (request, response) => {
        reject(new WireRefused(response.statusCode ?? 0, 'the upgrade was refused'));
        request.destroy();
      });
      socket.on('error', reject);
      socket.on('open', () => {
        resolve({ send: (message) => socket.send(message), close: () => socket.close() });
      });
      socket.on('message', (data, isBinary) => {
        // ws hands out one Buffer per message unless it is told otherwise.
        if (!isBinary) listener.onMessage((data as Buffer).toString('utf8'));
      });
      socket.on('close', () => listener.onClose());
    });
}
