import { joinComparisons, ratio, compare } from '../measure/compare.js';
import { median, spread } from '../measure/statistics.js';
import { createResources } from '../resources.js';
import type { Scenario } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { startNativeBridge } from './native-bridge.js';
import {
  comparisonOf,
  nativeSubject,
  rawSubject,
  runSteadily,
  saturationOf,
  seriesOf,
} from './steady-load.js';

const DURATION_MS = 60_000;
const DURATION_QUICK_MS = 10_000;
const STRETCH_MS = 1_000;
/** Of saturation: busy, with air for what comes unevenly. */
const SHARE = 0.7;

/** A busy hour in short: most of the capacity at a constant rate, second by second. */
export const sustained: Scenario = {
  name: 'sustained',
  summary: 'tools/call of a native tool at 70 % of saturation for a minute (--minutes N)',
  async run({ pace, progress, isQuick, longRunMs, profileFolder }) {
    buildBridge(progress);
    await using resources = createResources();
    const bridge = resources.add(await startNativeBridge({ profileFolder }));
    const subject = await nativeSubject(resources, bridge);
    const against = await compare([await rawSubject(resources), subject], pace, progress);
    const full = await saturationOf(subject, pace);
    const ratePerSecond = Math.round(full * SHARE);
    const durationMs = longRunMs ?? (isQuick ? DURATION_QUICK_MS : DURATION_MS);
    progress(`${ratePerSecond}/s for ${durationMs / 1000} s`);
    const stretches = await runSteadily({ ...subject, ratePerSecond }, durationMs, STRETCH_MS);
    const rates = stretches.map(({ sample }) => sample.requestsPerSecond);
    const tails = stretches.map(({ sample }) => sample.latency.p99);
    return {
      comparison: joinComparisons([against, comparisonOf(`bridge at ${ratePerSecond}/s`, stretches)]),
      ratios: [
        {
          what: 'throughput, bridge / raw',
          value: ratio(against, 'requestsPerSecond', 'bridge', 'raw uWS, JSON reply'),
        },
        { what: 'kept of the rate', value: median(rates) / ratePerSecond },
        { what: 'largest distance of a second from the median throughput', value: spread(rates) },
        { what: 'worst second: p99 / median p99', value: Math.max(...tails) / median(tails) },
      ],
      goals: [],
      series: seriesOf(stretches),
    };
  },
};
