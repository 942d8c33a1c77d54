// A router that answers every call at once with a constant: what is left is the gateway and the link.
import { startLinkServer, type CallHandler } from '@mcp-bridge/link';
import { announcePort } from './announce.js';

const DISCOVERY = Buffer.from(
  '{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}},"ttlMs":60000,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"null","version":"1"}}}',
);
const RESULT = Buffer.from('{"content":[{"type":"text","text":"hello"}],"resultType":"complete"}');

const handler: CallHandler = {
  call({ method }, sink) {
    // Not before the caller has its handle.
    queueMicrotask(() => sink.onResult(method === 'server/discover' ? DISCOVERY : RESULT));
    return { cancel: () => {} };
  },
  input: () => {},
};
const server = await startLinkServer({ host: '127.0.0.1', port: 0, handler });
announcePort(server.port);
