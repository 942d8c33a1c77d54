import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isTransportName, type TransportName } from '../transports/transport-name.js';

/** Something that must not be. */
export interface Fault {
  /** The step that brought it about, as far as can be told. */
  readonly step: number;
  /** What is wrong, in words. */
  readonly why: string;
  /** How the input of the step was made. */
  readonly what: string;
  /** What was sent, and what came back. */
  readonly sent?: Buffer;
  readonly received?: Buffer;
}

/** A fault with all that is needed to bring it about again. */
export interface Finding extends Fault {
  readonly transport: TransportName;
  readonly seed: number;
}

const SHOWN_BYTES = 64 * 1024;

/** Writes a finding; returns the file's name. */
export async function writeFinding(folder: string, finding: Finding): Promise<string> {
  await mkdir(folder, { recursive: true });
  const { transport, seed, step, why, what, sent, received } = finding;
  const file = path.join(folder, `${transport}-${seed}-${step}.json`);
  const shown = (bytes: Buffer | undefined): object | undefined =>
    bytes && {
      text: bytes.toString('latin1', 0, 2_000),
      base64: bytes.subarray(0, SHOWN_BYTES).toString('base64'),
    };
  const content = { transport, seed, step, why, what, sent: shown(sent), received: shown(received) };
  await writeFile(file, `${JSON.stringify(content, undefined, 2)}\n`);
  return file;
}

/** @throws {Error} when it is no file that `writeFinding` wrote */
export async function readFinding(file: string): Promise<Pick<Finding, 'transport' | 'seed' | 'step'>> {
  // Checked below.
  const { transport, seed, step } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  if (
    typeof transport !== 'string' ||
    !isTransportName(transport) ||
    typeof seed !== 'number' ||
    typeof step !== 'number'
  )
    throw new Error(`${file} is not a finding: it needs transport, seed and step`);
  return { transport, seed, step };
}
