// The raw limit of WebSocket: uWebSockets.js sends every message back.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';

const app = uWS.App().ws('/*', {
  compression: uWS.DISABLED,
  message: (socket, message, isBinary) => void socket.send(message, isBinary),
});
app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
