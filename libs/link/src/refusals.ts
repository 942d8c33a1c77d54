import { BridgeError } from '@mcp-bridge/protocol';
import type { CallHandle, CallSink } from './link.js';

/** Ends a call that was never started. The sink hears of it after `Link.call` has returned. */
export function refuseCall(sink: CallSink, error: BridgeError): CallHandle {
  let cancelled = false;
  queueMicrotask(() => {
    if (!cancelled) sink.onError(error);
  });
  return {
    cancel() {
      cancelled = true;
    },
  };
}

/** `data` of an error that ends a call which had reached a router: although its code invites a retry, it may have run. */
export const MAY_HAVE_RUN = '{"mayHaveRun":true}';

/** The link is closing; `begun` tells whether the call had reached a router. */
export function draining(begun: boolean): BridgeError {
  if (!begun) return new BridgeError('DRAINING', 'The bridge is shutting down; try again');
  return new BridgeError('DRAINING', 'The bridge shut down before the call ended', { data: MAY_HAVE_RUN });
}

export function overloaded(message: string): BridgeError {
  return new BridgeError('OVERLOADED', message, { data: '{"retryAfterMs":100}' });
}
