// The raw limit of grpc-js: unary calls and messages on bidirectional streams come back as they are.
import { Server, ServerCredentials, type handleBidiStreamingCall, type handleUnaryCall } from '@grpc/grpc-js';
import { announcePort } from './announce.js';
import { echoService } from './grpc-service.js';

const unary: handleUnaryCall<Buffer, Buffer> = (call, reply) => reply(null, call.request);
const stream: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (bytes: Buffer) => call.write(bytes));
  call.on('end', () => call.end());
  call.on('error', () => {});
};

const server = new Server();
server.addService(echoService, { unary, stream });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  announcePort(port);
});
