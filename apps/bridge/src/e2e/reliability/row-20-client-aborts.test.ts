import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createTempFolder, holdRow, modernRequest, waitFor } from '@mcp-bridge/testkit';
import { startBridge, type RunningBridge } from '../running-bridge.js';

const SERVER = fileURLToPath(new URL('./fixtures/cancel-server.mjs', import.meta.url));
const STORMS = 5;
/** In one storm, over each transport. */
const CALLS = 64;
/** Over WebSocket and TCP a client has several calls on its connection. */
const CALLS_PER_CONNECTION = 4;

const folder = await createTempFolder();
const log = join(folder.path, 'log');
let bridge: RunningBridge;
let tcpPort: number;
beforeAll(async () => {
  bridge = await startBridge({
    topology: 'two',
    servers: { all: { command: process.execPath, args: [SERVER, log], isolation: 'shared' } },
    config: { gateway: { tcp: { port: 0 } } },
  });
  const [, port] = await waitFor(() => /"tcp":"[^"]*:(\d+)"/.exec(bridge.gateway.output), {
    what: 'the TCP port in the log',
  });
  tcpPort = Number(port);
}, 60_000);
afterAll(async () => {
  await bridge[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Leaves without a word, in the middle of its calls. */
type Abort = () => void;

const callOf = (name: string, id = 1) =>
  modernRequest('tools/call', { name: 'all__wait', arguments: { name } }, { id });

const CLIENTS: Record<string, (names: readonly string[]) => Abort> = {
  HTTP: ([name = '']) => {
    const { headers, body } = callOf(name);
    const request = httpRequest(bridge.url, {
      method: 'POST',
      agent: false,
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
    });
    request.on('error', () => {});
    request.end(JSON.stringify(body));
    return () => request.destroy();
  },
  WebSocket: (names) => {
    const socket = new WebSocket(bridge.url.replace('http', 'ws'), 'mcp');
    socket.on('open', () => {
      for (const message of messagesOf(names)) socket.send(message);
    });
    return () => socket.terminate();
  },
  TCP: (names) => {
    const socket = connect(tcpPort, '127.0.0.1');
    socket.on('error', () => {});
    for (const message of messagesOf(names)) socket.write(`${message}\n`);
    return () => socket.resetAndDestroy();
  },
};

function messagesOf(names: readonly string[]): string[] {
  return names.map((name, id) => JSON.stringify(callOf(name, id).body));
}

/** Lines of the server's log that begin so, in its words. */
async function logged(kind: 'begun' | 'cancelled'): Promise<string[][]> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([first]) => first === kind);
}

/** Calls that the router still works on. */
async function callsAtRouter(): Promise<number> {
  const port = /"adminPort":(\d+)/.exec(bridge.router.output)?.[1];
  const state = await (await fetch(`http://127.0.0.1:${port}/debug/state`)).json();
  // What `/debug/state` shows of routing.
  return (state as { parts: { routing: { calls: number } } }).parts.routing.calls;
}

test.for(Object.keys(CLIENTS))(
  'row 20: clients abort their calls in storms, over %s',
  { timeout: 120_000 },
  async (transport, context) => {
    const perConnection = transport === 'HTTP' ? 1 : CALLS_PER_CONNECTION;
    const cancelMs: number[] = [];
    const freedMs: number[] = [];
    for (let storm = 0; storm < STORMS; storm += 1) {
      const before = (await logged('begun')).length;
      const clients = Array.from({ length: CALLS / perConnection }, (_, client) => {
        const names = Array.from(
          { length: perConnection },
          (_, call) => `${transport}-${storm}-${client}-${call}`,
        );
        return { names, abort: CLIENTS[transport]!(names) };
      });
      await waitFor(async () => (await logged('begun')).length === before + CALLS, {
        timeoutMs: 30_000,
        what: 'every call to run',
      });
      expect(await callsAtRouter()).toBe(CALLS);

      const abortedAt = new Map<string, number>();
      for (const { names, abort } of clients) {
        const now = performance.timeOrigin + performance.now();
        abort();
        for (const name of names) abortedAt.set(name, now);
      }
      const last = performance.now();
      while ((await callsAtRouter()) > 0) expect(performance.now() - last).toBeLessThan(10_000);
      freedMs.push(performance.now() - last);
      const ofThisStorm = async (): Promise<string[][]> =>
        (await logged('cancelled')).filter(([, name = '']) => abortedAt.has(name));
      await waitFor(async () => (await ofThisStorm()).length >= CALLS, { what: 'every cancellation' });
      const delays = (await ofThisStorm()).map(
        ([, name = '', at]) => Number(at) - (abortedAt.get(name) ?? NaN),
      );
      expect(delays).toHaveLength(CALLS);
      cancelMs.push(Math.max(...delays));
    }
    holdRow(context, [
      {
        what: `${transport}: last of ${CALLS} cancelled at the server after (median of ${STORMS} storms)`,
        measured: median(cancelMs),
        allowed: 100,
        unit: 'ms',
      },
      {
        what: `${transport}: last slot of the router free after (median)`,
        measured: median(freedMs),
        allowed: 100,
        unit: 'ms',
      },
    ]);
  },
);

function median(values: readonly number[]): number {
  return Math.round([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN);
}
