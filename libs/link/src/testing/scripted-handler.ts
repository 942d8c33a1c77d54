import { BridgeError } from '@mcp-bridge/protocol';
import type {
  CallHandle,
  CallHandler,
  CallRequest,
  CallSink,
  CancelReason,
  InputMessage,
  StaleWatcher,
} from '../link.js';

export interface HeldCall {
  readonly request: CallRequest;
  readonly sink: CallSink;
  readonly cancelled: CancelReason[];
}

/**
 * A router whose behaviour the method names: `echo` answers with the params, `hold` keeps the call open for the
 * test, `notes` sends as many messages as `name` says before its result, `fail` and `throw` speak for themselves.
 */
export class ScriptedHandler implements CallHandler {
  readonly held: HeldCall[] = [];
  readonly inputs: InputMessage[] = [];
  readonly requests: CallRequest[] = [];
  readonly #waiters: (() => boolean)[] = [];
  readonly #watchers = new Set<StaleWatcher>();

  call(request: CallRequest, sink: CallSink): CallHandle {
    this.requests.push(request);
    const call: HeldCall = { request, sink, cancelled: [] };
    switch (request.method) {
      case 'echo':
        sink.onResult(request.params);
        break;
      case 'size':
        sink.onResult(Buffer.alloc(Number(request.name), 'r'));
        break;
      case 'notes':
        for (let at = 0; at < Number(request.name); at++) sink.onMessage(Buffer.from(`{"n":${at}}`));
        sink.onResult(request.params);
        break;
      case 'twice':
        sink.onResult(Buffer.from('"first"'));
        sink.onMessage(Buffer.from('"late"'));
        sink.onResult(Buffer.from('"second"'));
        sink.onError(new BridgeError('INTERNAL', 'third'));
        break;
      case 'fail':
        sink.onError(
          new BridgeError('UPSTREAM_ERROR', 'no such file – ñ', { data: '{"path":"/x"}', rpcCode: -32042 }),
        );
        break;
      case 'throw':
        throw new Error('a secret path in a stack trace');
      default:
        this.held.push(call);
    }
    this.#notify();
    return {
      cancel: (reason = 'client') => {
        call.cancelled.push(reason);
        this.#notify();
      },
    };
  }

  watchStale(watcher: StaleWatcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Links that watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  stale(epoch: number): void {
    for (const watcher of this.#watchers) watcher.onStale(epoch);
  }

  sessionStale(session: string): void {
    for (const watcher of this.#watchers) watcher.onSessionStale(session);
  }

  input(message: InputMessage): void {
    if (message.session === 'throw') throw new Error('bad input');
    this.inputs.push(message);
    this.#notify();
  }

  /** Resolves once `condition` holds; looked at after whatever this handler hears. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      this.#waiters.push(() => {
        if (!condition()) return false;
        resolve();
        return true;
      });
    });
  }

  #notify(): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter()) this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    }
  }
}
