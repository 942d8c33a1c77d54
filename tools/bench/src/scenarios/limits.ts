import { startGenerator } from '../load/generator-load.js';
import { ensureWrk, startWrkLoad } from '../load/wrk.js';
import { startLimit, type LimitServer } from '../limits/start-limit.js';
import type { LoadSpec } from '../load/drivers.js';
import type { WrkRequest } from '../load/wrk-script.js';
import { compare, ratio, type Subject } from '../measure/compare.js';
import { createResources, type Resources } from '../resources.js';
import type { Scenario } from '../scenario.js';

/** What engines can do on this machine when nothing else is in the way. */
export const limits: Scenario = {
  name: 'limits',
  summary: 'raw uWebSockets.js, WebSocket, TCP, grpc-js, piscina and undici',
  async run({ pace, progress }) {
    ensureWrk(progress);
    await using resources = createResources();
    progress('starting the raw servers');
    const comparison = await compare(await subjectsOf(resources), pace, progress);
    return {
      comparison,
      ratios: [
        {
          what: 'uWS JSON reply / fixed reply, throughput',
          value: ratio(comparison, 'requestsPerSecond', HTTP_JSON, HTTP_FIXED),
        },
        {
          what: 'grpc-js stream / unary, throughput',
          value: ratio(comparison, 'requestsPerSecond', 'grpc-js stream', 'grpc-js unary'),
        },
      ],
      goals: [],
    };
  },
};

const HTTP_FIXED = 'uWS HTTP, fixed reply';
const HTTP_JSON = 'uWS HTTP, JSON reply';
const CONNECTIONS = 64;
const MESSAGE_BYTES = 128;

const CALL: WrkRequest = {
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'echo', arguments: { text: 'hello' } },
  }),
};

async function subjectsOf(resources: Resources): Promise<Subject[]> {
  const http = async (name: string, server: LimitServer): Promise<Subject> => {
    const limit = resources.add(await startLimit(server));
    const load = resources.add(
      await startWrkLoad({ url: limit.url, connections: CONNECTIONS, request: CALL }),
    );
    return { name, processes: [{ name: 'server', pid: limit.service.pid }], load };
  };
  const own = async (
    name: string,
    server: LimitServer,
    spec: (port: number) => LoadSpec,
  ): Promise<Subject> => {
    const limit = resources.add(await startLimit(server));
    const load = resources.add(await startGenerator(spec(limit.port)));
    return { name, processes: [{ name: 'server', pid: limit.service.pid }], load };
  };
  const sizes = { connections: CONNECTIONS, messageBytes: MESSAGE_BYTES };
  return [
    await http(HTTP_FIXED, 'http-fixed'),
    await http(HTTP_JSON, 'http-json'),
    await own('uWS WebSocket echo', 'websocket-echo', (port) => ({
      kind: 'websocket-echo',
      url: `ws://127.0.0.1:${port}/`,
      ...sizes,
    })),
    await own('TCP echo', 'tcp-echo', (port) => ({ kind: 'tcp-echo', port, ...sizes })),
    await own('grpc-js unary', 'grpc-echo', (port) => ({
      kind: 'grpc-echo',
      method: 'unary',
      port,
      ...sizes,
    })),
    await own('grpc-js stream', 'grpc-echo', (port) => ({
      kind: 'grpc-echo',
      method: 'stream',
      port,
      ...sizes,
    })),
    await clientSubject(resources, 'piscina, one thread', { kind: 'piscina', connections: CONNECTIONS }),
    await undiciSubject(resources),
  ];
}

/** For engines on the client's side the generator itself is what is measured. */
async function clientSubject(resources: Resources, name: string, spec: LoadSpec): Promise<Subject> {
  const load = resources.add(await startGenerator(spec));
  return { name, processes: [{ name: 'client', pid: load.pid ?? 0 }], load };
}

async function undiciSubject(resources: Resources): Promise<Subject> {
  const { url } = resources.add(await startLimit('http-fixed'));
  return await clientSubject(resources, 'undici dispatch (client)', {
    kind: 'undici',
    url,
    connections: CONNECTIONS,
  });
}
