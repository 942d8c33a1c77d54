// The raw limit of TCP in Node: net sends every chunk back.
import { createServer, type AddressInfo } from 'node:net';
import { announcePort } from './announce.js';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => socket.write(bytes));
  socket.on('error', () => socket.destroy());
});
// A TCP listener has an address object.
server.listen(0, '127.0.0.1', () => announcePort((server.address() as AddressInfo).port));
