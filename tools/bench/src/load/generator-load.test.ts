import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isRunning, startEchoHttp, waitFor } from '@mcp-bridge/testkit';
import { describe, expect, test } from 'vitest';
import { startLimit } from '../limits/start-limit.js';
import type { LoadSpec } from './drivers.js';
import { startGenerator } from './generator-load.js';
import { startWrkLoad } from './wrk.js';

const RUN_MS = 400;
const sizes = { connections: 4, messageBytes: 300 };
const call = { method: 'tools/call', params: { name: 'echo', arguments: { text: 'hi' } } };

describe('the load generator', () => {
  test('keeps sessions over HTTP busy, run after run', async () => {
    await using server = await startEchoHttp();
    await using load = await startGenerator({
      kind: 'http',
      url: server.url,
      connections: 4,
      session: '2025-11-25',
      ...call,
    });
    for (const turn of [1, 2]) {
      await load.prepare();
      const sample = await load.run(RUN_MS);
      expect(sample, `run ${turn}`).toMatchObject({ errors: 0, durationMs: RUN_MS });
      expect(sample.requests).toBeGreaterThan(4);
      expect(sample.generatorCpuMs).toBeGreaterThan(0);
      expect(sample.latency.p50).toBeGreaterThan(0);
    }
  });

  test.each<[string, 'websocket-echo' | 'tcp-echo' | 'grpc-echo', (port: number) => LoadSpec]>([
    [
      'WebSocket',
      'websocket-echo',
      (port) => ({ kind: 'websocket-echo', url: `ws://127.0.0.1:${port}/`, ...sizes }),
    ],
    ['TCP', 'tcp-echo', (port) => ({ kind: 'tcp-echo', port, ...sizes })],
    ['gRPC calls', 'grpc-echo', (port) => ({ kind: 'grpc-echo', method: 'unary', port, ...sizes })],
    ['gRPC streams', 'grpc-echo', (port) => ({ kind: 'grpc-echo', method: 'stream', port, ...sizes })],
  ])('hears its own messages back over %s', async (_what, server, specOf) => {
    await using limit = await startLimit(server);
    await using load = await startGenerator(specOf(limit.port));
    await load.prepare();
    const sample = await load.run(RUN_MS);
    expect(sample.errors).toBe(0);
    expect(sample.requests).toBeGreaterThan(4);
  });

  test('calls a router over the link', async () => {
    await using router = await startLimit('null-router');
    const address = `127.0.0.1:${router.port}`;
    await using load = await startGenerator({ kind: 'link', router: address, connections: 4, ...call });
    const sample = await load.run(RUN_MS);
    expect(sample.errors).toBe(0);
    expect(sample.requests).toBeGreaterThan(4);
  });

  test('takes no echo of its request for an answer, over WebSocket', async () => {
    await using limit = await startLimit('websocket-echo');
    const url = `ws://127.0.0.1:${limit.port}/`;
    await using load = await startGenerator({ kind: 'websocket', url, connections: 2, ...call });
    const sample = await load.run(RUN_MS);
    expect(sample.errors).toBe(sample.requests);
    expect(sample.requests).toBeGreaterThan(2);
  });

  test('runs at a rate, with its lag and a timeline', async () => {
    await using limit = await startLimit('websocket-echo');
    const url = `ws://127.0.0.1:${limit.port}/`;
    await using load = await startGenerator({ kind: 'websocket-echo', url, ...sizes });
    const sample = await load.run(RUN_MS, { ratePerSecond: 200, timelineMs: 100 });
    expect(sample.errors).toBe(0);
    expect(sample.requests + sample.unsent!).toBe((200 * RUN_MS) / 1000);
    expect(sample.generatorLagMs).toBeGreaterThan(0);
    expect(sample.generatorBusy).toBeLessThan(1);
    expect(sample.timeline!.length).toBeGreaterThan(2);
  });

  test('wrk has no constant rate, and says so', async () => {
    await using limit = await startLimit('http-json');
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...call });
    await using load = await startWrkLoad({ url: limit.url, request: { headers: {}, body } });
    await expect(load.run(RUN_MS, { ratePerSecond: 10 })).rejects.toThrow('no constant rate');
  });

  test('counts answers that are no result, and connections that are lost, as errors', async () => {
    let seen = 0;
    const server = createServer((request, response) => {
      seen += 1;
      if (seen > 50) return void request.socket.destroy();
      request.resume();
      response.end('{"jsonrpc":"2.0","id":100000001,"error":{"code":-32603,"message":"no"}}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      await using load = await startGenerator({ kind: 'http', url, connections: 2, ...call });
      await load.prepare();
      const sample = await load.run(RUN_MS * 3);
      expect(sample.requests).toBe(50);
      expect(sample.errors).toBe(52);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('says why a session cannot be opened, and leaves no process', async () => {
    await using server = await startEchoHttp({ era: 'modern' });
    const start = startGenerator({
      kind: 'http',
      url: server.url,
      connections: 1,
      session: '2025-11-25',
      ...call,
    });
    await expect(start).rejects.toThrow(/initialize .* got status 400/);
  });

  test('ends when it is disposed', async () => {
    const load = await startGenerator({ kind: 'piscina', connections: 2 });
    expect(isRunning(load.pid!)).toBe(true);
    await load[Symbol.asyncDispose]();
    await waitFor(() => !isRunning(load.pid!));
  });
});
