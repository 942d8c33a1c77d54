import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type {
  CallHandle,
  CallHandler,
  CallRequest,
  CallSink,
  DeadlineWheel,
  InputMessage,
  StaleWatcher,
} from '@mcp-bridge/link';
import { MemberList } from '@mcp-bridge/link';
import type { Catalog } from '../catalog/catalog.js';
import type { ListKind } from '../catalog/list-kind.js';
import type { View, Views } from '../catalog/views.js';
import type { Session } from '../sessions/session.js';
import type { SessionStore } from '../sessions/session-store.js';
import type { SessionCalls } from '../sessions/session-calls.js';
import type { ClientListens } from '../subscriptions/client-listens.js';
import { ActiveCall } from './active-call.js';
import { callerOf } from './forwarder.js';
import type { Forwarder } from './forwarder.js';
import type { NowOrLater } from './now-or-later.js';

export interface DispatcherOptions {
  readonly views: Views;
  readonly catalog: Catalog;
  readonly sessions: SessionStore;
  readonly sessionCalls: SessionCalls;
  readonly listens: ClientListens;
  readonly forwarder: Forwarder;
  readonly deadlines: DeadlineWheel;
}

const LIST_METHODS: Readonly<Record<string, ListKind>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

const NOTHING: CallHandle = { cancel: () => undefined };

/**
 * Takes every call that a gateway sends and brings it to what answers it: the catalog for lists and descriptions,
 * the session for what a legacy client keeps, an upstream for the rest.
 */
export class Dispatcher implements CallHandler {
  readonly #options: DispatcherOptions;
  readonly #calls = new MemberList<ActiveCall>();
  #draining = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  call(request: CallRequest, sink: CallSink): CallHandle {
    let call: ActiveCall;
    try {
      call = this.#accept(request, sink);
    } catch (error) {
      sink.onError(BridgeError.from(error));
      return NOTHING;
    }
    try {
      const routed = this.#route(call);
      if (routed instanceof Promise) routed.catch((error: unknown) => call.fail(error));
    } catch (error) {
      call.fail(error);
    }
    return {
      cancel: (reason) => {
        // The gateway is gone, but its client may resume the stream through another one.
        if (reason === 'link' && request.replayStream !== '' && request.timeoutMs > 0) return;
        call.cancel(reason === 'link' ? 'The gateway is gone' : 'Cancelled by the client');
      },
    };
  }

  /** A legacy client's reply or notification; what nobody waits for is dropped. */
  input(message: InputMessage): void {
    const session = this.#options.sessions.get(message.session);
    if (session === undefined || !session.belongsTo(message.principal)) return;
    const envelope = scanEnvelope(message.message);
    if (envelope.kind === 'result' || envelope.kind === 'error') session.answer(envelope);
    else if (envelope.method === 'notifications/cancelled') cancelFor(session, envelope);
    else this.#options.sessionCalls.notifyUpstreams(session, envelope);
  }

  watchStale(watcher: StaleWatcher): () => void {
    const { catalog, sessions } = this.#options;
    const unwatchLists = catalog.watch((epoch) => watcher.onStale(epoch));
    const unwatchSessions = sessions.watch((session) => watcher.onSessionStale(session));
    return () => {
      unwatchLists();
      unwatchSessions();
    };
  }

  /** Ends what would never end by itself, then waits for the rest; after `timeoutMs` the rest ends OUTCOME_UNKNOWN. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.#options.listens.endAll();
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        for (const call of this.#calls.snapshot()) {
          call.onEnd(() => {
            if (this.#calls.size > 0) return;
            clearTimeout(timer);
            resolve();
          });
        }
      });
    }
    const error = new BridgeError(
      'OUTCOME_UNKNOWN',
      'The router shut down before the call ended; it may have run',
    );
    for (const call of this.#calls.snapshot()) call.abort(error);
  }

  #accept(request: CallRequest, sink: CallSink): ActiveCall {
    if (this.#draining) throw new BridgeError('DRAINING', 'The router is shutting down; try again');
    const session =
      request.session === ''
        ? undefined
        : this.#options.sessions.open(request.session, request.principal, request.view);
    const replay =
      session === undefined || request.replayStream === '' || request.method === 'session/resume'
        ? undefined
        : session.openReplay(request.replayStream, request.clientRequestId);
    const call = new ActiveCall(request, sink, replay, this.#options.deadlines);
    this.#calls.add(call);
    call.onEnd(() => this.#calls.remove(call));
    if (session !== undefined && request.timeoutMs > 0) session.track(call);
    return call;
  }

  #route(call: ActiveCall): NowOrLater<void> {
    const { request } = call;
    const { forwarder, listens, sessionCalls } = this.#options;
    const view = this.#options.views.requireView(request.view);
    switch (request.method) {
      case 'tools/call':
      case 'prompts/get':
      case 'resources/read':
      case 'completion/complete':
        return forwarder.forward(call, view);
      case 'server/discover':
        return this.#describe(call, view);
      case 'subscriptions/listen':
        return listens.open(call, view);
      case 'session/stream':
        sessionCalls.openStream(call, view);
        return undefined;
      case 'session/resume':
        sessionCalls.resumeStream(call);
        return undefined;
      case 'session/end':
        this.#options.sessions.terminate(request.session, request.principal);
        call.finish(Buffer.from('{}'));
        return undefined;
      case 'logging/setLevel':
        sessionCalls.setLogLevel(call, view);
        return undefined;
      case 'resources/subscribe':
        return sessionCalls.subscribe(call, view);
      case 'resources/unsubscribe':
        sessionCalls.unsubscribe(call);
        return undefined;
      default:
        break;
    }
    const list = LIST_METHODS[request.method];
    if (list !== undefined) return this.#list(call, view, list);
    return forwarder.forwardExtension(call, view);
  }

  async #list(call: ActiveCall, view: View, kind: ListKind): Promise<void> {
    const { request } = call;
    // Validated as an object by the gateway; most lists are asked for without params.
    const { cursor } =
      request.params.length <= 2 ? {} : (JSON.parse(request.params.toString('utf8')) as { cursor?: unknown });
    if (cursor !== undefined && typeof cursor !== 'string') {
      throw new BridgeError('INVALID_PARAMS', 'The cursor must be a string');
    }
    const { catalog, sessions } = this.#options;
    const caller = callerOf(request);
    const result = await catalog.list(kind, view, { ...caller, cursor });
    const keep = cursor === undefined ? catalog.keepFor(kind, view, caller, result) : undefined;
    const isKept = keep !== undefined && (request.session === '' || sessions.lendLists(request.session));
    call.finish(result, isKept ? keep : undefined);
  }

  async #describe(call: ActiveCall, view: View): Promise<void> {
    const { catalog } = this.#options;
    const caller = callerOf(call.request);
    const result = await catalog.discover(view, caller);
    call.finish(result, catalog.keepFor('description', view, caller, result));
  }
}

function cancelFor(session: Session, cancelled: Envelope): void {
  if (cancelled.requestId.start < 0) return;
  const id = cancelled.bytes.toString('utf8', cancelled.requestId.start, cancelled.requestId.end);
  session.cancel(id, 'Cancelled by the client');
}
