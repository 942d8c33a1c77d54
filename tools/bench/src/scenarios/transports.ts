import { judge } from '../goals.js';
import type { LoadSpec } from '../load/drivers.js';
import { numberedBody } from '../load/numbered-request.js';
import { ensureWrk } from '../load/wrk.js';
import { compare, joinComparisons, ratio, type Comparison, type Subject } from '../measure/compare.js';
import { medianRatio } from '../measure/statistics.js';
import { createResources, type Resources } from '../resources.js';
import type { RatioResult, Scenario, ScenarioContext } from '../scenario.js';
import { buildBridge, type BridgeTarget } from '../targets/bridge.js';
import {
  BENCH_KEY,
  modernCall,
  nativeCall,
  startNativeBridge,
  wrkCall,
  type ModernCall,
} from './native-bridge.js';
import { ownSubject, rawOwnSubject, rawWrkSubject, wrkSubject } from './raw-subject.js';

const HTTP_FIXED = 'raw uWS HTTP, fixed reply';
const HTTP_JSON = 'raw uWS HTTP, JSON reply';
const HTTP_LIST = 'bridge HTTP tools/list';
const HTTP_CALL = 'bridge HTTP tools/call, native';
const WS_ECHO = 'raw uWS WebSocket echo';
const TCP_ECHO = 'raw TCP echo';
const CONNECTIONS = 64;
const MANY = [1_000, 5_000, 10_000];
const MANY_QUICK = [1_000];

const PING: ModernCall = { method: 'ping', params: {}, headers: {} };
/** As long as the ping, so that the raw echoes carry the same. */
const MESSAGE_BYTES = numberedBody('ping', {}).length;
const CALLS: Readonly<Record<string, ModernCall>> = {
  ping: PING,
  'tools/list': modernCall('tools/list'),
  'tools/call, native': nativeCall(),
};
const CHANNELS = ['WebSocket', 'TCP'] as const;
/** As of a service that calls for many of its own callers over one connection. */
const IN_FLIGHT = 16;
const pingsInFlight = (channel: Channel): string => `${channel} ping, ${IN_FLIGHT} in flight`;

/** What each transport costs, first with few connections, then with many; gateway and router are two processes. */
export const transports: Scenario = {
  name: 'transports',
  summary: 'HTTP, WebSocket and binary TCP with 64 to 10 000 connections against raw servers (P1, P2, P5)',
  async run(context) {
    const { progress, isQuick, profileFolder } = context;
    ensureWrk(progress);
    buildBridge(progress);
    await using resources = createResources();
    const bridge = resources.add(await startNativeBridge({ tcp: true, profileFolder }));
    const few = await compareFew(bridge, context);
    const many: { comparison: Comparison; ratios: RatioResult[] }[] = [];
    for (const connections of isQuick ? MANY_QUICK : MANY)
      for (const transport of TRANSPORTS)
        many.push(await compareMany(transport, connections, bridge, context));
    const against = (of: string, raw: string): number => ratio(few, 'requestsPerSecond', of, raw);
    const gatewayCpu = (name: string): number[] => gatewayCpuOf(few, name);
    const tcpGain = medianRatio(gatewayCpu('WebSocket ping'), gatewayCpu('TCP ping'));
    const tcpGainInFlight = medianRatio(
      gatewayCpu(pingsInFlight('WebSocket')),
      gatewayCpu(pingsInFlight('TCP')),
    );
    return {
      comparison: joinComparisons([few, ...many.map(({ comparison }) => comparison)]),
      ratios: [
        { what: `throughput, ${HTTP_LIST} / ${HTTP_FIXED}`, value: against(HTTP_LIST, HTTP_FIXED) },
        { what: `throughput, ${HTTP_CALL} / ${HTTP_JSON}`, value: against(HTTP_CALL, HTTP_JSON) },
        ...Object.keys(CALLS).map((call) => ({
          what: `throughput, WebSocket ${call} / ${WS_ECHO}`,
          value: against(`WebSocket ${call}`, WS_ECHO),
        })),
        ...Object.keys(CALLS).map((call) => ({
          what: `throughput, TCP ${call} / ${TCP_ECHO}`,
          value: against(`TCP ${call}`, TCP_ECHO),
        })),
        { what: 'messages per gateway CPU-second, TCP ping / WebSocket ping', value: tcpGain },
        { what: `the same with ${IN_FLIGHT} in flight on each connection`, value: tcpGainInFlight },
        {
          what: 'messages per CPU-second, raw TCP echo / WebSocket ping',
          value: medianRatio(gatewayCpu('WebSocket ping'), cpuOf(few, TCP_ECHO)),
        },
        ...many.flatMap(({ ratios }) => ratios),
      ],
      goals: [
        judge('cachedList', against(HTTP_LIST, HTTP_FIXED)),
        judge('nativeCall', against(HTTP_CALL, HTTP_JSON)),
        judge('webSocket', against('WebSocket ping', WS_ECHO)),
        judge('tcp', tcpGain),
        judge('tcpInFlight', tcpGainInFlight),
      ],
    };
  },
};

async function compareFew(bridge: BridgeTarget, context: ScenarioContext): Promise<Comparison> {
  await using resources = createResources();
  const { headers, processes } = bridge;
  const list = wrkCall(modernCall('tools/list'), headers);
  const call = wrkCall(nativeCall(), headers);
  const echo = { connections: CONNECTIONS, messageBytes: MESSAGE_BYTES };
  const subjects = [
    await rawWrkSubject(resources, HTTP_FIXED, 'http-fixed', list),
    await wrkSubject(resources, HTTP_LIST, bridge.url, processes, list),
    await rawWrkSubject(resources, HTTP_JSON, 'http-json', call),
    await wrkSubject(resources, HTTP_CALL, bridge.url, processes, call),
    await rawOwnSubject(resources, WS_ECHO, 'websocket-echo', ({ port }) => ({
      kind: 'websocket-echo',
      url: `ws://127.0.0.1:${port}/`,
      ...echo,
    })),
    await rawOwnSubject(resources, TCP_ECHO, 'tcp-echo', ({ port }) => ({ kind: 'tcp-echo', port, ...echo })),
  ];
  for (const channel of CHANNELS) {
    for (const [name, each] of Object.entries(CALLS))
      subjects.push(await channelSubject(resources, `${channel} ${name}`, bridge, channel, each));
    subjects.push(await channelSubject(resources, pingsInFlight(channel), bridge, channel, PING, IN_FLIGHT));
  }
  return await compare(subjects, context.pace, context.progress);
}

function channelSubject(
  resources: Resources,
  name: string,
  bridge: BridgeTarget,
  channel: Channel,
  call: ModernCall,
  inFlight = 1,
): Promise<Subject> {
  const spec = { ...bridgeSpec(bridge, channel, call, CONNECTIONS), inFlight };
  return ownSubject(resources, name, bridge.processes, spec);
}

const TRANSPORTS = ['HTTP', ...CHANNELS] as const;
type Transport = (typeof TRANSPORTS)[number];
type Channel = (typeof CHANNELS)[number];

/** One transport with many connections: the native tool against the raw server, under the same generator. */
async function compareMany(
  transport: Transport,
  connections: number,
  bridge: BridgeTarget,
  { pace, progress }: ScenarioContext,
): Promise<{ comparison: Comparison; ratios: RatioResult[] }> {
  await using resources = createResources();
  const count = `× ${connections.toLocaleString('en')}`;
  const raw = `raw ${transport} ${count}`;
  const own = `bridge ${transport} tools/call ${count}`;
  progress(`opening ${connections} connections, twice`);
  const subjects = [
    await rawMany(resources, raw, transport, connections),
    await ownSubject(
      resources,
      own,
      bridge.processes,
      bridgeSpec(bridge, transport, nativeCall(), connections),
    ),
  ];
  const comparison = await compare(subjects, pace, progress);
  return {
    comparison,
    ratios: [
      { what: `throughput, ${own} / raw`, value: ratio(comparison, 'requestsPerSecond', own, raw) },
      { what: `CPU per request, ${own} / raw`, value: ratio(comparison, 'cpuUsPerRequest', own, raw) },
    ],
  };
}

function rawMany(
  resources: Resources,
  name: string,
  transport: Transport,
  connections: number,
): Promise<Subject> {
  const messageBytes = wrkCall(nativeCall()).body.length;
  switch (transport) {
    case 'HTTP':
      return rawOwnSubject(resources, name, 'http-json', ({ url }) => ({
        kind: 'http',
        url,
        connections,
        ...nativeCall(),
      }));
    case 'WebSocket':
      return rawOwnSubject(resources, name, 'websocket-echo', ({ port }) => ({
        kind: 'websocket-echo',
        url: `ws://127.0.0.1:${port}/`,
        connections,
        messageBytes,
      }));
    case 'TCP':
      return rawOwnSubject(resources, name, 'tcp-echo', ({ port }) => ({
        kind: 'tcp-echo',
        port,
        connections,
        messageBytes,
      }));
  }
}

function bridgeSpec(
  bridge: BridgeTarget,
  transport: Transport,
  call: ModernCall,
  connections: number,
): LoadSpec {
  const { method, params } = call;
  const [gateway] = bridge.gateways;
  switch (transport) {
    case 'HTTP':
      return {
        kind: 'http',
        url: bridge.url,
        connections,
        method,
        params,
        headers: { ...call.headers, ...bridge.headers },
      };
    case 'WebSocket':
      return {
        kind: 'websocket',
        url: gateway?.webSocketUrl ?? '',
        connections,
        method,
        params,
        headers: bridge.headers,
      };
    case 'TCP':
      return { kind: 'tcp', port: gateway?.tcpPort ?? 0, connections, method, params, key: BENCH_KEY };
  }
}

/** By round. */
function cpuOf({ subjects }: Comparison, wanted: string): number[] {
  const subject = subjects.find(({ name }) => name === wanted);
  return (subject?.samples ?? []).map(({ cpuUsPerRequest }) => cpuUsPerRequest / 1000);
}

/** By round; the router has no part in a ping. */
function gatewayCpuOf({ subjects }: Comparison, wanted: string): number[] {
  const subject = subjects.find(({ name }) => name === wanted);
  return (subject?.samples ?? []).map(
    ({ processes, requests }) =>
      (processes.find(({ name }) => name === 'gateway')?.cpuMs ?? Number.NaN) / requests,
  );
}
