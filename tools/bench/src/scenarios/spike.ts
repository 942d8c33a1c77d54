import type { TimelinePoint } from '../load/load.js';
import { compare, joinComparisons, sampleOf, summarize, type Sample } from '../measure/compare.js';
import { createResources } from '../resources.js';
import type { Scenario, Series } from '../scenario.js';
import { buildBridge } from '../targets/bridge.js';
import { startNativeBridge } from './native-bridge.js';
import { recoveryMs } from './recovery.js';
import { nativeSubject, rawSubject, saturationOf } from './steady-load.js';

/** The seed's spike: 2.35 times what the service can do, 20 times what it had before. */
const OVERLOAD = 2.35;
const FACTOR = 20;
const CLIENTS = 1_000;
const PHASE_MS = 10_000;
const PHASE_QUICK_MS = 3_000;
const TIMELINE_MS = 100;

/** Twenty times the load at once, and back. Overload needs limits to be refused; these are figures without a goal. */
export const spike: Scenario = {
  name: 'spike',
  summary:
    'a twentieth of 2.35 × capacity, then all of it, then back: goodput and recovery (P9, for information)',
  async run({ pace, progress, isQuick, profileFolder }) {
    buildBridge(progress);
    await using resources = createResources();
    const bridge = resources.add(await startNativeBridge({ profileFolder }));
    const subject = await nativeSubject(resources, bridge, CLIENTS);
    const against = await compare([await rawSubject(resources, CLIENTS), subject], pace, progress);
    const capacity = await saturationOf(subject, pace);
    const high = Math.round(capacity * OVERLOAD);
    const low = Math.round(high / FACTOR);
    const phaseMs = isQuick ? PHASE_QUICK_MS : PHASE_MS;
    const phases: { name: string; ratePerSecond: number; sample: Sample }[] = [];
    // Not prepared anew: connections stay as the spike leaves them.
    for (const [name, ratePerSecond] of [
      ['before', low],
      ['spike', high],
      ['after', low],
    ] as const) {
      progress(`${name}: ${ratePerSecond}/s for ${phaseMs / 1000} s`);
      const sample = await sampleOf({ ...subject, ratePerSecond }, phaseMs, { timelineMs: TIMELINE_MS });
      phases.push({ name, ratePerSecond, sample });
    }
    const [before, during, after] = phases.map(({ sample }) => sample);
    const usualMs = before?.latency.p99 ?? Number.NaN;
    const goodput =
      during === undefined ? Number.NaN : during.requestsPerSecond * (1 - during.errors / during.requests);
    return {
      comparison: joinComparisons([
        against,
        {
          subjects: phases.map(({ name, ratePerSecond, sample }) => ({
            name: `${name}, ${ratePerSecond}/s`,
            samples: [sample],
            summary: summarize([sample]),
          })),
        },
      ]),
      ratios: [
        { what: 'goodput during the spike / capacity', value: goodput / capacity },
        { what: 'wrong or missing answers during the spike', value: during?.errors ?? Number.NaN },
        { what: 'requests that found no free client during the spike', value: during?.unsent ?? Number.NaN },
        {
          what: 'until p99 is back within twice what it was before',
          value: recoveryMs(after?.timeline ?? [], usualMs * 2),
          unit: 'ms',
        },
      ],
      goals: [],
      series: timelines(phases.map(({ sample }) => sample.timeline ?? [])),
    };
  },
};

function timelines(phases: readonly (readonly TimelinePoint[])[]): Series[] {
  const points: TimelinePoint[] = [];
  let offsetMs = 0;
  for (const phase of phases) {
    points.push(...phase.map((point) => ({ ...point, atMs: point.atMs + offsetMs })));
    offsetMs += phase.length * TIMELINE_MS;
  }
  const series = (name: string, unit: string, figure: (point: TimelinePoint) => number): Series => ({
    name,
    unit,
    points: points.map((point) => [point.atMs / 1000, figure(point)] as const),
  });
  return [
    series('answered', 'requests/s', ({ answered }) => (answered * 1000) / TIMELINE_MS),
    series('p99', 'ms', ({ p99Ms }) => p99Ms),
  ];
}
