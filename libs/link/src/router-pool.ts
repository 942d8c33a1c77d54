import { BridgeError } from '@mcp-bridge/protocol';
import { type LinkCredential, checkCredential } from './credential.js';
import { type DeadlineWheel, createDeadlineWheel } from './deadline-wheel.js';
import { GatewayCall, type GatewayCallOwner } from './gateway-call.js';
import type { GatewayStream } from './gateway-stream.js';
import { KeptCalls } from './kept-calls.js';
import type { CallHandle, CallRequest, CallSink, InputMessage, Link } from './link.js';
import { DEFAULT_LIMITS, type LinkLimits } from './link-limits.js';
import { type LinkLog, silentLog } from './link-log.js';
import { cutOff, draining, refuseCall } from './refusals.js';
import { hashText, rendezvousScore } from './rendezvous.js';
import { RouterConnection, type RouterConnectionState } from './router-connection.js';

export interface RouterPoolOptions {
  /** Addresses `host:port`. Their spelling is what session homes are computed from: the same at every gateway. */
  readonly routers: readonly string[];
  readonly credential?: LinkCredential;
  /** How long a call may wait while no router is up; default 5 000. */
  readonly connectWaitMs?: number;
  /** More waiting calls than this are refused with UPSTREAM_UNAVAILABLE; default 10 000. */
  readonly maxWaiting?: number;
  /** An attempt that has not got a HELLO by then has failed; default 3 000. */
  readonly connectTimeoutMs?: number;
  /** Waits between attempts: doubling from `initialMs` (default 50) to `maxMs` (default 2 000), with jitter. */
  readonly backoff?: { readonly initialMs: number; readonly maxMs: number };
  readonly limits?: Partial<LinkLimits>;
  /** Shared with others where there are many; default one of its own. */
  readonly deadlines?: DeadlineWheel;
  readonly log?: LinkLog;
}

export interface RouterState {
  readonly address: string;
  readonly state: RouterConnectionState;
  readonly inFlight: number;
}

export interface RouterPool extends Link {
  /** One entry per router, for metrics and `/readyz`. */
  routers(): readonly RouterState[];
  /** Calls that wait for a router to come up. */
  readonly waiting: number;
}

export interface RouterLinkOptions extends Omit<RouterPoolOptions, 'routers'> {
  readonly router: string;
}

/**
 * The way from a gateway to its routers over gRPC. Calls of a session go to its home, others to the less busy of
 * two. Connecting starts at once and never ends until the pool is closed.
 *
 * @throws {BridgeError} CONFIG_INVALID when there is no router, or a token is too short
 */
export function createRouterPool(options: RouterPoolOptions): RouterPool {
  if (options.routers.length === 0) {
    throw new BridgeError('CONFIG_INVALID', 'No router address: name at least one as host:port');
  }
  checkCredential(options.credential);
  return new Pool(options);
}

/** The link to a single router. */
export function connectRouterLink(options: RouterLinkOptions): RouterPool {
  const { router, ...rest } = options;
  return createRouterPool({ ...rest, routers: [router] });
}

/** Closing waits this long for the last frames to leave. */
const CLOSE_MS = 500;

class Pool implements RouterPool, GatewayCallOwner {
  readonly log: LinkLog;
  readonly #deadlines: DeadlineWheel;
  readonly #connections: readonly RouterConnection[];
  readonly #connectWaitMs: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<GatewayCall>();
  readonly #keptCalls: KeptCalls;
  /** Streams that take new calls. */
  #live: GatewayStream[] = [];
  #inFlight = 0;
  #accepting = true;
  #onIdle: (() => void) | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  constructor(options: RouterPoolOptions) {
    this.log = options.log ?? silentLog;
    this.#keptCalls = new KeptCalls(this.log);
    this.#deadlines = options.deadlines ?? createDeadlineWheel();
    this.#connectWaitMs = options.connectWaitMs ?? 5000;
    this.#maxWaiting = options.maxWaiting ?? 10_000;
    this.#connections = [...new Set(options.routers)].map(
      (address) =>
        new RouterConnection({
          address,
          credential: options.credential ?? {},
          limits: { ...DEFAULT_LIMITS, ...options.limits },
          connectTimeoutMs: options.connectTimeoutMs ?? 3000,
          backoff: options.backoff ?? { initialMs: 50, maxMs: 500 },
          log: this.log,
          now: () => this.#deadlines.now(),
          onChange: () => this.#onChange(),
          onUnsent: (calls) => this.#sendAgain(calls),
        }),
    );
    for (const connection of this.#connections) connection.connect();
  }

  get ready(): boolean {
    return this.#accepting && this.#live.length > 0;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  routers(): readonly RouterState[] {
    return this.#connections.map(({ address, state, inFlight }) => ({ address, state, inFlight }));
  }

  call(request: CallRequest, sink: CallSink): CallHandle {
    if (!this.#accepting) return refuseCall(sink, draining());
    const stream = this.#streamFor(request);
    const kept = stream?.state === 'ready' ? stream.kept.find(request, this.#deadlines) : undefined;
    if (kept !== undefined) return this.#keptCalls.answer(sink, kept);
    const endsAt = request.timeoutMs === 0 ? 0 : this.#deadlines.now() + request.timeoutMs;
    const call = new GatewayCall(this, request, sink, endsAt);
    const refused = this.#place(call, stream);
    if (refused !== undefined) return refuseCall(sink, refused);
    this.#inFlight++;
    return call;
  }

  input(message: InputMessage): void {
    const home = this.#home(message.session);
    // The held call that this answers may still be on a router that drains; each ignores what it does not know.
    for (const connection of this.#connections) {
      const stream = connection.stream;
      if (stream === undefined) continue;
      if (connection !== home && stream.state !== 'draining') continue;
      if (!stream.input(message)) {
        this.log.warn(
          { router: connection.address },
          'An input message was too large or the link too busy; dropped',
        );
      }
    }
  }

  now(): number {
    return this.#deadlines.now();
  }

  ended(call: GatewayCall): void {
    this.#deadlines.remove(call);
    if (call.stream === undefined) this.#waiting.delete(call);
    else call.stream.remove(call);
    this.#inFlight--;
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    const abandon = (which: (call: GatewayCall) => boolean): void => {
      for (const call of this.#allCalls()) {
        if (which(call))
          call.abandon(call.stream === undefined ? draining() : cutOff(call.endsAt === 0), 'link');
      }
    };
    abandon((call) => call.endsAt === 0);
    await this.#idle(timeoutMs);
    abandon(() => true);
    this.#closing ??= Promise.all(this.#connections.map((each) => each.close(CLOSE_MS))).then(() => {});
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  #allCalls(): GatewayCall[] {
    return [...this.#waiting, ...this.#connections.flatMap((each) => each.stream?.calls() ?? [])];
  }

  async #idle(timeoutMs: number): Promise<void> {
    if (this.#inFlight === 0 || timeoutMs <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #streamFor({ session, home }: CallRequest): GatewayStream | undefined {
    return session === '' ? (this.#holder(home) ?? this.#leastBusy()) : this.#home(session)?.stream;
  }

  /** Sends the call or lets it wait; an error when it can do neither. */
  #place(call: GatewayCall, stream: GatewayStream | undefined): BridgeError | undefined {
    if (stream?.state !== 'ready') return this.#wait(call);
    const refused = stream.send(call);
    if (refused === undefined && call.endsAt !== 0) this.#deadlines.add(call, call.endsAt);
    return refused;
  }

  #wait(call: GatewayCall): BridgeError | undefined {
    if (this.#waiting.size >= this.#maxWaiting) {
      return new BridgeError('UPSTREAM_UNAVAILABLE', 'No router is available at the moment; try again');
    }
    this.#waiting.add(call);
    const waitUntil = this.#deadlines.now() + this.#connectWaitMs;
    this.#deadlines.add(call, call.endsAt === 0 ? waitUntil : Math.min(waitUntil, call.endsAt));
    return undefined;
  }

  /** The router that holds what a call continues. */
  #holder(routerId: string): GatewayStream | undefined {
    if (routerId === '') return undefined;
    return this.#live.find((stream) => stream.routerId === routerId);
  }

  /** Power of two choices (Mitzenmacher, 2001): nearly as even as the least busy of all, and never a herd. */
  #leastBusy(): GatewayStream | undefined {
    const live = this.#live;
    if (live.length < 2) return live[0];
    const first = Math.floor(Math.random() * live.length);
    const second = (first + 1 + Math.floor(Math.random() * (live.length - 1))) % live.length;
    const a = live[first];
    const b = live[second];
    return a !== undefined && b !== undefined && b.inFlight < a.inFlight ? b : a;
  }

  /** A router not yet tried counts, so that sessions do not move while a gateway starts; their calls wait for it. */
  #home(session: string): RouterConnection | undefined {
    const key = hashText(session);
    let home: RouterConnection | undefined = undefined;
    let best = -1;
    for (const connection of this.#connections) {
      if (connection.state !== 'ready' && !connection.undecided) continue;
      const score = rendezvousScore(key, connection.hash);
      if (score <= best) continue;
      best = score;
      home = connection;
    }
    return home;
  }

  #onChange(): void {
    this.#live = this.#connections.flatMap(({ stream }) => (stream?.state === 'ready' ? [stream] : []));
    this.#sendAgain([...this.#waiting]);
  }

  /** Looks for a place for calls that have not reached any router. */
  #sendAgain(calls: readonly GatewayCall[]): void {
    for (const call of calls) {
      if (call.finished) continue;
      const wasWaiting = this.#waiting.delete(call);
      if (wasWaiting && !this.#hasPlace(call)) this.#waiting.add(call);
      else this.#replace(call);
    }
  }

  #hasPlace(call: GatewayCall): boolean {
    const session = call.request.session;
    return session === '' ? this.#live.length > 0 : this.#home(session)?.state === 'ready';
  }

  #replace(call: GatewayCall): void {
    this.#deadlines.remove(call);
    const refused = this.#place(call, this.#streamFor(call.request));
    if (refused !== undefined) call.fail(refused);
  }
}
