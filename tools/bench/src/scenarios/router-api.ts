import { fileURLToPath } from 'node:url';
import { judge } from '../goals.js';
import { encodeCall } from '../limits/grpc-service.js';
import { startLimit, type RunningLimit } from '../limits/start-limit.js';
import { startGenerator } from '../load/generator-load.js';
import { compare, ratio, type Subject } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge, startBridge } from '../targets/bridge.js';

const ECHO = 'grpc-js echo';
const BYTES_ECHO = 'grpc-js echo of bytes';
const ROUTER = 'router, Call';
const TOOL = fileURLToPath(new URL('../targets/trivial-tool.mjs', import.meta.url));
/** Calls at once. */
const CALLS = 32;
const TEXT = 'A sentence as long as what services ask of a small tool, more or less.';

/**
 * What an internal service's call costs the router, beyond what grpc-js costs anyway: a bare echo service with the same
 * messages (read and written with the same protobuf library, of like size both ways) and the same call options (no
 * deadline, no metadata of the caller's, no interceptor, no channelz), called by the same client. An echo that does not
 * even read its messages stands beside it for information.
 */
export const routerApi: Scenario = {
  name: 'router-api',
  summary: "unary Call of the router's gRPC API, trivial native tool, against a bare grpc-js echo",
  async run({ pace, progress, profileFolder }) {
    buildBridge(progress);
    await using resources = createResources();
    progress('starting the router and the echo servers');
    const bridge = resources.add(
      await startBridge({ tools: [TOOL], topology: 'two processes', gateways: 0, profileFolder }),
    );
    const echo = resources.add(await startLimit('grpc-echo'));
    // A process of its own: what one kind of messages taught the compiler must not cost the other.
    const bytesEcho = resources.add(await startLimit('grpc-echo'));
    // The same bytes to all.
    const common = {
      kind: 'grpc-unary',
      connections: CALLS,
      request: encodeCall({ tool: 'tools__echo', argumentsJson: JSON.stringify({ text: TEXT }) }).toString(
        'base64',
      ),
      expected: TEXT,
    } as const;
    const echoSubject = async (name: string, server: RunningLimit, method: string): Promise<Subject> => ({
      name,
      processes: [{ name: 'server', pid: server.service.pid }],
      load: resources.add(
        await startGenerator({ ...common, port: server.port, path: `/bench.Echo/${method}` }),
      ),
    });
    const subjects: Subject[] = [
      await echoSubject(ECHO, echo, 'Call'),
      await echoSubject(BYTES_ECHO, bytesEcho, 'Unary'),
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
        {
          what: 'CPU per call, router / echo of bytes',
          value: ratio(comparison, 'cpuUsPerRequest', ROUTER, BYTES_ECHO),
        },
        { what: 'throughput, router / echo', value: ratio(comparison, 'requestsPerSecond', ROUTER, ECHO) },
      ],
      goals: [judge('routerApi', cpu)],
    };
  },
};
