import { requestMessage } from '@mcp-bridge/protocol';
import type { HttpServerConfig } from '@mcp-bridge/service';
import type { buildConnector } from 'undici';
import { discoverRequest } from '../handshake.js';
import { exchangeEndWithin } from './exchange-end.js';
import type { HttpEndpoint } from './http-endpoint.js';
import { modernHeaders } from './http-handshake.js';

const DISCOVER = discoverRequest();
const BODY = requestMessage('"bridge-probe"', DISCOVER.method, DISCOVER.params);
const HEADERS = modernHeaders(DISCOVER);

/**
 * Asks one URL for a sign of life, as `servers.<name>.healthCheck` says. Never rejects.
 *
 * `mcp`: any answer to `server/discover` but 5xx; legacy servers refuse it, which is an answer. `http`: 2xx to a GET
 * of the configured path. `tcp`: a connection, TLS included.
 */
export async function probeUrl(
  endpoint: HttpEndpoint,
  url: URL,
  check: HttpServerConfig['healthCheck'],
  connect: buildConnector.connector,
): Promise<boolean> {
  if (check.probe === 'tcp') return connects(url, check.timeout, connect);
  const end = await exchangeEndWithin(check.timeout, (listener) =>
    check.probe === 'mcp'
      ? endpoint.probe(BODY, HEADERS, listener)
      : endpoint.get([], listener, check.path, '*/*'),
  );
  if (end === undefined || end.failure?.kind === 'connection') return false;
  return check.probe === 'mcp' ? end.status < 500 : end.status >= 200 && end.status < 300;
}

function connects(url: URL, timeoutMs: number, connect: buildConnector.connector): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const { hostname, host, protocol, port } = url;
    connect({ hostname: hostname.replace(/^\[|\]$/g, ''), host, protocol, port }, (error, socket) => {
      clearTimeout(timer);
      socket?.destroy();
      resolve(error === null);
    });
  });
}
