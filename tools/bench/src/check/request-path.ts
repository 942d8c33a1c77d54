import { fileURLToPath } from 'node:url';
import { echoServerCommand } from '@mcp-bridge/testkit';
import type { Subject, Sample } from '../measure/compare.js';
import type { Resources } from '../resources.js';
import { modernCall, nativeCall, startNativeBridge, wrkCall } from '../scenarios/native-bridge.js';
import { ownSubject, rawOwnSubject, rawWrkSubject, wrkSubject } from '../scenarios/raw-subject.js';

const RAW_HTTP = 'raw uWS HTTP, JSON reply';
const RAW_WEBSOCKET = 'raw uWS WebSocket echo';
const PLANT = fileURLToPath(new URL('plant-slowdown.mjs', import.meta.url));
const WEBSOCKETS = 64;
const MESSAGE_BYTES = 128;

/** One way through the bridge whose CPU time is held against that of a raw server. */
interface Path {
  readonly name: string;
  readonly raw: string;
  /** Those of the bridge's processes that have a real part in it. */
  readonly processes: readonly ('gateway' | 'router')[];
}

/** The request paths that the check watches. */
export const PATHS: readonly Path[] = [
  { name: 'HTTP tools/list', raw: RAW_HTTP, processes: ['gateway', 'router'] },
  { name: 'HTTP tools/call, native tool', raw: RAW_HTTP, processes: ['gateway', 'router'] },
  { name: 'HTTP tools/call, stdio server', raw: RAW_HTTP, processes: ['gateway', 'router'] },
  { name: 'WebSocket ping', raw: RAW_WEBSOCKET, processes: ['gateway'] },
];

export interface RequestPathOptions {
  /** CPU time to add to each request, in microseconds; for trying the check. */
  readonly plantUs: number | undefined;
}

/** Starts one bridge of two processes and the raw servers, each under its load. */
export async function requestPathSubjects(
  resources: Resources,
  { plantUs }: RequestPathOptions,
): Promise<Subject[]> {
  if (plantUs !== undefined) process.env['MCP_BRIDGE_BENCH_PLANT_US'] = String(plantUs);
  const bridge = resources.add(
    await startNativeBridge({
      upstream: echoServerCommand(),
      ...(plantUs !== undefined && { nodeFlags: ['--import', PLANT] }),
    }),
  );
  const { url, headers, processes } = bridge;
  const calls = {
    'HTTP tools/list': modernCall('tools/list'),
    'HTTP tools/call, native tool': nativeCall(),
    'HTTP tools/call, stdio server': modernCall('tools/call', {
      name: bridge.echoTool,
      arguments: { text: 'hello' },
    }),
  };
  const subjects = [await rawWrkSubject(resources, RAW_HTTP, 'http-json', wrkCall(nativeCall(), headers))];
  for (const [name, call] of Object.entries(calls))
    subjects.push(await wrkSubject(resources, name, url, processes, wrkCall(call, headers)));
  return [
    ...subjects,
    await rawOwnSubject(resources, RAW_WEBSOCKET, 'websocket-echo', ({ port }) => ({
      kind: 'websocket-echo',
      url: `ws://127.0.0.1:${port}/`,
      connections: WEBSOCKETS,
      messageBytes: MESSAGE_BYTES,
    })),
    await ownSubject(resources, 'WebSocket ping', processes, {
      kind: 'websocket',
      url: bridge.gateways[0]?.webSocketUrl ?? '',
      connections: WEBSOCKETS,
      headers,
      method: 'ping',
      params: {},
    }),
  ];
}

/** The ratios of each round, by what is measured. */
export function ratiosOf(samples: ReadonlyMap<string, readonly Sample[]>): Map<string, number[]> {
  const ratios = new Map<string, number[]>();
  for (const { name, raw, processes } of PATHS)
    for (const part of processes) {
      const against = samples.get(raw) ?? [];
      const values = (samples.get(name) ?? []).map(
        (sample, round) => cpuUsOf(sample, part) / (against[round]?.cpuUsPerRequest ?? Number.NaN),
      );
      ratios.set(`${name}: CPU of the ${part} / ${raw}`, values);
    }
  return ratios;
}

function cpuUsOf({ processes, requests }: Sample, part: string): number {
  const use = processes.find(({ name }) => name === part);
  return ((use?.cpuMs ?? Number.NaN) * 1000) / requests;
}
