/** Bounds of one link. Both sides have their own; each tells the other what it accepts. */
export interface LinkLimits {
  /** Larger params, results and messages are refused with PAYLOAD_TOO_LARGE; default 32 MiB. */
  readonly maxPayloadBytes: number;
  /** Bytes that may be under way before the receiver has dealt with them; default 8 MiB. */
  readonly windowBytes: number;
  /** Bytes of one call that may wait for a congested link; beyond it that call ends with OVERLOADED; default 16 MiB. */
  readonly maxBufferedBytesPerCall: number;
  /** The same for all calls of the link together; default 256 MiB. */
  readonly maxBufferedBytes: number;
  /** A silent peer is pinged after this time; default 4 000. */
  readonly keepaliveIntervalMs: number;
  /** A peer that does not answer a ping for this long is gone; default 4 000. */
  readonly keepaliveTimeoutMs: number;
}

export const DEFAULT_LIMITS: LinkLimits = {
  maxPayloadBytes: 32 * 1024 * 1024,
  windowBytes: 8 * 1024 * 1024,
  maxBufferedBytesPerCall: 16 * 1024 * 1024,
  maxBufferedBytes: 256 * 1024 * 1024,
  keepaliveIntervalMs: 4000,
  keepaliveTimeoutMs: 4000,
};
