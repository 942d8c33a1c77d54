import { BridgeError } from '@mcp-bridge/protocol';

/** The first byte of a frame's body. README.md gives every layout byte for byte. */
export const FRAME = {
  HELLO: 1,
  CONTEXT: 2,
  CALL: 3,
  RESULT: 4,
  ERROR: 5,
  NOTE: 6,
  INPUT: 7,
  CHUNK: 8,
  CANCEL: 9,
  DRAIN: 10,
  CREDIT: 11,
  STALE: 12,
  SESSION_STALE: 13,
} as const;

/** What a router sends back for a call. */
export type ReplyKind = typeof FRAME.RESULT | typeof FRAME.ERROR | typeof FRAME.NOTE;

/** Version of the frame encoding. Peers of different versions refuse each other in HELLO. */
export const LINK_VERSION = 3;

/** Payloads above this travel as CHUNK frames, so that small calls slip in between. */
export const LARGE_PAYLOAD_BYTES = 64 * 1024;
/** No chunk but a payload's last is smaller: each costs its receiver something besides its bytes. */
export const MIN_CHUNK_BYTES = 16 * 1024;
export const MAX_BATCH_BYTES = 256 * 1024;

/** Bits of CALL's flags: which optional fields follow, in this order. */
export const CALL_HAS = {
  NAME: 1,
  NAME_SPAN: 2,
  META_SPAN: 4,
  PROGRESS_SPAN: 8,
  CLIENT_REQUEST_ID: 16,
  SESSION: 32,
  LOG_LEVEL: 64,
  PARAM_HEADERS: 128,
  TRACEPARENT: 256,
  REPLAY_STREAM: 512,
  CHUNKS: 1024,
} as const;

/** Bit of RESULT's, ERROR's, NOTE's and INPUT's flags: the payload follows in CHUNK frames. */
export const IN_CHUNKS = 1;
/** Bit of RESULT's flags: how long it may be kept follows. */
export const MAY_BE_KEPT = 2;

/** Methods that cost one byte on the wire; 0 means that the name follows. Only ever append. */
export const KNOWN_METHODS: readonly string[] = [
  '',
  'tools/call',
  'tools/list',
  'resources/read',
  'resources/list',
  'resources/templates/list',
  'prompts/get',
  'prompts/list',
  'completion/complete',
  'server/discover',
  'initialize',
  'ping',
  'subscriptions/listen',
  'session/stream',
  'session/resume',
  'session/end',
];

export interface Hello {
  readonly version: number;
  /** Bytes that the peer may send before it needs CREDIT. */
  readonly window: number;
  /** The largest payload that the sender of HELLO accepts. */
  readonly maxPayloadBytes: number;
  /** Calls in flight that a router accepts on this link; 0 from a gateway. */
  readonly maxInFlight: number;
  /** Names the router that says it, for calls that have to come back to it; `''` from a gateway. */
  readonly routerId: string;
}

/** What calls of one client have in common, sent once and then named by its number. */
export interface CallContext {
  readonly tenant: string;
  readonly principal: string;
  readonly view: string;
  readonly protocolVersion: string;
  readonly capabilities: string;
  readonly clientInfo: string;
}

/** Contexts that a link remembers; number 0 is for one that is too large to be worth remembering. */
export const CONTEXT_SLOTS = 1024;
export const MAX_KEPT_CONTEXT_LENGTH = 8 * 1024;

/** The peer broke the frame encoding: nothing that follows can be trusted, so the link is cut. */
export function malformed(what: string): BridgeError {
  return new BridgeError('UPSTREAM_PROTOCOL', `Malformed link frame: ${what}`);
}
