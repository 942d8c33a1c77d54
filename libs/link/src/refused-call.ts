import type { BridgeError } from '@mcp-bridge/protocol';
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
