// The raw limit of grpc-js: unary calls and messages on bidirectional streams come back as they are, and calls of tools
// with their arguments as the result.
import { Server, ServerCredentials, type handleBidiStreamingCall, type handleUnaryCall } from '@grpc/grpc-js';
import { announcePort } from './announce.js';
import { echoService, type ToolCall } from './grpc-service.js';

const unary: handleUnaryCall<Buffer, Buffer> = (call, reply) => reply(null, call.request);
const call: handleUnaryCall<ToolCall, string> = ({ request }, reply) => reply(null, request.argumentsJson);
const stream: handleBidiStreamingCall<Buffer, Buffer> = (duplex) => {
  duplex.on('data', (bytes: Buffer) => duplex.write(bytes));
  duplex.on('end', () => duplex.end());
  duplex.on('error', () => {});
};

const server = new Server({
  // Counters per call that nobody reads; the bridge has none either.
  'grpc.enable_channelz': 0,
});
server.addService(echoService, { unary, stream, call });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  announcePort(port);
});
