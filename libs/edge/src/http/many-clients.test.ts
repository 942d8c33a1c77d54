import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, modern, post } from '../test-client.js';
import { json, type RouterCall, startTestGateway, type TestGateway } from '../test-gateway.js';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway.close());

/** Repeatable numbers below 2^32. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
}

function rawCall(name: string): string {
  const { message, headers } = modern(1, 'tools/call', { name });
  const body = JSON.stringify(message);
  const all = { host: 'localhost', 'content-type': 'application/json', ...headers };
  const lines = Object.entries(all).map(([field, value]) => `${field}: ${value}\r\n`);
  return `POST /mcp HTTP/1.1\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`;
}

describe('many clients', () => {
  it('that all use id 1 get their own replies, in whatever order these come', async () => {
    const next = sequence(7);
    const waiting: RouterCall[] = [];
    gateway.router.on('tools/call', (call) => {
      waiting.push(call);
      // Answers in an order that has nothing to do with that of the calls.
      while (waiting.length > 20 || (waiting.length > 0 && next() % 3 === 0)) {
        const [one] = waiting.splice(next() % waiting.length, 1);
        one?.sink.onResult(json({ for: one.request.name, session: one.request.session }));
      }
    });
    const flush = setInterval(() => {
      const one = waiting.shift();
      one?.sink.onResult(json({ for: one.request.name, session: one.request.session }));
    }, 1);
    const client = async (n: number): Promise<string[]> => {
      const session = n % 2 === 0 ? await initialize(gateway.url) : undefined;
      const replies: string[] = [];
      for (let round = 0; round < 10; round += 1) {
        const params = { name: `client-${n}-${round}` };
        const { message, headers } =
          session === undefined
            ? modern(1, 'tools/call', params)
            : { message: { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, headers: session.headers };
        const reply = (await post(gateway.url, message, headers)).json;
        replies.push(`${String(reply.id)} ${String(reply.result?.['for'])}`);
      }
      return replies;
    };
    const all = await Promise.all(Array.from({ length: 60 }, (_, n) => client(n)));
    clearInterval(flush);
    for (const [n, replies] of all.entries()) {
      expect(replies).toEqual(Array.from({ length: 10 }, (_, round) => `1 client-${n}-${round}`));
    }
  });

  it('that abort in a storm leave nothing behind', async () => {
    const sockets = Array.from({ length: 200 }, (_, n) => {
      const socket = connect(gateway.port, '127.0.0.1', () => socket.write(rawCall(`t${n}`)));
      socket.on('error', () => undefined);
      return socket;
    });
    await gateway.router.nth('tools/call', 199);
    for (const socket of sockets) socket.resetAndDestroy();
    await gateway.router.until(() => gateway.router.calls.every((call) => call.cancelled === 'client'));
    expect(await gateway.metrics.expose()).toContain(
      'mcp_requests_total{transport="http",method="tools/call",outcome="cancelled"} 200',
    );
    // Late answers meet nobody.
    for (const call of gateway.router.calls) call.sink.onResult(json({}));
    expect((await initialize(gateway.url)).response.status).toBe(200);
  });

  it('that send mutated requests get an answer or are cut off, and never end the gateway', async () => {
    gateway.router.on('tools/call', (call) => call.sink.onResult(json({})));
    const next = sequence(42);
    const valid = Buffer.from(rawCall('x'));
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(valid);
      for (let flips = next() % 6; flips >= 0; flips -= 1) bytes[next() % bytes.length] = next() & 0xff;
      await new Promise<void>((resolve) => {
        const socket = connect(gateway.port, '127.0.0.1', () =>
          socket.end(bytes.subarray(0, next() % 8 === 0 ? next() % bytes.length : undefined)),
        );
        socket.resume();
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
      });
    }
    const { message, headers } = modern(1, 'tools/call', { name: 'x' });
    expect((await post(gateway.url, message, headers)).status).toBe(200);
  });
});
