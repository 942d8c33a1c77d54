// A raw server whose response times are known: the n-th request is answered after a time that only n decides, without
// work. Whoever measures it must find these times. The slowest answer takes twice the mean, see `scenarios/generators`.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';
import { timeOf } from './known-times.js';

let count = 0;

const app = uWS.App().post('/*', (res) => {
  let isGone = false;
  res.onAborted(() => {
    isGone = true;
  });
  let body = Buffer.alloc(0);
  res.onData((chunk, isLast) => {
    // The chunk is only valid during this call.
    body = Buffer.concat([body, Buffer.from(chunk)]);
    if (!isLast) return;
    const { id } = JSON.parse(body.toString()) as { id: unknown };
    const reply = JSON.stringify({ jsonrpc: '2.0', id, result: {} });
    count += 1;
    setTimeout(() => {
      if (!isGone) res.cork(() => res.writeHeader('content-type', 'application/json').end(reply));
    }, timeOf(count));
  });
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
