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

/** The link is closing and the call has not begun: another gateway or router can take it. */
export function draining(): BridgeError {
  return new BridgeError('DRAINING', 'The bridge is shutting down; try again');
}

/** The link closes under a call that has begun. An endless stream can be opened again, a call may have run. */
export function cutOff(endless: boolean): BridgeError {
  if (endless) return draining();
  return new BridgeError('OUTCOME_UNKNOWN', 'The bridge shut down before the call ended; it may have run');
}

export function overloaded(message: string): BridgeError {
  return new BridgeError('OVERLOADED', message, { data: '{"retryAfterMs":100}' });
}
