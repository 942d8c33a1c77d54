// The raw limit of a reply that needs no work: uWebSockets.js reads the body and answers with constant bytes.
// The first argument is the size of the reply.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';

const reply = Buffer.alloc(Number(process.argv[2] ?? 128), 'x');

const app = uWS.App().post('/*', (res) => {
  res.onAborted(() => {});
  res.onData((_chunk, isLast) => {
    if (!isLast) return;
    res.cork(() => res.writeHeader('content-type', 'application/json').end(reply));
  });
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
