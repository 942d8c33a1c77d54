import { fileURLToPath } from 'node:url';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { judge } from '../goals.js';
import { startLimit } from '../limits/start-limit.js';
import { startGenerator } from '../load/generator-load.js';
import { compare, ratio, type Subject } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge, startBridge } from '../targets/bridge.js';

const ECHO = 'grpc-js echo';
const ROUTER = 'router, Call';
const TOOL = fileURLToPath(new URL('../targets/trivial-tool.mjs', import.meta.url));
/** Calls at once. */
const CALLS = 32;
const TEXT = 'A sentence as long as what services ask of a small tool, more or less.';

/** What an internal service's call costs the router, beyond what grpc-js costs anyway. */
export const routerApi: Scenario = {
  name: 'router-api',
  summary: "unary Call of the router's gRPC API, trivial native tool, against a bare grpc-js echo",
  async run({ pace, progress, profileFolder }) {
    buildBridge(progress);
    await using resources = createResources();
    progress('starting the router and the echo server');
    const bridge = resources.add(
      await startBridge({ tools: [TOOL], topology: 'two processes', gateways: 0, profileFolder }),
    );
    const echo = resources.add(await startLimit('grpc-echo'));
    // The same bytes to both.
    const common = {
      kind: 'grpc-unary',
      connections: CALLS,
      request: callRequest().toString('base64'),
      expected: TEXT,
    } as const;
    const subjects: Subject[] = [
      {
        name: ECHO,
        processes: [{ name: 'server', pid: echo.service.pid }],
        load: resources.add(await startGenerator({ ...common, port: echo.port, path: '/bench.Echo/Unary' })),
      },
      {
        name: ROUTER,
        processes: bridge.processes,
        load: resources.add(
          await startGenerator({
            ...common,
            port: bridge.routerPort,
            path: '/mcp_bridge.router.v1.RouterService/Call',
          }),
        ),
      },
    ];
    const comparison = await compare(subjects, pace, progress);
    const cpu = ratio(comparison, 'cpuUsPerRequest', ROUTER, ECHO);
    return {
      comparison,
      ratios: [
        { what: 'CPU per call, router / echo', value: cpu },
        { what: 'throughput, router / echo', value: ratio(comparison, 'requestsPerSecond', ROUTER, ECHO) },
      ],
      goals: [judge('routerApi', cpu)],
    };
  },
};

/** A `mcp_bridge.router.v1.CallRequest`. */
function callRequest(): Buffer {
  const tool = { field: 3, value: 'tools__echo' };
  const args = { field: 4, value: JSON.stringify({ text: TEXT }) };
  const writer = new BinaryWriter();
  for (const { field, value } of [tool, args]) writer.uint32((field << 3) | 2).string(value);
  return Buffer.from(writer.finish());
}
