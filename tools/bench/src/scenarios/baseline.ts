import { ensureWrk } from '../load/wrk.js';
import { startLimit } from '../limits/start-limit.js';
import { compare, joinComparisons, ratio, type Comparison } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { RatioResult, Scenario } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { nativeCall, startNativeBridge, wrkCall } from './native-bridge.js';
import { wrkSubject } from './raw-subject.js';

const CONCURRENT = [10, 50, 100, 200];

/** The everyday load: a trivial native tool under a few clients up to some hundred. */
export const baseline: Scenario = {
  name: 'baseline',
  summary: 'tools/call of a native tool with 10, 50, 100 and 200 clients at once, against raw uWebSockets.js',
  async run({ pace, progress, profileFolder }) {
    ensureWrk(progress);
    buildBridge(progress);
    await using resources = createResources();
    const raw = resources.add(await startLimit('http-json'));
    const bridge = resources.add(await startNativeBridge({ profileFolder }));
    const comparisons: Comparison[] = [];
    const ratios: RatioResult[] = [];
    for (const clients of CONCURRENT) {
      const call = wrkCall(nativeCall(), bridge.headers);
      const rawName = `raw uWS, JSON reply, ${clients} clients`;
      const bridgeName = `bridge, ${clients} clients`;
      const server = [{ name: 'server', pid: raw.service.pid }];
      const comparison = await compare(
        [
          await wrkSubject(resources, rawName, raw.url, server, call, clients),
          await wrkSubject(resources, bridgeName, bridge.url, bridge.processes, call, clients),
        ],
        pace,
        progress,
      );
      comparisons.push(comparison);
      ratios.push({
        what: `throughput, ${bridgeName} / raw`,
        value: ratio(comparison, 'requestsPerSecond', bridgeName, rawName),
      });
    }
    return { comparison: joinComparisons(comparisons), ratios, goals: [] };
  },
};
