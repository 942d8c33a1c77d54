// A raw server whose pace is known: like http-json, but each request takes as many microseconds of CPU as the first
// argument says. Load generators that are not themselves the limit must agree on it.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';

const burnMs = Number(process.argv[2] ?? 100) / 1000;

const app = uWS.App().post('/*', (res) => {
  res.onAborted(() => {});
  let body = Buffer.alloc(0);
  res.onData((chunk, isLast) => {
    // The chunk is only valid during this call.
    body = Buffer.concat([body, Buffer.from(chunk)]);
    if (!isLast) return;
    const until = performance.now() + burnMs;
    const { id } = JSON.parse(body.toString()) as { id: unknown };
    const reply = JSON.stringify({ jsonrpc: '2.0', id, result: {} });
    while (performance.now() < until);
    res.cork(() => res.writeHeader('content-type', 'application/json').end(reply));
  });
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
