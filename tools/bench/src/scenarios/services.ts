import { ensureWrk } from '../load/wrk.js';
import { startLimit } from '../limits/start-limit.js';
import { compare, ratio } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { modernCall, nativeCall, startNativeBridge, wrkCall } from './native-bridge.js';
import { ownSubject, rawOwnSubject, rawWrkSubject, wrkSubject } from './raw-subject.js';

const RAW = 'raw uWS, JSON reply';
const GATEWAY = 'gateway before a null router';
const LINK = 'raw grpc-js stream';
const NULL_LINK = 'null router over the link';
const ROUTER_NATIVE = 'router, trivial native tool';
const ROUTER_HTTP = 'router, null HTTP server';
/** As many calls as 64 clients have under way. */
const IN_FLIGHT = 64;
const RESULT_BYTES = 256;

/** Each service on its own: what the other one does costs nothing. */
export const services: Scenario = {
  name: 'services',
  summary: 'the gateway before a router that answers at once, and the router without a gateway',
  async run({ pace, progress, profileFolder }) {
    ensureWrk(progress);
    buildBridge(progress);
    await using resources = createResources();
    const nullRouter = resources.add(await startLimit('null-router'));
    const nullProcess = { name: 'null router', pid: nullRouter.service.pid };
    const gateway = resources.add(
      await startNativeBridge({
        profileFolder,
        router: { port: nullRouter.port, processes: [{ ...nullProcess, counted: false }] },
      }),
    );
    const upstream = resources.add(await startLimit('result-server'));
    // Its gateway idles: it comes with the router, and is not counted.
    const whole = resources.add(await startNativeBridge({ upstream: { url: upstream.url }, profileFolder }));
    const router = whole.processes.filter(({ name }) => name === 'router');
    const link = (port: number, call = nativeCall()) =>
      ({
        kind: 'link',
        router: `127.0.0.1:${port}`,
        connections: IN_FLIGHT,
        method: call.method,
        params: call.params,
      }) as const;
    const nullCall = modernCall('tools/call', { name: 'echo__result', arguments: { bytes: RESULT_BYTES } });
    const call = wrkCall(nativeCall(), gateway.headers);
    const comparison = await compare(
      [
        await rawWrkSubject(resources, RAW, 'http-json', call),
        await wrkSubject(resources, GATEWAY, gateway.url, gateway.processes, call),
        await rawOwnSubject(resources, LINK, 'grpc-echo', ({ port }) => ({
          kind: 'grpc-echo',
          method: 'stream',
          port,
          connections: IN_FLIGHT,
          messageBytes: RESULT_BYTES,
        })),
        await ownSubject(resources, NULL_LINK, [nullProcess], link(nullRouter.port)),
        await ownSubject(resources, ROUTER_NATIVE, router, link(whole.routerPort)),
        await ownSubject(
          resources,
          ROUTER_HTTP,
          [...router, { name: 'null server', pid: upstream.service.pid, counted: false }],
          link(whole.routerPort, nullCall),
        ),
      ],
      pace,
      progress,
    );
    const pairs = [
      [GATEWAY, RAW],
      [NULL_LINK, LINK],
      [ROUTER_NATIVE, NULL_LINK],
      [ROUTER_HTTP, NULL_LINK],
    ] as const;
    return {
      comparison,
      ratios: pairs.flatMap(([of, against]) => [
        {
          what: `throughput, ${of} / ${against}`,
          value: ratio(comparison, 'requestsPerSecond', of, against),
        },
        {
          what: `CPU per request, ${of} / ${against}`,
          value: ratio(comparison, 'cpuUsPerRequest', of, against),
        },
      ]),
      goals: [],
    };
  },
};
