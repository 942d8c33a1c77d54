// Usage: node mcp-proxy-over-http.mjs PORT UPSTREAM_URL
// mcp-proxy's command line can only spawn a server. This is its library in front of an HTTP server, with the
// defaults of its command line.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Server } from '@modelcontextprotocol/server';
import { proxyServer, startHTTPServer } from 'mcp-proxy';

const [port, upstream] = process.argv.slice(2);
const client = new Client({ name: 'mcp-proxy', version: '1.0.0' }, { capabilities: {} });
await client.connect(new StreamableHTTPClientTransport(new URL(upstream)));

await startHTTPServer({
  host: '127.0.0.1',
  port: Number(port),
  sseEndpoint: null,
  async createServer() {
    const serverCapabilities = client.getServerCapabilities();
    const server = new Server(client.getServerVersion(), { capabilities: serverCapabilities });
    await proxyServer({ client, server, serverCapabilities });
    return server;
  },
});
