import { fileURLToPath } from 'node:url';
import { echoServerCommand } from '@mcp-bridge/testkit';
import type { Sample, Subject } from '../measure/compare.js';
import type { Resources } from '../resources.js';
import { modernCall, nativeCall, startNativeBridge, type ModernCall } from '../scenarios/native-bridge.js';
import { ownSubject, rawOwnSubject } from '../scenarios/raw-subject.js';
import type { BridgeOptions } from '../targets/bridge.js';

const RAW_HTTP = 'raw uWS HTTP, JSON reply';
const RAW_WEBSOCKET = 'raw uWS WebSocket echo';
const PLANT = fileURLToPath(new URL('plant-slowdown.mjs', import.meta.url));
const CLIENTS = 64;
const MESSAGE_BYTES = 128;

/** One way through the bridge whose CPU time the check watches. */
export interface Path {
  readonly name: string;
  /** Which raw server does the same work without a bridge. */
  readonly raw: string;
  /** Those of the bridge's processes that have a real part in it. */
  readonly processes: readonly ('gateway' | 'router')[];
}

/** What the check watches. */
export const PATHS: readonly Path[] = [
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

/** The samples of each path, round after round. */
export type PathSamples = ReadonlyMap<Path, readonly PairSample[]>;

/** A path of this bridge and what it is held against, to be measured right after each other. */
export interface Pair {
  readonly path: Path;
  readonly subject: Subject;
  readonly reference: Subject;
}

/** Both samples of one round. */
export interface PairSample {
  readonly subject: Sample;
  readonly reference: Sample;
}

/** What is measured: each path of this bridge, and what it is held against. */
export async function requestPathPairs(resources: Resources, options: RequestPathOptions): Promise<Pair[]> {
  const { against, plantUs } = options;
  const references =
    against === undefined
      ? await rawServers(resources)
      : await bridgeSubjects(resources, beforeName, { checkout: against });
  const subjects = await bridgeSubjects(resources, (name) => name, planted(plantUs));
  return PATHS.map((path) => {
    const subject = subjects.get(path.name);
    const reference = references.get(against === undefined ? path.raw : path.name);
    if (subject === undefined || reference === undefined) throw new Error(`nothing measures ${path.name}`);
    return { path, subject, reference };
  });
}

/** What a path is held against. */
export function referenceName(path: Path, { against }: RequestPathOptions): string {
  return against === undefined ? path.raw : beforeName(path.name);
}

/** The ratios of each round, by what is measured. */
export function ratiosOf(samples: PathSamples, { against }: RequestPathOptions): Map<string, number[]> {
  const ratios = new Map<string, number[]>();
  for (const [path, rounds] of samples)
    for (const part of path.processes) {
      const values = rounds.map(
        ({ subject, reference }) =>
          cpuUsOf(subject, part) /
          (against === undefined ? reference.cpuUsPerRequest : cpuUsOf(reference, part)),
      );
      const held = against === undefined ? path.raw : 'before';
      ratios.set(`${path.name}: CPU of the ${part} / ${held}`, values);
    }
  return ratios;
}

function beforeName(path: string): string {
  return `before: ${path}`;
}

async function rawServers(resources: Resources): Promise<Map<string, Subject>> {
  const http = await rawOwnSubject(resources, RAW_HTTP, 'http-json', ({ url }) => ({
    ...{ kind: 'http', url, connections: CLIENTS },
    ...nativeCall(),
  }));
  const webSocket = await rawOwnSubject(resources, RAW_WEBSOCKET, 'websocket-echo', ({ port }) => ({
    kind: 'websocket-echo',
    url: `ws://127.0.0.1:${port}/`,
    connections: CLIENTS,
    messageBytes: MESSAGE_BYTES,
  }));
  return new Map([http, webSocket].map((subject) => [subject.name, subject]));
}

function planted(plantUs: number | undefined): Partial<BridgeOptions> {
  if (plantUs === undefined) return {};
  const flag = new URL(`file://${PLANT}`);
  flag.searchParams.set('us', String(plantUs));
  return { nodeFlags: ['--import', flag.href] };
}

/** One bridge of two processes, each path under its load; by the path's name. */
async function bridgeSubjects(
  resources: Resources,
  nameOf: (path: string) => string,
  options: Partial<BridgeOptions>,
): Promise<Map<string, Subject>> {
  const bridge = resources.add(await startNativeBridge({ upstream: echoServerCommand(), ...options }));
  const { url, headers, processes, echoTool } = bridge;
  const calls: Record<string, ModernCall> = {
    'HTTP tools/list': modernCall('tools/list'),
    'HTTP tools/call, native tool': nativeCall(),
    'HTTP tools/call, stdio server': modernCall('tools/call', {
      name: echoTool,
      arguments: { text: 'hello' },
    }),
  };
  const subjects = new Map<string, Subject>();
  for (const [path, call] of Object.entries(calls)) {
    const spec = { ...call, headers: { ...call.headers, ...headers } };
    const load = { kind: 'http', url, connections: CLIENTS, ...spec } as const;
    subjects.set(path, await ownSubject(resources, nameOf(path), processes, load));
  }
  const webSocket = await ownSubject(resources, nameOf('WebSocket ping'), processes, {
    kind: 'websocket',
    url: bridge.gateways[0]?.webSocketUrl ?? '',
    connections: CLIENTS,
    headers,
    method: 'ping',
    params: {},
  });
  return subjects.set('WebSocket ping', webSocket);
}

function cpuUsOf({ processes, requests }: Sample, part: string): number {
  const use = processes.find(({ name }) => name === part);
  return ((use?.cpuMs ?? Number.NaN) * 1000) / requests;
}
