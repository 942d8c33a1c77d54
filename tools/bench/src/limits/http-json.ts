// The raw limit of a JSON-RPC reply: uWebSockets.js, JSON.parse of the request, JSON.stringify of the reply.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';

const app = uWS.App().post('/*', (res) => {
  res.onAborted(() => {});
  let body = Buffer.alloc(0);
  res.onData((chunk, isLast) => {
    // The chunk is only valid during this call, so one that is not the last has to be copied.
    body = body.length === 0 && isLast ? Buffer.from(chunk) : Buffer.concat([body, Buffer.from(chunk)]);
    if (!isLast) return;
    const { id, params } = JSON.parse(body.toString()) as { id: unknown; params: { arguments?: unknown } };
    const text = JSON.stringify(params.arguments ?? {});
    const reply = JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }] } });
    res.cork(() => res.writeHeader('content-type', 'application/json').end(reply));
  });
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
