import { judge } from '../goals.js';
import { ensureWrk } from '../load/wrk.js';
import { startLimit } from '../limits/start-limit.js';
import { compare, joinComparisons, ratio, summaryOf, type Comparison } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { modernCall, startNativeBridge, wrkCall } from './native-bridge.js';
import { wrkSubject } from './raw-subject.js';

const KB = 1000;
const MB = 1000 * KB;
const SIZES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1 * MB, 4 * MB];
const SIZES_QUICK = [256, 16_384, 1 * MB];
/** From this size on, what a byte costs outweighs what a call costs. */
const BIG = 1 * MB;
/** Enough to keep a server busy; many at once would measure memory instead. */
const CONNECTIONS = 8;

/** What results of every size cost: the tool behind the bridge, and the same server without it. */
export const payloads: Scenario = {
  name: 'payloads',
  summary:
    'results of 256 B to 4 MB from an HTTP server through gateway and router, against the server alone (P7)',
  async run({ pace, progress, isQuick, profileFolder }) {
    ensureWrk(progress);
    buildBridge(progress);
    await using resources = createResources();
    const upstream = resources.add(await startLimit('result-server'));
    const bridge = resources.add(await startNativeBridge({ upstream: { url: upstream.url }, profileFolder }));
    const comparisons: Comparison[] = [];
    const sizes = isQuick ? SIZES_QUICK : SIZES;
    // Size after size: one that fills memory should not stand beside one that is measured to the microsecond.
    for (const bytes of sizes) {
      const call = (name: string) => modernCall('tools/call', { name, arguments: { bytes } });
      const server = [{ name: 'server', pid: upstream.service.pid }];
      await using loads = createResources();
      comparisons.push(
        await compare(
          [
            await wrkSubject(
              loads,
              directName(bytes),
              upstream.url,
              server,
              wrkCall(call('result')),
              CONNECTIONS,
            ),
            await wrkSubject(
              loads,
              bridgeName(bytes),
              bridge.url,
              bridge.processes,
              wrkCall(call('echo__result'), bridge.headers),
              CONNECTIONS,
            ),
          ],
          pace,
          progress,
        ),
      );
    }
    const comparison = joinComparisons(comparisons);
    const cpuUs = (bytes: number): number => summaryOf(comparison, bridgeName(bytes)).cpuUsPerRequest;
    const msPerMb = (bytes: number): number => cpuUs(bytes) / 1000 / (bytes / MB);
    const big = sizes.filter((bytes) => bytes >= BIG);
    return {
      comparison,
      ratios: [
        ...sizes.map((bytes) => ({
          what: `CPU of gateway and router per MB, ${sizeText(bytes)}`,
          value: msPerMb(bytes),
          unit: 'ms/MB',
        })),
        ...sizes.map((bytes) => ({
          what: `throughput, ${bridgeName(bytes)} / direct`,
          value: ratio(comparison, 'requestsPerSecond', bridgeName(bytes), directName(bytes)),
        })),
      ],
      goals: [
        judge('payloadCpu', Math.max(...big.map(msPerMb))),
        judge('payloadFlat', cpuUs(16_384) / cpuUs(256)),
      ],
    };
  },
};

function directName(bytes: number): string {
  return `direct, ${sizeText(bytes)}`;
}

function bridgeName(bytes: number): string {
  return `bridge, ${sizeText(bytes)}`;
}

function sizeText(bytes: number): string {
  if (bytes >= MB) return `${bytes / MB} MB`;
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
