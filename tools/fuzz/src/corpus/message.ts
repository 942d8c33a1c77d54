import type { JsonValue } from '../mutate/json-tree.js';

/** One valid message, or batch, of the corpus. */
export interface Message {
  /** For reports. */
  readonly name: string;
  readonly era: 'legacy' | 'modern';
  readonly value: JsonValue;
  /** What the `Mcp-Method` and `Mcp-Name` headers of the message say. */
  readonly method: string;
  readonly target: string | undefined;
  /** The protocol version that it speaks, or that its session must have spoken. */
  readonly version: string;
  /** Its reply is a stream that only the client ends. */
  readonly endless: boolean;
  /** It may wait for answers of the client, up to the bridge's deadline. */
  readonly slow: boolean;
  /** The text that its result holds when all goes well; then nothing else is right. */
  readonly echoes: string | undefined;
}

const FIRST_ID = 7_000_000_000;
const IDS_PER_STEP = 128;
/** A message may name the id of a step that is at most this far back. */
export const RECENT_STEPS = 64;

/** Distinct for each message of a step, so that a reply says which message it is for. */
export function requestId(step: number, index = 0): number {
  return FIRST_ID + step * IDS_PER_STEP + index;
}

/** The step of an id that `requestId` may have made; undefined for all others. */
export function stepOf(id: string): number | undefined {
  return /^7\d{9,14}$/.test(id) ? Math.floor((Number(id) - FIRST_ID) / IDS_PER_STEP) : undefined;
}
