export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Injected by tests; as Math.random. */
  readonly random?: () => number;
}

/**
 * How long to wait before the attempt after `failures` failed ones: doubling, then spread over its upper half, so
 * that gateways which lost the same router do not come back in step.
 */
export function backoffMs(failures: number, options: BackoffOptions): number {
  const full = Math.min(options.maxMs, options.initialMs * 2 ** Math.min(failures, 30));
  return full / 2 + ((options.random ?? Math.random)() * full) / 2;
}
