import { createServer } from 'node:http';
import { answer, readFlags } from './answer.mjs';

// The smallest MCP server over Streamable HTTP: no sessions, JSON replies; see answer.mjs.
const eras = readFlags(process.argv.slice(2));
const server = createServer((request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const reply = answer(JSON.parse(Buffer.concat(chunks).toString()), eras);
    if (reply === '') return void response.writeHead(202).end();
    const status = reply.includes('"code":-32022') ? 400 : 200;
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(reply),
    });
    response.end(reply);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(eras.port, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/mcp` })}\n`);
});
