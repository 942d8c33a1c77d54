import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCampaign } from './run/campaign.js';
import { reportText } from './run/report-text.js';
import { startTarget, type Target } from './target/target.js';
import { TRANSPORT_NAMES } from './transports/transport-name.js';

const MIB = 1024 * 1024;
const FIXED_SEED = 1;
const RUNS = 1_500;

let target: Target;
beforeAll(async () => {
  target = await startTarget();
}, 60_000);
afterAll(() => target[Symbol.asyncDispose]());

const seeds = { fixed: FIXED_SEED, random: randomInt(2 ** 31) };

for (const transport of TRANSPORT_NAMES) {
  for (const [kind, seed] of Object.entries(seeds)) {
    it(
      `answers mutated input over ${transport} and stays well, ${kind} seed ${seed}`,
      { timeout: 60_000 },
      async () => {
        const report = await runCampaign({
          target,
          transport,
          seed,
          from: 0,
          to: RUNS,
          warmUp: 0,
          restMs: 0,
          // Without rest, what is kept for a time is still there.
          memory: { heapBytes: 64 * MIB, rssBytes: 128 * MIB },
        });
        expect(report.findings, reportText(report)).toEqual([]);
        expect(report.tally.done).toBe(RUNS);
        expect(report.canary.calls).toBeGreaterThan(0);
      },
    );
  }
}
