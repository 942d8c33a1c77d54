import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, modern, openEvents, post, postForEvents, sendRaw } from './test-client.js';
import { json, startTestGateway, type TestGateway } from './test-gateway.js';
import { RawWebSocket } from './websocket/raw-websocket.js';

let folder: string;
let gateway: TestGateway;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edge-'));
  gateway = await startTestGateway();
});
afterEach(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const CALL = modern(1, 'tools/call', { name: 'x' });
/** Bytes of a modern call, for a connection that is kept open. */
const rawCall = () => {
  const body = JSON.stringify(CALL.message);
  const headers = { host: 'localhost', 'content-type': 'application/json', ...CALL.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /mcp HTTP/1.1\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`;
};

describe('start', () => {
  it('says which address is taken', async () => {
    await expect(startTestGateway({ config: { port: gateway.port } })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining(`127.0.0.1:${gateway.port}`) as string,
    });
  });

  it('refuses a session key file that is missing or weak', async () => {
    const missing = join(folder, 'missing');
    await expect(startTestGateway({ config: { sessionKeyFile: missing } })).rejects.toThrow(missing);
    const weak = join(folder, 'weak');
    await writeFile(weak, 'short\n');
    await expect(startTestGateway({ config: { sessionKeyFile: weak } })).rejects.toThrow(/32 characters/);
  });

  it('names its default view', () => {
    expect(gateway.url).toBe(`http://127.0.0.1:${gateway.port}/mcp`);
  });

  it('serves TLS', async () => {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      [
        ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost'.split(
          ' ',
        ),
        ...['-keyout', keyFile, '-out', certFile],
      ],
      { stdio: 'ignore' },
    );
    const secure = await startTestGateway({ config: { tls: { keyFile, certFile } } });
    secure.router.on('tools/call', (call) => call.sink.onResult(json({ secure: true })));
    expect(secure.url).toBe(`https://127.0.0.1:${secure.port}/mcp`);
    const text = await new Promise<string>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', ...CALL.headers };
      const sent = request(
        secure.url,
        { method: 'POST', headers, rejectUnauthorized: false, agent: false },
        (response) => {
          let all = '';
          response.on('data', (chunk: Buffer) => (all += chunk.toString()));
          response.on('end', () => resolve(all));
        },
      );
      sent.on('error', reject);
      sent.end(JSON.stringify(CALL.message));
    });
    expect(text).toContain('"secure":true');
    const ws = await RawWebSocket.connect(secure.port, { secure: true });
    expect(await ws.ask(CALL.message)).toMatchObject({ result: { secure: true } });
    ws.destroy();
    await secure.close();
    await expect(
      startTestGateway({ config: { tls: { keyFile: join(folder, 'no'), certFile } } }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('drain', () => {
  it('waits for calls under way, refuses new ones on open connections, and takes no new connections', async () => {
    const { headers } = await initialize(gateway.url);
    const legacy = post(gateway.url, { jsonrpc: '2.0', id: 5, method: 'tools/list' }, headers);
    const listing = await gateway.router.nth('tools/list');
    const kept = connect(gateway.port, '127.0.0.1');
    let received = '';
    kept.on('data', (chunk) => (received += chunk.toString()));
    const closed = new Promise<void>((resolve) => kept.on('close', () => resolve()));
    kept.write(rawCall());
    const modernCall = await gateway.router.nth('tools/call');

    let drained = false;
    const draining = gateway.drain(10_000).then(() => (drained = true));
    await expect(sendRaw(gateway.port, 'GET /mcp HTTP/1.1\r\n\r\n')).resolves.toBe('');
    modernCall.sink.onResult(json({ finished: true }));
    // The connection is answered, then refused on its next request.
    while (!received.includes('finished')) await new Promise((resolve) => kept.once('data', resolve));
    kept.write(rawCall());
    await closed;
    expect(received).toContain('HTTP/1.1 503');
    expect(received).toContain('-31006');
    expect(received).toContain('Retry-After');
    expect(gateway.router.callsOf('tools/call')).toHaveLength(1);
    expect(drained).toBe(false);
    listing.sink.onResult(json({ tools: [] }));
    expect((await legacy).json.result).toEqual({ tools: [] });
    await draining;
  });

  it('ends GET streams with a time to come back, and subscriptions with a result', async () => {
    const { headers } = await initialize(gateway.url);
    const stream = await openEvents(gateway.url, { headers: { accept: 'text/event-stream', ...headers } });
    await stream.next();
    const listen = modern('L', 'subscriptions/listen', { notifications: {} });
    const opening = postForEvents(gateway.url, listen.message, listen.headers);
    const call = await gateway.router.nth('subscriptions/listen');
    call.sink.onMessage(json({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged' }));
    const subscription = await opening;
    await subscription.next();
    await gateway.drain(10_000);
    expect(await stream.rest()).toMatchObject([{ retry: 500 }]);
    const [end] = await subscription.rest();
    expect(JSON.parse(end!.data)).toMatchObject({ id: 'L', result: { resultType: 'complete' } });
    expect(call.cancelled).toBe('client');
    expect((await gateway.router.nth('session/stream')).cancelled).toBe('link');
  });

  it('gives up after its time, and cancels what modern clients still wait for', async () => {
    const waiting = post(gateway.url, CALL.message, CALL.headers).catch((error: unknown) => error);
    const call = await gateway.router.nth('tools/call');
    await gateway.drain(50);
    expect(await waiting).toBeInstanceOf(Error);
    expect(call.cancelled).toBe('client');
  });

  it('and close may both be called, in any order, more than once', async () => {
    await gateway.drain(10);
    await gateway.close();
    await gateway.close();
    await gateway.drain(10);
  });
});

describe('metrics', () => {
  it('count requests, refusals, bytes and connections with bounded labels', async () => {
    gateway.router.on('tools/call', (call) => call.sink.onResult(json({ big: 'x'.repeat(1000) })));
    await post(gateway.url, CALL.message, CALL.headers);
    await post(gateway.url, CALL.message, { ...CALL.headers, origin: 'http://evil.example' });
    const strange = modern(1, 'made/up');
    gateway.router.on('made/up', (call) => call.sink.onResult(json({})));
    await post(gateway.url, strange.message, strange.headers);
    const text = await gateway.metrics.expose();
    expect(text).toContain('mcp_requests_total{transport="http",method="tools/call",outcome="ok"} 1');
    expect(text).toContain('mcp_requests_total{transport="http",method="other",outcome="ok"} 1');
    expect(text).toContain('mcp_connection_failures_total{transport="http",reason="origin"} 1');
    expect(text).not.toContain('made');
    const bytes = (direction: string) =>
      Number(
        new RegExp(`mcp_bytes_total\\{transport="http",direction="${direction}"\\} (\\d+)`).exec(text)?.[1],
      );
    expect(bytes('out')).toBeGreaterThan(1000);
    expect(bytes('in')).toBeGreaterThan(JSON.stringify(CALL.message).length);
    expect(text).toMatch(/mcp_connections\{transport="http"\} \d/);
  });
});
