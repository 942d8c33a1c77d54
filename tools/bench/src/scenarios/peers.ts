import { echoServerCommand, startEchoHttp, type EchoHttp } from '@mcp-bridge/testkit';
import { judge } from '../goals.js';
import { compare, joinComparisons, ratio, type Comparison, type Subject } from '../measure/compare.js';
import { createResources, type Resources } from '../resources.js';
import type { RatioResult, Scenario, ScenarioContext } from '../scenario.js';
import { buildBridge, startBridge } from '../targets/bridge.js';
import { ensureNginx, NGINX, startNginx } from '../targets/nginx.js';
import {
  ensurePeers,
  MCP_PROXY,
  startMcpProxy,
  startMcpProxyOverHttp,
  startSupergateway,
  SUPERGATEWAY,
} from '../targets/peers.js';
import { echoCalls } from './echo-calls.js';

const STDIO = 'stdio server';
const HTTP = 'HTTP server';
const BRIDGE = 'bridge';
const DIRECT = 'direct';

/** The bridge beside other proxies: the same upstream servers, the same load, one table. */
export const peers: Scenario = {
  name: 'peers',
  summary: 'the bridge, supergateway, mcp-proxy and nginx before the same stdio and HTTP servers (P3, P4)',
  async run(context) {
    const { progress } = context;
    ensurePeers(progress);
    ensureNginx(progress);
    buildBridge(progress);
    const stdio = await compareStdio(context);
    const http = await compareHttp(context);
    const stdioPeers = [SUPERGATEWAY, MCP_PROXY];
    const cpuOf = (comparison: Comparison, upstream: string, peer: string): number =>
      ratio(comparison, 'cpuUsPerRequest', named(BRIDGE, upstream), named(peer, upstream));
    const rateOf = (comparison: Comparison, upstream: string, of: string, against: string): number =>
      ratio(comparison, 'requestsPerSecond', named(of, upstream), named(against, upstream));
    const ratios: RatioResult[] = [
      ...stdioPeers.flatMap((peer) => [
        { what: `CPU per request, bridge / ${peer}, ${STDIO}`, value: cpuOf(stdio, STDIO, peer) },
        { what: `throughput, bridge / ${peer}, ${STDIO}`, value: rateOf(stdio, STDIO, BRIDGE, peer) },
      ]),
      ...[MCP_PROXY, NGINX].map((peer) => ({
        what: `CPU per request, bridge / ${peer}, ${HTTP}`,
        value: cpuOf(http, HTTP, peer),
      })),
      ...[BRIDGE, MCP_PROXY, NGINX].map((of) => ({
        what: `throughput kept of direct, ${of}, ${HTTP}`,
        value: rateOf(http, HTTP, of, DIRECT),
      })),
    ];
    return {
      comparison: joinComparisons([stdio, http]),
      ratios,
      goals: [
        judge('stdioCall', Math.max(...stdioPeers.map((peer) => cpuOf(stdio, STDIO, peer)))),
        judge('httpCall', cpuOf(http, HTTP, MCP_PROXY)),
        judge('httpKept', rateOf(http, HTTP, BRIDGE, DIRECT)),
      ],
    };
  },
};

async function compareStdio({ pace, progress, profileFolder }: ScenarioContext): Promise<Comparison> {
  await using resources = createResources();
  const upstream = echoServerCommand();
  const bridge = resources.add(await startBridge({ upstream, topology: 'two processes', profileFolder }));
  const supergateway = resources.add(await startSupergateway(upstream));
  const mcpProxy = resources.add(await startMcpProxy(upstream));
  const subjects = [
    await echoCalls(resources, named(BRIDGE, STDIO), bridge),
    await echoCalls(resources, named(SUPERGATEWAY, STDIO), supergateway),
    await echoCalls(resources, named(MCP_PROXY, STDIO), mcpProxy),
  ];
  return await compare(subjects, pace, progress);
}

async function compareHttp({ pace, progress, profileFolder }: ScenarioContext): Promise<Comparison> {
  await using resources = createResources();
  const echo = resources.add(await startEchoHttp());
  const bridge = resources.add(
    await startBridge({ upstream: { url: echo.url }, topology: 'two processes', profileFolder }),
  );
  const mcpProxy = resources.add(await startMcpProxyOverHttp(echo.url));
  const nginx = resources.add(await startNginx(echo.url));
  const subjects = [
    await behind(resources, echo, DIRECT, { url: echo.url, echoTool: 'echo', processes: [] }),
    await behind(resources, echo, NGINX, nginx),
    await behind(resources, echo, BRIDGE, bridge),
    await behind(resources, echo, MCP_PROXY, mcpProxy),
  ];
  return await compare(subjects, pace, progress);
}

/** The server behind is shown with every subject and is the cost of none. */
async function behind(
  resources: Resources,
  { service }: EchoHttp,
  name: string,
  target: Parameters<typeof echoCalls>[2],
): Promise<Subject> {
  const subject = await echoCalls(resources, named(name, HTTP), target);
  const own = subject.processes.map((each) => ({ name: each.name, pid: each.pid }));
  const upstream = { name: 'upstream server', pid: service.pid, counted: false };
  return { ...subject, processes: [...own, upstream] };
}

function named(name: string, upstream: string): string {
  return `${name}, ${upstream}`;
}
