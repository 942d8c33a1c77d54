// A service elsewhere: every answer takes as many milliseconds as the first argument says, however many ask.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';

const delayMs = Number(process.argv[2] ?? 50);

const app = uWS.App().get('/weather', (res, req) => {
  const city = new URLSearchParams(req.getQuery() ?? '').get('city');
  const reply = JSON.stringify({ city, celsius: 7 });
  let isGone = false;
  res.onAborted(() => {
    isGone = true;
  });
  setTimeout(() => {
    if (isGone) return;
    res.cork(() => res.writeHeader('content-type', 'application/json').end(reply));
  }, delayMs);
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
