import { judge } from '../goals.js';
import { median } from '../measure/statistics.js';
import { medianSlope } from '../measure/slope.js';
import { createSettledMemoryReader } from '../measure/settled-memory.js';
import { createResources } from '../resources.js';
import type { Scenario, Series } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { startNativeBridge } from './native-bridge.js';
import { comparisonOf, nativeSubject, runSteadily, saturationOf, seriesOf } from './steady-load.js';

const DURATION_MS = 10 * 60_000;
const DURATION_QUICK_MS = 20_000;
/** Shorter runs show that the scenario works, and nothing of slopes. */
const JUDGED_MS = 5 * 60_000;
const STRETCHES = 40;
const SHARE = 0.5;
/** Of the run: caches fill, code is compiled, heaps find their size. */
const WARMUP_SHARE = 0.25;
const MIB = 1024 * 1024;
const SECONDS_PER_HOUR = 3600;

/** Whether it stays as it is: the same load for long. */
export const endurance: Scenario = {
  name: 'endurance',
  summary:
    'a native tool at half of saturation for 10 minutes (--minutes N): memory slope and p99 drift (P10)',
  async run({ pace, progress, isQuick, longRunMs }) {
    buildBridge(progress);
    await using resources = createResources();
    const memory = resources.add(await createSettledMemoryReader());
    const bridge = resources.add(await startNativeBridge({ nodeFlags: memory.nodeFlags }));
    const subject = await nativeSubject(resources, bridge);
    const ratePerSecond = Math.round((await saturationOf(subject, pace)) * SHARE);
    const durationMs = longRunMs ?? (isQuick ? DURATION_QUICK_MS : DURATION_MS);
    progress(`${ratePerSecond}/s for ${durationMs / 60_000} minutes`);
    const settled: (readonly [seconds: number, mib: number])[] = [];
    const heaps: (readonly [seconds: number, mib: number])[] = [];
    const stretches = await runSteadily(
      { ...subject, ratePerSecond },
      durationMs,
      durationMs / STRETCHES,
      async ({ atSeconds, sample }) => {
        // Between stretches, so that no answer waits for the collector.
        const all = await Promise.all(bridge.processes.map(({ pid }) => memory.read(pid)));
        const sum = (bytes: (each: (typeof all)[number]) => number): number =>
          all.reduce((total, each) => total + bytes(each), 0) / MIB;
        settled.push([atSeconds, sum(({ rss }) => rss)]);
        heaps.push([atSeconds, sum(({ heapUsed, external }) => heapUsed + external)]);
        progress(
          `${atSeconds.toFixed(0)} s · p99 ${sample.latency.p99.toFixed(2)} ms · ${sum(({ rss }) => rss).toFixed(1)} MiB`,
        );
      },
    );
    const warm = Math.floor(stretches.length * WARMUP_SHARE);
    const tails = stretches.slice(warm).map(({ sample }) => sample.latency.p99);
    const third = Math.ceil(tails.length / 3);
    const drift = median(tails.slice(-third)) / median(tails.slice(0, third));
    const perHour = (points: typeof settled): number => medianSlope(points.slice(warm)) * SECONDS_PER_HOUR;
    const series: Series[] = [
      { name: 'resident memory, garbage collected', unit: 'MiB', points: settled },
      { name: 'heap and external memory, garbage collected', unit: 'MiB', points: heaps },
    ];
    return {
      comparison: comparisonOf(`bridge at ${ratePerSecond}/s`, stretches),
      ratios: [
        { what: 'resident memory, gateway and router, growth', value: perHour(settled), unit: 'MiB/h' },
        { what: 'heap and external memory, growth', value: perHour(heaps), unit: 'MiB/h' },
        { what: 'p99 of the last third / first third', value: drift },
      ],
      goals:
        durationMs < JUDGED_MS ? [] : [judge('memorySlope', perHour(settled)), judge('tailDrift', drift)],
      series: [...seriesOf(stretches), ...series],
    };
  },
};
