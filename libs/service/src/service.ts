import type { Metrics } from '@mcp-bridge/metrics';
import { type AdminServer, type AdminSource, startAdminServer } from './admin-server.js';
import type { AdminConfig } from './config/schema.js';
import { watchTerminal } from './watch-terminal.js';
import type { Logger } from './logging.js';
import type { ConfigChange } from './reload/reloader.js';

/** How long parts may take to close once draining is over or was skipped. */
const CLOSE_TIMEOUT_MS = 3_000;
/** Ctrl-C reaches a process twice when npm or a script stands above it; that is not a second wish. */
const SAME_SIGNAL_MS = 500;

/** One thing a service is made of. Every hook is optional. */
export interface Part {
  /** Why it cannot take traffic, `undefined` when it can. */
  notReady?(): string | undefined;
  /** What `/debug/state` shows of it; JSON, without secrets. */
  state?(): unknown;
  /**
   * Makes sure that it can work with another configuration, and changes nothing yet. What it returns puts that in
   * force, in the same turn of the event loop as all other parts, and must not fail.
   * @throws {BridgeError} CONFIG_INVALID when it cannot: then no part changes
   */
  prepare?(change: ConfigChange): () => Promise<void> | void;
  /** Finishes what was accepted and accepts no more; gives up after `timeoutMs`. */
  drain?(timeoutMs: number): Promise<void>;
  /** Ends now and releases everything. */
  close?(): Promise<void>;
}

/** `starting` → `ready` → `draining` → `stopped`; a fault or a second signal skips `draining`. */
export type ServiceState = 'starting' | 'ready' | 'draining' | 'stopped';

/** A running process: its parts, its admin server, its way out. */
export interface Service extends AsyncDisposable {
  readonly state: ServiceState;
  /** 0 without an admin server. */
  readonly adminPort: number;
  /** Why `/readyz` does not answer 200; empty while it does. */
  notReady(): readonly string[];
  /** Hands a part over; parts drain and close in reverse order. */
  add(name: string, part: Part): void;
  /**
   * Puts another configuration in force, in all parts or in none.
   * @throws {BridgeError} CONFIG_INVALID when a part cannot work with it
   */
  reconfigure(change: ConfigChange): Promise<void>;
  /** From now on `/readyz` answers 200 while no part objects. */
  ready(): void;
  /** Drains and closes everything once; later calls wait for the first. */
  stop(reason: string): Promise<void>;
  /** Resolves with the exit code after everything has closed. */
  readonly stopped: Promise<number>;
}

export interface ServiceOptions {
  readonly name: string;
  /** Undefined for a process that opens no port. */
  readonly admin: AdminConfig | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Hard limit for draining all parts together. */
  readonly drainTimeoutMs: number;
  /** What SIGHUP asks for while the terminal, if there was one, is still there; without it SIGHUP ends the service. */
  readonly onHangUp?: () => void;
  /** Signals and faults come from here; the process itself by default. Tests pass an emitter. */
  readonly process?: ProcessEvents;
  /** Signals this close to the first one count as the same; default 500. */
  readonly sameSignalMs?: number;
}

/** The events of `process` that end a service. */
export interface ProcessEvents {
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
}

/**
 * Starts the frame of a service: admin server, signals, orderly end. SIGINT, SIGTERM and the loss of the terminal drain
 * the parts in reverse order within `drainTimeoutMs`; a second signal closes at once. Other SIGHUPs are `onHangUp`'s. An uncaught exception is a bug: it is
 * logged, everything is closed so that no child process stays behind, and the exit code is 1.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, name } = options;
  const events: ProcessEvents = options.process ?? process;
  const parts: { readonly name: string; readonly part: Part }[] = [];
  const hurry = new AbortController();
  let state: ServiceState = 'starting';
  let stopping: Promise<void> | undefined;
  let exitCode = 0;
  let firstSignalAt = 0;
  let resolveStopped: (code: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    resolveStopped = resolve;
  });

  const source: AdminSource = {
    notReady: () => [
      ...(state === 'ready' ? [] : [`${name} is ${state}`]),
      ...parts.flatMap(({ part }) => part.notReady?.() ?? []),
    ],
    state: () => ({
      service: name,
      state,
      uptimeSeconds: Math.round(process.uptime()),
      parts: Object.fromEntries(parts.map((entry) => [entry.name, entry.part.state?.() ?? {}])),
    }),
  };
  const admin: AdminServer | undefined =
    options.admin === undefined
      ? undefined
      : await startAdminServer({ config: options.admin, metrics: options.metrics, log, source });

  const drainAll = async (): Promise<void> => {
    const endsAt = performance.now() + options.drainTimeoutMs;
    for (const { name: partName, part } of parts.toReversed()) {
      const leftMs = endsAt - performance.now();
      if (hurry.signal.aborted || leftMs < 1) return;
      if (part.drain === undefined) continue;
      await guarded(part.drain(leftMs), leftMs, partName, 'drain');
    }
  };
  const closeAll = async (): Promise<void> => {
    for (const { name: partName, part } of parts.toReversed()) {
      if (part.close !== undefined) await guarded(part.close(), CLOSE_TIMEOUT_MS, partName, 'close');
    }
  };
  const guarded = async (work: Promise<void>, limitMs: number, part: string, verb: string): Promise<void> => {
    const outcome = await settled(work, limitMs, verb === 'drain' ? hurry.signal : undefined);
    if (outcome === 'done') return;
    log.warn({ part, verb, err: outcome.error }, `${verb} ended early: ${outcome.why}`);
  };
  const end = async (drain: boolean): Promise<void> => {
    if (drain) await drainAll();
    await closeAll();
    for (const [event, listener] of listeners) events.off(event, listener);
    state = 'stopped';
    await admin?.[Symbol.asyncDispose]();
    log.info('stopped');
    resolveStopped(exitCode);
  };
  const stop = (reason: string, drain = true): Promise<void> => {
    if (stopping !== undefined) return stopping;
    log.info({ reason, drain }, drain ? 'draining' : 'closing');
    state = 'draining';
    stopping = end(drain);
    return stopping;
  };

  const onSignal = (signal: string) => (): void => {
    if (stopping === undefined) {
      firstSignalAt = performance.now();
      void stop(signal);
      return;
    }
    if (performance.now() - firstSignalAt < (options.sameSignalMs ?? SAME_SIGNAL_MS)) return;
    log.warn({ signal }, 'second signal: closing at once');
    hurry.abort();
  };
  const terminal = watchTerminal();
  const endOnHangUp = onSignal('SIGHUP');
  const onHangUp = (): void => {
    if (options.onHangUp === undefined || terminal.isGone()) endOnHangUp();
    else if (stopping === undefined) options.onHangUp();
  };
  const onFault = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught exception: this is a bug; ending');
    exitCode = 1;
    hurry.abort();
    void stop('uncaught exception', false);
  };
  const listeners: [event: string, listener: (value: unknown) => void][] = [
    ['SIGINT', onSignal('SIGINT')],
    ['SIGTERM', onSignal('SIGTERM')],
    ['SIGHUP', onHangUp],
    ['uncaughtException', onFault],
    ['unhandledRejection', onFault],
  ];
  for (const [event, listener] of listeners) events.on(event, listener);

  return {
    get state() {
      return state;
    },
    adminPort: admin?.port ?? 0,
    notReady: source.notReady,
    add(partName, part) {
      parts.push({ name: partName, part });
    },
    async reconfigure(change) {
      const commits = parts.flatMap(({ part }) => part.prepare?.(change) ?? []);
      await Promise.all(commits.map(async (commit) => commit()));
    },
    ready() {
      if (state === 'starting') state = 'ready';
    },
    stop,
    stopped,
    [Symbol.asyncDispose]: () => stop('disposed'),
  };
}

type Outcome = 'done' | { readonly why: string; readonly error?: unknown };

/** Waits for work, but no longer than the limit and not past the abort. Never rejects. */
function settled(work: Promise<void>, limitMs: number, signal: AbortSignal | undefined): Promise<Outcome> {
  return new Promise((resolve) => {
    // Timers cut fractions off: one that fires before the limit would leave the next part a moment to begin in.
    const why = `not done after ${Math.round(limitMs)} ms`;
    const timer = setTimeout(() => finish({ why }), Math.ceil(limitMs) + 1);
    const onAbort = (): void => finish({ why: 'told to hurry' });
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort);
    work.then(
      () => finish('done'),
      (error: unknown) => finish({ why: 'it failed', error }),
    );
  });
}
