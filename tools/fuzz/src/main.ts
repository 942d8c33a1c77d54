import { randomInt } from 'node:crypto';
import { HELP, type Options, parseOptions } from './options.js';
import { runCampaign } from './run/campaign.js';
import { readFinding, writeFinding } from './run/finding.js';
import { reportText } from './run/report-text.js';
import { startTarget } from './target/target.js';

const MIB = 1024 * 1024;
/** Above this, memory did not come back. Caches, compiled code and bounded tables stay below it. */
const MEMORY = { heapBytes: 32 * MIB, rssBytes: 96 * MIB };
/** Sessions, channels and replays of the bridge under test are let go within this. */
const REST_MS = 12_000;
const WARM_UP = 20_000;
/** Steps before a finding that are made again when the step alone does nothing. */
const REPLAYED_BEFORE = 2_000;

/** Resolves with the exit code: 1 when there were findings. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, () => randomInt(2 ** 31));
  if (options.mode === 'help') {
    console.log(HELP);
    return 0;
  }
  return options.mode === 'replay' ? replay(options.file) : run(options);
}

async function run({ transport, runs, seed, findings }: Extract<Options, { mode: 'run' }>): Promise<number> {
  console.log(`fuzzing ${transport}: ${runs} inputs, --seed ${seed}`);
  await using target = await startTarget();
  const report = await runCampaign({
    target,
    transport,
    seed,
    from: 0,
    to: runs,
    warmUp: Math.min(WARM_UP, runs),
    restMs: REST_MS,
    memory: MEMORY,
    onProgress: ({ done }) => console.log(`  ${done} of ${runs}`),
  });
  console.log(reportText(report));
  for (const finding of report.findings) console.log(`wrote ${await writeFinding(findings, finding)}`);
  return report.findings.length === 0 ? 0 : 1;
}

async function replay(file: string): Promise<number> {
  const { transport, seed, step } = await readFinding(file);
  for (const from of [step, Math.max(step - REPLAYED_BEFORE, 0)]) {
    console.log(`making steps ${from} to ${step} of seed ${seed} again`);
    await using target = await startTarget();
    const limits = { warmUp: 0, restMs: 0, memory: { heapBytes: Infinity, rssBytes: Infinity } };
    const report = await runCampaign({ target, transport, seed, from, to: step + 1, ...limits });
    console.log(reportText(report));
    if (report.findings.length > 0) return 1;
  }
  console.log('It did not happen again.');
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
