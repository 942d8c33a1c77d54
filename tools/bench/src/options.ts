import { parseArgs } from 'node:util';
import { BASELINE_FILE } from './check/baseline.js';
import type { Pace, Scenario } from './scenario.js';

/** What the command line asks for. */
export type Options = { readonly help: true } | RunOptions;

/** What is to be measured, and where the results go. */
export interface RunOptions {
  readonly help: false;
  /** Runs the regression check instead of scenarios. */
  readonly check: CheckChoice | undefined;
  readonly scenarios: readonly Scenario[];
  readonly pace: Pace;
  readonly isQuick: boolean;
  /** Length of scenarios that run for long. */
  readonly longRunMs: number | undefined;
  /** Where the JSON goes. */
  readonly json: string | undefined;
  /** Where the report with charts goes. */
  readonly html: string | undefined;
  /** JSON lines that a run adds itself to, and that the report draws. */
  readonly history: string | undefined;
  /** Folder for CPU profiles of the bridge. */
  readonly profile: string | undefined;
}

/** How the regression check is to run. */
export interface CheckChoice {
  /** Records a new baseline. */
  readonly update: boolean;
  readonly baselineFile: string;
  /** CPU time to add to each request, in microseconds; for trying the check. */
  readonly plantUs: number | undefined;
  /** Another checkout, installed and built, in place of the baseline. */
  readonly against: string | undefined;
}

/** What stands in place of a scenario. */
const CHECK = 'check';
// Many short samples: a shared machine changes its pace by a third from second to second, so a pair of samples has to be
// over before it does, or there have to be so many that it evens out.
const CHECK_FULL: Pace = { rounds: 480, sampleMs: 100, warmupMs: 1000 };
const CHECK_QUICK: Pace = { rounds: 72, sampleMs: 100, warmupMs: 1000 };
const FULL: Pace = { rounds: 5, sampleMs: 3000, warmupMs: 2000 };
const QUICK: Pace = { rounds: 3, sampleMs: 2000, warmupMs: 2000 };

/**
 * Parses the command line.
 *
 * @throws {Error} that names the fault
 */
export function parseOptions(args: readonly string[], known: readonly Scenario[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
      json: { type: 'string' },
      html: { type: 'string' },
      history: { type: 'string' },
      baseline: { type: 'string', default: BASELINE_FILE },
      update: { type: 'boolean', default: false },
      'plant-us': { type: 'string' },
      against: { type: 'string' },
      profile: { type: 'string' },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help || positionals.length === 0) return { help: true };
  const isCheck = positionals.includes(CHECK);
  if (isCheck && positionals.length > 1) throw new Error('check runs alone: leave the scenarios out.');
  const names = isCheck ? [] : positionals;
  const scenarios = names.map((wanted) => {
    const scenario = known.find(({ name }) => name === wanted);
    if (scenario === undefined)
      throw new Error(
        `There is no scenario "${wanted}"; there are ${known.map(({ name }) => name).join(', ')}.`,
      );
    return scenario;
  });
  const [full, quick] = isCheck ? [CHECK_FULL, CHECK_QUICK] : [FULL, QUICK];
  const pace = values.quick ? quick : full;
  const minutes = positive('--minutes', values.minutes);
  return {
    help: false,
    check: isCheck
      ? {
          update: values.update,
          baselineFile: values.baseline,
          against: values.against,
          plantUs: positive('--plant-us', values['plant-us']),
        }
      : undefined,
    scenarios,
    pace: {
      ...pace,
      rounds: positive('--rounds', values.rounds) ?? pace.rounds,
      sampleMs: (positive('--seconds', values.seconds) ?? pace.sampleMs / 1000) * 1000,
      only: values.only,
    },
    isQuick: values.quick,
    longRunMs: minutes === undefined ? undefined : minutes * 60_000,
    json: values.json,
    html: values.html,
    history: values.history,
    profile: values.profile,
  };
}

export function helpText(known: readonly Scenario[]): string {
  const width = Math.max(...known.map(({ name }) => name.length));
  return `npm run bench -- <scenario…> [options]
npm run bench -- check [--quick] [--update]     CPU time of a request against the committed baseline; fails on a loss

Scenarios
${known.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

Options
  --quick        ${QUICK.rounds} rounds of ${QUICK.sampleMs / 1000} s instead of ${FULL.rounds} of ${FULL.sampleMs / 1000} s, and fewer sizes and counts
  --rounds N     samples of each subject
  --seconds N    length of a sample
  --minutes N    length of sustained and endurance
  --json FILE    writes all samples, ratios and goals
  --html FILE    writes a report with charts, which needs no network
  --history FILE adds this run's ratios and goals as a line of JSON, and draws them all in the report
  --profile DIR  writes CPU profiles of the bridge's processes and lists their hottest functions; the figures
                 then include the profiler
  --only TEXT    measures only subjects whose names contain it, without ratios; for profiles
  --baseline F   another baseline than tools/bench/baseline.json
  --against DIR  check: against the bridge of another checkout (installed, built) in the same rounds, not a baseline
  --update       check: records the figures as the baseline
  --plant-us N   check: adds N microseconds to each request, to see it fail
  --help         this text

Subjects of a scenario are measured in turn (A B A B …); figures are medians. Ratios are worth comparing between
machines and days, absolute figures are not.
`;
}

function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} takes a whole number from 1 on, not "${text}".`);
  return value;
}
