import { echoServerCommand } from '@mcp-bridge/testkit';
import { judge } from '../goals.js';
import { compare, ratio } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge, startBridge } from '../targets/bridge.js';
import { ensurePeers, MCP_PROXY, startMcpProxy, startSupergateway, SUPERGATEWAY } from '../targets/peers.js';
import { echoCalls } from './echo-calls.js';

const BRIDGE = 'bridge, two processes';

/** What a call to a stdio server costs: the bridge against other proxies in front of the same server. */
export const stdioCost: Scenario = {
  name: 'stdio-cost',
  summary: 'tools/call to a stdio server through the bridge, supergateway and mcp-proxy (P3)',
  async run({ pace, progress, profileFolder }) {
    ensurePeers(progress);
    buildBridge(progress);
    await using resources = createResources();
    const upstream = echoServerCommand();
    progress('starting the bridge and the peers, 32 sessions each');
    const bridge = resources.add(await startBridge({ upstream, topology: 'two processes', profileFolder }));
    const supergateway = resources.add(await startSupergateway(upstream));
    const mcpProxy = resources.add(await startMcpProxy(upstream));
    const comparison = await compare(
      [
        await echoCalls(resources, BRIDGE, bridge),
        await echoCalls(resources, SUPERGATEWAY, supergateway),
        await echoCalls(resources, MCP_PROXY, mcpProxy),
      ],
      pace,
      progress,
    );
    const against = [SUPERGATEWAY, MCP_PROXY].map((peer) => ({
      peer,
      cpu: ratio(comparison, 'cpuUsPerRequest', BRIDGE, peer),
      throughput: ratio(comparison, 'requestsPerSecond', BRIDGE, peer),
    }));
    return {
      comparison,
      ratios: against.flatMap(({ peer, cpu, throughput }) => [
        { what: `CPU per request, bridge / ${peer}`, value: cpu },
        { what: `throughput, bridge / ${peer}`, value: throughput },
      ]),
      goals: [
        judge('stdioCallFirstStep', ratio(comparison, 'cpuUsPerRequest', BRIDGE, SUPERGATEWAY)),
        // The best peer is the one that leaves the bridge the largest ratio.
        judge('stdioCall', Math.max(...against.map(({ cpu }) => cpu))),
      ],
    };
  },
};
