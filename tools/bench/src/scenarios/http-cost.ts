import { startEchoHttp, type EchoHttp } from '@mcp-bridge/testkit';
import { judge } from '../goals.js';
import { compare, ratio, type Subject } from '../measure/compare.js';
import type { MeteredProcess } from '../measure/process-meter.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge, startBridge } from '../targets/bridge.js';
import { ensurePeers, MCP_PROXY, startMcpProxyOverHttp } from '../targets/peers.js';
import { echoCalls } from './echo-calls.js';

const DIRECT = 'direct, no proxy';
const BRIDGE = 'bridge, two processes';

/**
 * What a call to an HTTP server costs. Of the npm peers only mcp-proxy can stand in front of one, and only as a
 * library; supergateway serves stdio servers alone.
 */
export const httpCost: Scenario = {
  name: 'http-cost',
  summary: 'tools/call to a Streamable HTTP server directly, through the bridge and mcp-proxy (P4)',
  async run({ pace, progress, profileFolder }) {
    ensurePeers(progress);
    buildBridge(progress);
    await using resources = createResources();
    const echo = resources.add(await startEchoHttp());
    progress('starting the bridge and the peer, 32 sessions each');
    const bridge = resources.add(
      await startBridge({ upstream: { url: echo.url }, topology: 'two processes', profileFolder }),
    );
    const mcpProxy = resources.add(await startMcpProxyOverHttp(echo.url));
    const direct = { url: echo.url, echoTool: 'echo', processes: [] };
    const subjects = [
      await echoCalls(resources, DIRECT, direct),
      await echoCalls(resources, BRIDGE, bridge),
      await echoCalls(resources, MCP_PROXY, mcpProxy),
    ].map((subject) => withUpstream(subject, echo));
    const comparison = await compare(subjects, pace, progress);
    const cpu = ratio(comparison, 'cpuUsPerRequest', BRIDGE, MCP_PROXY);
    const kept = ratio(comparison, 'requestsPerSecond', BRIDGE, DIRECT);
    return {
      comparison,
      ratios: [
        { what: `CPU per request, bridge / ${MCP_PROXY}`, value: cpu },
        {
          what: `throughput, bridge / ${MCP_PROXY}`,
          value: ratio(comparison, 'requestsPerSecond', BRIDGE, MCP_PROXY),
        },
        { what: 'throughput, bridge / direct', value: kept },
        {
          what: `throughput, ${MCP_PROXY} / direct`,
          value: ratio(comparison, 'requestsPerSecond', MCP_PROXY, DIRECT),
        },
      ],
      goals: [judge('httpCall', cpu), judge('httpKept', kept)],
    };
  },
};

/** The server behind is shown with every subject and is the cost of none. */
function withUpstream(subject: Subject, { service }: EchoHttp): Subject {
  const upstream: MeteredProcess = { name: 'upstream server', pid: service.pid, counted: false };
  return {
    ...subject,
    processes: [...subject.processes.map(withoutChildren), upstream],
  };
}

function withoutChildren({ name, pid }: MeteredProcess): MeteredProcess {
  return { name, pid };
}
