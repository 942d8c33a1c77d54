import { isDeepStrictEqual } from 'node:util';
import type { BridgeConfig, PinConfig, ServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { NativeServer } from '../native/native-server.js';
import type { UpstreamServer } from './channel.js';

/** Finds the server that has a name now. */
export interface ServerLookup {
  get(name: string): UpstreamServer | undefined;
}

type ServerSections = Pick<BridgeConfig, 'servers' | 'tools' | 'workers'>;

export interface ServerSetOptions {
  /** Makes a configured server usable, without starting it. */
  readonly start: (name: string, config: ServerConfig) => UpstreamServer;
  /** Starts the server of the native tools. */
  readonly startNative: (config: ServerSections) => NativeServer;
  /** A server is left by everybody who does not have a call in flight on it. */
  readonly onRetired: (name: string) => void;
  /** What a server that was changed or removed may still take for its calls in flight. */
  readonly drainTimeoutMs: number;
  readonly log: Logger;
}

/** Names of the servers that a new configuration concerns. */
export interface ServerChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Only `pin` is another one. */
  readonly repinned: readonly string[];
}

interface Entry {
  readonly server: UpstreamServer;
  /** What the server was started with. */
  readonly essence: unknown;
  readonly isHttp: boolean;
  readonly timeoutMs: number;
  readonly pin: PinConfig;
}

/**
 * The servers that are served now. A new configuration leaves alone those whose entries are what they were; the others
 * are replaced at once for new calls, while calls in flight end where they began.
 */
export class ServerSet implements ServerLookup {
  readonly #options: ServerSetOptions;
  readonly #live = new Map<string, Entry>();
  readonly #retiring = new Set<UpstreamServer>();
  #native: NativeServer | undefined;

  constructor(options: ServerSetOptions) {
    this.#options = options;
  }

  get(name: string): UpstreamServer | undefined {
    return this.#live.get(name)?.server;
  }

  /** The native tools; `undefined` when there are none. */
  get native(): NativeServer | undefined {
    return this.#native;
  }

  /** Servers that are left already, and still have calls in flight. */
  get retiring(): number {
    return this.#retiring.size;
  }

  /** Whether it is reached over HTTP. */
  isHttp(name: string): boolean {
    return this.#live.get(name)?.isHttp === true;
  }

  /** Longest time for one call of it. */
  timeoutMsOf(name: string): number {
    return this.#live.get(name)?.timeoutMs ?? Infinity;
  }

  /** Whether, and to what, the definitions of its tools are pinned. */
  pinOf(name: string): PinConfig {
    return this.#live.get(name)?.pin ?? false;
  }

  /** Serves what a configuration names, from this moment on. Starts no server, the native tools excepted. */
  configure(config: ServerSections): ServerChanges {
    const before = new Map(this.#live);
    const kept = new Set<UpstreamServer>();
    this.#live.clear();
    // In the order of the configuration, which decides between servers that offer the same.
    for (const [name, server] of Object.entries(config.servers)) {
      if (server.disabled) continue;
      const { timeout: timeoutMs, pin, ...essence } = server;
      const old = before.get(name);
      const same = isDeepStrictEqual(old?.essence, essence) ? old?.server : undefined;
      if (same !== undefined) kept.add(same);
      const live = same ?? this.#options.start(name, server);
      this.#live.set(name, { server: live, essence, isHttp: 'url' in server, timeoutMs, pin });
    }
    this.#configureNative(config, before, kept);
    const names = [...this.#live.keys()];
    const changed = names.filter((name) => {
      const old = before.get(name)?.server;
      return old !== undefined && !kept.has(old);
    });
    const removed = [...before.keys()].filter((name) => !this.#live.has(name));
    for (const name of [...changed, ...removed]) {
      const old = before.get(name);
      if (old !== undefined) void this.#retire(name, old.server);
    }
    const repinned = names.filter((name) => {
      const old = before.get(name);
      return old !== undefined && kept.has(old.server) && !isDeepStrictEqual(old.pin, this.pinOf(name));
    });
    return { added: names.filter((name) => !before.has(name)), changed, removed, repinned };
  }

  /** Ends what servers keep for a legacy session. */
  endSession(session: string): void {
    for (const server of this.#all()) void server.endSession(session);
  }

  /** Ends every server now; child processes are gone when this resolves. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map((server) => server.close()));
  }

  #configureNative(
    config: ServerSections,
    before: ReadonlyMap<string, Entry>,
    kept: Set<UpstreamServer>,
  ): void {
    const { tools, workers } = config;
    const native = this.#native;
    this.#native = undefined;
    if (tools.length === 0) return;
    const old = before.get(workers.name);
    const same = native !== undefined && isDeepStrictEqual(old?.essence, workers) ? native : undefined;
    this.#native = same ?? this.#options.startNative(config);
    if (same !== undefined) {
      kept.add(same);
      same.reload(tools);
    }
    const entry = { server: this.#native, essence: workers, isHttp: false, timeoutMs: Infinity, pin: false };
    this.#live.set(workers.name, entry);
  }

  #all(): UpstreamServer[] {
    return [...[...this.#live.values()].map(({ server }) => server), ...this.#retiring];
  }

  async #retire(name: string, server: UpstreamServer): Promise<void> {
    const { drainTimeoutMs, log, onRetired } = this.#options;
    this.#retiring.add(server);
    onRetired(name);
    try {
      await server.drain(drainTimeoutMs);
    } catch (error) {
      log.warn({ server: name, err: error }, 'a server that was left could not be ended in order');
    } finally {
      this.#retiring.delete(server);
    }
  }
}
