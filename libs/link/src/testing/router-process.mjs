// A router in a process of its own, for tests that kill it: argv is the port (0 for any) and the method to answer.
import { startLinkServer } from '../link-server.ts';

const handler = {
  call(request, sink) {
    if (request.method === 'echo') sink.onResult(request.params);
    else process.send({ held: request.name });
    return { cancel() {} };
  },
  input() {},
};
const server = await startLinkServer({ host: '127.0.0.1', port: Number(process.argv[2]), handler });
process.send({ port: server.port });
process.on('disconnect', () => process.exit(0));
