// A raw server whose response times are known: the n-th request is answered after a time that only n decides, without
// work. Whoever measures it must find these times. The slowest answer takes twice the mean, see `scenarios/generators`.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';
import { answerJson } from './answer-json.js';
import { timeOf } from './known-times.js';

let count = 0;

const app = uWS.App().post('/*', (res) => {
  answerJson(res, (message, answer) => {
    // Whoever asks is one of ours.
    const { id } = message as { id: unknown };
    const reply = JSON.stringify({ jsonrpc: '2.0', id, result: {} });
    count += 1;
    setTimeout(() => answer(reply), timeOf(count));
  });
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
