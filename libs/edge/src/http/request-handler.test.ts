import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, modern, post, send, sendRaw } from '../test-client.js';
import { json, startTestGateway, type TestGateway } from '../test-gateway.js';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const ROUTES = ['/mcp', '/mcp/files', '/sse', '/', '/mcp/%2e%2e/x'];

let gateway: TestGateway;
let base: string;
beforeEach(async () => {
  gateway = await startTestGateway({
    config: { allowedOrigins: ['https://app.example'], allowedHosts: ['mcp.example', 'port.example:8443'] },
  });
  base = `http://127.0.0.1:${gateway.port}`;
  gateway.router.on('tools/call', (call) => call.sink.onResult(json({ content: [] })));
});
afterEach(() => gateway.close());

describe('Origin and Host', () => {
  it.each(ROUTES)('refuses a hostile Origin with a good Host on %s, whatever the method', async (path) => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'HEAD']) {
      const response = await send(`${base}${path}`, {
        method,
        headers: { origin: 'https://evil.example', host: `127.0.0.1:${gateway.port}` },
      });
      expect([method, response.status]).toEqual([method, 403]);
      expect(response.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect(gateway.router.calls).toEqual([]);
  });

  it.each([
    'null',
    'http://localhost.evil.example',
    'http://evil.example:80',
    'http://127.0.0.1.evil.example',
    'https://app.example.evil.example',
    'https://sub.app.example',
    'http://app.example',
    'file://',
    'http://localhost:1@evil.example',
    'http://127.0.0.1:99999999',
    'garbage',
  ])('refuses the Origin %s', async (origin) => {
    const { message, headers } = modern(1, 'tools/call', { name: 'x' });
    expect((await post(gateway.url, message, { ...headers, origin })).status).toBe(403);
    expect(gateway.router.calls).toEqual([]);
  });

  it.each([
    'http://localhost',
    'http://localhost:6274',
    'https://127.0.0.1:1',
    'http://[::1]:3000',
    'https://app.example',
    'HTTPS://APP.example',
  ])('lets a page of %s call and read the reply', async (origin) => {
    const { message, headers } = modern(1, 'tools/call', { name: 'x' });
    const response = await post(gateway.url, message, { ...headers, origin });
    expect(response.status).toBe(200);
    expect(response.headers['access-control-allow-origin']).toBe(origin);
    expect(response.headers['access-control-expose-headers']).toContain('Mcp-Session-Id');
    expect(response.headers['vary']).toBe('Origin');
  });

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'mcp.example.evil.example',
    'port.example:1',
    'a b',
    '@localhost',
  ])('refuses the Host %s', async (host) => {
    expect((await send(gateway.url, { headers: { host } })).status).toBe(403);
  });

  it.each([
    'localhost',
    'LOCALHOST:1',
    '127.0.0.1',
    '[::1]:80',
    'mcp.example',
    'mcp.example:99',
    'port.example:8443',
  ])('serves the Host %s', async (host) => {
    const { message, headers } = modern(1, 'tools/call', { name: 'x' });
    expect((await post(gateway.url, message, { ...headers, host })).status).toBe(200);
  });

  it('answers the preflight of an allowed page, and names the headers it asked for', async () => {
    const response = await send(gateway.url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, mcp-param-region, authorization',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(response.headers['access-control-allow-methods']).toContain('DELETE');
    expect(response.headers['access-control-allow-headers']).toBe(
      'content-type, mcp-param-region, authorization',
    );
  });
});

describe('routes', () => {
  it.each([
    '/',
    '/sses',
    '/sse/a/b',
    '/messages',
    '/mcpx',
    '/mcp/a/b',
    '/mcp/..',
    '/mcp/a%20b',
    '/MCP',
    `/mcp/${'x'.repeat(200)}`,
  ])('answers 404 in JSON on %s', async (path) => {
    const response = await send(`${base}${path}`);
    expect(response.status).toBe(404);
    expect(response.json.error?.code).toBe(-32601);
  });

  it.each(['PUT', 'PATCH', 'HEAD', 'TRACE', 'PROPFIND'])(
    'answers 405 to %s and says what is allowed',
    async (method) => {
      const response = await send(gateway.url, { method });
      expect(response.status).toBe(405);
      expect(response.headers['allow']).toBe('GET, POST, DELETE, OPTIONS');
    },
  );

  it.each(['/mcp', '/none'])(
    'answers HEAD on %s without a body, which the next reply would follow',
    async (path) => {
      const head = `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      const ends = (text: string): boolean => text.split('\r\n\r\n').length > 2;
      const replies = await sendRaw(gateway.port, head + head, ends);
      expect(replies.split('\r\n\r\n').map((part) => part.slice(0, 9))).toEqual([
        'HTTP/1.1 ',
        'HTTP/1.1 ',
        '',
      ]);
    },
  );

  it('tells the router the view of the path', async () => {
    const { message, headers } = modern(1, 'tools/call', { name: 'x' });
    await post(`${base}/mcp/files-2`, message, headers);
    await post(`${base}/mcp?view=ignored`, message, headers);
    expect(gateway.router.calls.map((call) => call.request.view)).toEqual(['files-2', '']);
  });
});

describe('content', () => {
  const { message, headers } = modern(1, 'tools/call', { name: 'x' });

  it.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonx',
  ])('refuses Content-Type "%s"', async (type) => {
    const response = await post(gateway.url, message, { ...headers, 'content-type': type });
    expect(response.status).toBe(415);
    expect(gateway.router.calls).toEqual([]);
  });

  it.each(['application/json', 'Application/JSON; charset=UTF-8'])(
    'takes Content-Type "%s"',
    async (type) => {
      expect((await post(gateway.url, message, { ...headers, 'content-type': type })).status).toBe(200);
    },
  );

  it.each(['application/json', 'text/event-stream', 'text/html', 'application/json, text/event-stream;q=0'])(
    'refuses Accept "%s"',
    async (accept) => {
      expect((await post(gateway.url, message, { ...headers, accept })).status).toBe(406);
    },
  );

  it.each(['*/*', undefined, 'text/event-stream, application/json;q=0.5', 'application/*, text/*'])(
    'takes Accept "%s"',
    async (accept) => {
      expect((await post(gateway.url, message, { ...headers, accept })).status).toBe(200);
    },
  );

  it('refuses an empty body, broken JSON, bad UTF-8 and what is no message, with 400', async () => {
    const bodies: [string | Buffer, number][] = [
      ['', -32600],
      ['{"jsonrpc":"2.0"', -32700],
      [Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), -32700],
      ['"text"', -32600],
      ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
      ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
      ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32600],
    ];
    for (const [body, code] of bodies) {
      const response = await post(gateway.url, body);
      expect([body, response.status, response.json.error?.code]).toEqual([body, 400, code]);
    }
  });

  it('echoes the id of a message that it refuses', async () => {
    const response = await post(gateway.url, '{"jsonrpc":"2.0","id":"mine","method":"ping","params":[]}');
    expect(response.status).toBe(400);
    expect(response.json.id).toBe('mine');
  });

  it('refuses a body over the bound, declared or not, and serves the connection on', async () => {
    const small = await startTestGateway({ config: { maxBodyBytes: 1000 } });
    const big = 'x'.repeat(200_000);
    const ping = JSON.stringify(PING);
    const next = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${ping.length}\r\n\r\n${ping}`;
    const declared = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${big.length}\r\n\r\n${big}`;
    const chunked = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${big.length.toString(16)}\r\n${big}\r\n0\r\n\r\n`;
    for (const first of [declared, chunked]) {
      const text = await sendRaw(
        small.port,
        first + next,
        (all) => all.split('HTTP/1.1 ').length === 3 && all.includes('Mcp-Session-Id header is missing'),
      );
      expect(
        text
          .split('HTTP/1.1 ')
          .slice(1)
          .map((reply) => reply.slice(0, 3)),
      ).toEqual(['413', '400']);
    }
    await small.close();
  });

  // The request line itself must come in one segment: this release of uWebSockets.js answers 505 otherwise.
  it('reads headers and a body that arrive byte by byte', async () => {
    const body = JSON.stringify(message);
    const fields = Object.entries({ ...headers, 'content-type': 'application/json' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${fields.join('')}Content-Length: ${body.length}\r\n\r\n`;
    const requestLine = 'POST /mcp HTTP/1.1\r\n';
    const pieces = [requestLine, ...(head + body).slice(requestLine.length)];
    const text = await sendPieces(gateway.port, pieces, (all) => all.includes('"result"'));
    expect(text).toContain('HTTP/1.1 200 OK');
  });

  it.each(['Content-Length: 0\r\n', ''])(
    'answers a head in pieces that no body follows (%j)',
    async (length) => {
      const fields = `Host: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\n${length}\r\n`;
      const pieces = ['POST /mcp HTTP/1.1\r\n', ...fields];
      const text = await sendPieces(gateway.port, pieces, (all) => all.includes('"error"'));
      expect(text).toContain('The request has no body');
    },
  );
});

describe('malformed heads', () => {
  const body = JSON.stringify(PING);
  const head = (lines: string): string =>
    `POST /mcp HTTP/1.1\r\n${lines}\r\nContent-Type: application/json\r\n\r\n${body}`;

  it.each([
    ['a second Content-Length', `Host: localhost\r\nContent-Length: ${body.length}\r\nContent-Length: 1`],
    ['a second Host', `Host: localhost\r\nHost: evil.example\r\nContent-Length: ${body.length}`],
    [
      'a second session id',
      `Host: localhost\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b\r\nContent-Length: ${body.length}`,
    ],
    [
      'a second credential',
      `Host: localhost\r\nAuthorization: a\r\nAuthorization: b\r\nContent-Length: ${body.length}`,
    ],
    ['an unknown transfer coding', 'Host: localhost\r\nTransfer-Encoding: xchunked'],
    [
      'a coding beside a length',
      `Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: ${body.length}`,
    ],
    ['no Host', `Content-Length: ${body.length}`],
    ['a signed length', `Host: localhost\r\nContent-Length: +${body.length}`],
    ['a length beyond numbers', 'Host: localhost\r\nContent-Length: 99999999999999999999999'],
  ])('answers 400 to %s', async (_what, lines) => {
    const text = await sendRaw(gateway.port, head(lines), (all) => all.includes('\r\n\r\n'));
    expect(text.slice(0, 12)).toBe('HTTP/1.1 400');
    expect(gateway.router.calls).toEqual([]);
  });

  it('survives bytes that are no HTTP', async () => {
    const junk = [
      Buffer.from([0, 1, 2, 3, 255, 254]),
      Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]),
      Buffer.from('GET / HTTP/1.0\r\n\r\n'),
      Buffer.from('\r\n\r\n\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from(`GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`),
      Buffer.from(`POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`),
    ];
    for (const bytes of junk) {
      await new Promise<void>((resolve) => {
        const socket = connect(gateway.port, '127.0.0.1', () => socket.end(bytes));
        socket.resume();
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    expect((await initialize(gateway.url)).response.status).toBe(200);
  });
});

describe('credentials', () => {
  const auth = {
    keys: [
      { id: 'alice', sha256: sha256('alice-key'), tenant: 'acme' },
      { id: 'bob', sha256: sha256('bob-key'), tenant: 'acme' },
    ],
  };
  const call = modern(1, 'tools/call', { name: 'x' });
  let guarded: TestGateway;
  beforeEach(async () => {
    guarded = await startTestGateway({ auth });
    guarded.router.on('tools/call', (one) => one.sink.onResult(json({ content: [] })));
  });
  afterEach(() => guarded.close());

  it('answers 401 and how to authenticate, and calls nobody', async () => {
    for (const headers of [{}, { authorization: 'Bearer nope' }, { 'x-api-key': 'nope' }]) {
      const response = await post(guarded.url, call.message, { ...call.headers, ...headers });
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).toBe('Bearer realm="mcp-bridge"');
    }
    for (const method of ['GET', 'DELETE']) expect((await send(guarded.url, { method })).status).toBe(401);
    expect(guarded.router.calls).toEqual([]);
  });

  it('names the principal of the key in the call', async () => {
    await post(guarded.url, call.message, { ...call.headers, authorization: 'Bearer alice-key' });
    await post(guarded.url, call.message, { ...call.headers, 'x-api-key': 'bob-key' });
    expect(guarded.router.calls.map((one) => one.request.principal)).toEqual([
      { tenant: 'acme', id: 'alice' },
      { tenant: 'acme', id: 'bob' },
    ]);
  });

  it('treats the session of another principal as one that never was', async () => {
    const { headers } = await initialize(guarded.url, '2025-11-25', { authorization: 'Bearer alice-key' });
    const ping = await post(guarded.url, PING, headers);
    expect(ping.status).toBe(200);
    const stolen = await post(guarded.url, PING, { ...headers, authorization: 'Bearer bob-key' });
    const unknown = await post(guarded.url, PING, {
      ...headers,
      'mcp-session-id': 'AAAA',
      authorization: 'Bearer bob-key',
    });
    expect(stolen.status).toBe(404);
    expect(stolen.text).toBe(unknown.text);
  });
});

/** Sends pieces in segments of their own; what came back, until `isWhole` says so. */
function sendPieces(
  port: number,
  pieces: readonly string[],
  isWhole: (received: string) => boolean,
): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      received += chunk.toString();
      if (isWhole(received)) socket.destroy();
    });
    socket.on('close', () => resolve(received));
    const rest = [...pieces];
    const step = (): void => {
      const next = rest.shift();
      if (next !== undefined) socket.write(next, () => setImmediate(step));
    };
    step();
  });
}
