import { parseArgs } from 'node:util';
import { isTransportName, TRANSPORT_NAMES, type TransportName } from './transports/transport-name.js';

/** What the command line asks for. */
export type Options =
  | { readonly mode: 'help' }
  | { readonly mode: 'replay'; readonly file: string }
  | {
      readonly mode: 'run';
      readonly transport: TransportName;
      readonly runs: number;
      readonly seed: number;
      /** Where findings are written. */
      readonly findings: string;
    };

const DEFAULT_RUNS = 100_000;

/** @throws {Error} that names the fault */
export function parseOptions(args: readonly string[], randomSeed: () => number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      transport: { type: 'string' },
      runs: { type: 'string' },
      seed: { type: 'string' },
      replay: { type: 'string' },
      findings: { type: 'string', default: 'tmp/fuzz' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.replay !== undefined) return { mode: 'replay', file: values.replay };
  if (values.help || values.transport === undefined) return { mode: 'help' };
  if (!isTransportName(values.transport))
    throw new Error(`There is no transport "${values.transport}"; there are ${TRANSPORT_NAMES.join(', ')}.`);
  return {
    mode: 'run',
    transport: values.transport,
    runs: whole('--runs', values.runs, 1) ?? DEFAULT_RUNS,
    seed: whole('--seed', values.seed, 0) ?? randomSeed(),
    findings: values.findings,
  };
}

export const HELP = `npm run fuzz -- --transport ${TRANSPORT_NAMES.join('|')} [options]
npm run fuzz -- --replay FILE

  --runs N        inputs; ${DEFAULT_RUNS} unless told
  --seed S        a whole number; the same one makes the same inputs. A random one is taken, and printed, unless told
  --findings DIR  where findings are written; ./tmp/fuzz unless told
  --replay FILE   makes the step of a finding again: alone, and then after the steps before it
`;

function whole(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${option} takes a whole number from ${least} on, not "${text}".`);
  return value;
}
