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

/** Distinct for each message of a step, so that a reply says which message it is for. */
export function requestId(step: number, index = 0): number {
  return 7_000_000_000 + step * 128 + index;
}
