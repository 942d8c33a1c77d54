import { echoServerCommand, modernRequest, openLegacySession } from '@mcp-bridge/testkit';
import { judge } from '../goals.js';
import { startLimit, type LimitServer } from '../limits/start-limit.js';
import { ensureWrk, startWrkLoad } from '../load/wrk.js';
import type { WrkRequest } from '../load/wrk-script.js';
import { compare, ratio, type Subject } from '../measure/compare.js';
import { createResources, type Resources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge, startBridge, type BridgeOptions } from '../targets/bridge.js';
import type { Target } from '../targets/target.js';

const FIXED = 'raw uWS, fixed reply';
const JSON_REPLY = 'raw uWS, JSON reply';
const TOPOLOGIES: readonly BridgeOptions['topology'][] = ['one process', 'two processes'];
/** Each request takes the next one, as many clients would. */
const SESSIONS = 16;
const CONTENT = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** What the gateway answers without an upstream server, against the engine that it is built on. */
export const gateway: Scenario = {
  name: 'gateway',
  summary: 'cached tools/list, ping and initialize over HTTP against raw uWebSockets.js (P1)',
  async run({ pace, progress, profileFolder }) {
    ensureWrk(progress);
    buildBridge(progress);
    await using resources = createResources();
    progress('starting the raw servers and the bridges');
    const subjects = [
      await rawSubject(resources, FIXED, 'http-fixed'),
      await rawSubject(resources, JSON_REPLY, 'http-json'),
    ];
    for (const topology of TOPOLOGIES) {
      const bridge = resources.add(
        await startBridge({ upstream: echoServerCommand(), topology, profileFolder }),
      );
      subjects.push(...(await bridgeSubjects(resources, topology, bridge)));
    }
    const comparison = await compare(subjects, pace, progress);
    const against = (name: string): number => ratio(comparison, 'requestsPerSecond', name, FIXED);
    const cpu = (name: string): number => ratio(comparison, 'cpuUsPerRequest', name, FIXED);
    const ofBridge = subjects.slice(2);
    const lists = TOPOLOGIES.map((topology) => ({
      topology,
      value: Math.min(...LIST_KINDS.map((kind) => against(subjectName(kind, topology)))),
    }));
    return {
      comparison,
      ratios: ofBridge.flatMap(({ name }) => [
        { what: `throughput, ${name} / ${FIXED}`, value: against(name) },
        { what: `CPU per request, ${name} / ${FIXED}`, value: cpu(name) },
      ]),
      // Two processes are what is deployed; one process is in the ratios.
      goals: lists
        .filter(({ topology }) => topology === 'two processes')
        .map(({ value }) => judge('cachedList', value)),
    };
  },
};

const LIST_KINDS = ['tools/list 2025-11-25', 'tools/list 2026-07-28'] as const;

function subjectName(kind: string, topology: string): string {
  return `${kind}, ${topology}`;
}

async function rawSubject(resources: Resources, name: string, server: LimitServer): Promise<Subject> {
  const limit = resources.add(await startLimit(server));
  const load = await startWrkLoad({ url: limit.url, request: legacyRequest('tools/list', []) });
  return { name, processes: [{ name: 'server', pid: limit.service.pid }], load: resources.add(load) };
}

async function bridgeSubjects(resources: Resources, topology: string, bridge: Target): Promise<Subject[]> {
  const sessions: string[] = [];
  for (let count = 0; count < SESSIONS; count += 1)
    sessions.push((await openLegacySession(bridge.url)).id ?? '');
  const modern = modernRequest('tools/list');
  const requests: Record<string, WrkRequest> = {
    [LIST_KINDS[0]]: legacyRequest('tools/list', sessions),
    [LIST_KINDS[1]]: {
      // modernRequest sends names to single strings.
      headers: { ...CONTENT, ...(modern.headers as Record<string, string>) },
      body: JSON.stringify(modern.body),
    },
    ping: legacyRequest('ping', sessions),
    initialize: legacyRequest('initialize', [], {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'bench', version: '1' },
    }),
  };
  const subjects: Subject[] = [];
  for (const [kind, request] of Object.entries(requests)) {
    const load = resources.add(await startWrkLoad({ url: bridge.url, request }));
    subjects.push({ name: subjectName(kind, topology), processes: bridge.processes, load });
  }
  return subjects;
}

function legacyRequest(
  method: string,
  sessions: readonly string[],
  params: Record<string, unknown> = {},
): WrkRequest {
  const version = { 'mcp-protocol-version': '2025-11-25' };
  return {
    headers: { ...CONTENT, ...(method === 'initialize' ? {} : version) },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    sessions,
  };
}
