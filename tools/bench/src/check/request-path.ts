import { fileURLToPath } from 'node:url';
import { echoServerCommand } from '@mcp-bridge/testkit';
import type { Sample, Subject } from '../measure/compare.js';
import type { Resources } from '../resources.js';
import { modernCall, nativeCall, startNativeBridge, wrkCall } from '../scenarios/native-bridge.js';
import { ownSubject, rawOwnSubject, rawWrkSubject, wrkSubject } from '../scenarios/raw-subject.js';
import type { BridgeOptions } from '../targets/bridge.js';

const RAW_HTTP = 'raw uWS HTTP, JSON reply';
const RAW_WEBSOCKET = 'raw uWS WebSocket echo';
const PLANT = fileURLToPath(new URL('plant-slowdown.mjs', import.meta.url));
const WEBSOCKETS = 64;
const MESSAGE_BYTES = 128;

/** One way through the bridge whose CPU time the check watches. */
interface Path {
  readonly name: string;
  /** Which raw server does the same work without a bridge. */
  readonly raw: string;
  /** Those of the bridge's processes that have a real part in it. */
  readonly processes: readonly ('gateway' | 'router')[];
}

const PATHS: readonly Path[] = [
  // Answered from the gateway's cache: the router's share would be a ratio of nothing.
  { name: 'HTTP tools/list', raw: RAW_HTTP, processes: ['gateway'] },
  { name: 'HTTP tools/call, native tool', raw: RAW_HTTP, processes: ['gateway', 'router'] },
  { name: 'HTTP tools/call, stdio server', raw: RAW_HTTP, processes: ['gateway', 'router'] },
  { name: 'WebSocket ping', raw: RAW_WEBSOCKET, processes: ['gateway'] },
];

export interface RequestPathOptions {
  /** CPU time to add to each request, in microseconds; for trying the check. */
  readonly plantUs: number | undefined;
  /** Another checkout, installed and built, to hold this one against; raw servers without. */
  readonly against: string | undefined;
}

/** What is measured: this bridge, and in each round what it is held against. */
export function requestPathSubjects(resources: Resources, options: RequestPathOptions): Promise<Subject[]> {
  return options.against === undefined
    ? againstRawServers(resources, options)
    : againstCheckout(resources, options, options.against);
}

/** The ratios of each round, by what is measured. */
export function ratiosOf(
  samples: ReadonlyMap<string, readonly Sample[]>,
  { against }: RequestPathOptions,
): Map<string, number[]> {
  const ratios = new Map<string, number[]>();
  for (const { name, raw, processes } of PATHS)
    for (const part of processes) {
      const references =
        against === undefined
          ? (samples.get(raw) ?? []).map(({ cpuUsPerRequest }) => cpuUsPerRequest)
          : (samples.get(beforeName(name)) ?? []).map((sample) => cpuUsOf(sample, part));
      const values = (samples.get(name) ?? []).map(
        (sample, round) => cpuUsOf(sample, part) / (references[round] ?? Number.NaN),
      );
      ratios.set(`${name}: CPU of the ${part} / ${against === undefined ? raw : 'before'}`, values);
    }
  return ratios;
}

async function againstRawServers(resources: Resources, { plantUs }: RequestPathOptions): Promise<Subject[]> {
  return [
    await rawWrkSubject(resources, RAW_HTTP, 'http-json', wrkCall(nativeCall())),
    ...(await bridgeSubjects(resources, (name) => name, planted(plantUs))),
    await rawOwnSubject(resources, RAW_WEBSOCKET, 'websocket-echo', ({ port }) => ({
      kind: 'websocket-echo',
      url: `ws://127.0.0.1:${port}/`,
      connections: WEBSOCKETS,
      messageBytes: MESSAGE_BYTES,
    })),
  ];
}

/** Each path of the one right after the same path of the other: a busy moment falls on both. */
async function againstCheckout(
  resources: Resources,
  { plantUs }: RequestPathOptions,
  checkout: string,
): Promise<Subject[]> {
  const before = await bridgeSubjects(resources, beforeName, { checkout });
  const now = await bridgeSubjects(resources, (name) => name, planted(plantUs));
  return before.flatMap((subject, index) => [subject, ...now.slice(index, index + 1)]);
}

function beforeName(name: string): string {
  return `before: ${name}`;
}

function planted(plantUs: number | undefined): Partial<BridgeOptions> {
  if (plantUs === undefined) return {};
  const flag = new URL(`file://${PLANT}`);
  flag.searchParams.set('us', String(plantUs));
  return { nodeFlags: ['--import', flag.href] };
}

/** One bridge of two processes, each path under its load. */
async function bridgeSubjects(
  resources: Resources,
  nameOf: (path: string) => string,
  options: Partial<BridgeOptions>,
): Promise<Subject[]> {
  const bridge = resources.add(await startNativeBridge({ upstream: echoServerCommand(), ...options }));
  const { url, headers, processes, echoTool } = bridge;
  const calls = {
    'HTTP tools/list': modernCall('tools/list'),
    'HTTP tools/call, native tool': nativeCall(),
    'HTTP tools/call, stdio server': modernCall('tools/call', {
      name: echoTool,
      arguments: { text: 'hello' },
    }),
  };
  const subjects: Subject[] = [];
  for (const [name, call] of Object.entries(calls))
    subjects.push(await wrkSubject(resources, nameOf(name), url, processes, wrkCall(call, headers)));
  const webSocket = await ownSubject(resources, nameOf('WebSocket ping'), processes, {
    kind: 'websocket',
    url: bridge.gateways[0]?.webSocketUrl ?? '',
    connections: WEBSOCKETS,
    headers,
    method: 'ping',
    params: {},
  });
  return [...subjects, webSocket];
}

function cpuUsOf({ processes, requests }: Sample, part: string): number {
  const use = processes.find(({ name }) => name === part);
  return ((use?.cpuMs ?? Number.NaN) * 1000) / requests;
}
