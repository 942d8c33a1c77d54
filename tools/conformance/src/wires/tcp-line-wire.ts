import { connect } from 'node:net';
import type { OpenWire } from './wire.js';

/** Wires over TCP with one JSON message per line; the first line names the view. */
export function tcpLineWires(port: number, view: string): OpenWire {
  return (_head, listener) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let rest = '';
      socket.setEncoding('utf8');
      socket.on('error', reject);
      socket.on('connect', () => {
        socket.write(`{"jsonrpc":"2.0","method":"notifications/bridge/hello","params":{"view":"${view}"}}\n`);
        resolve({ send: (message) => void socket.write(`${message}\n`), close: () => void socket.destroy() });
      });
      // Strings, because of the encoding.
      socket.on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) listener.onMessage(line);
      });
      socket.on('close', () => listener.onClose());
    });
}
