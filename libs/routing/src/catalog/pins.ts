import type { Metrics } from '@mcp-bridge/metrics';
import type { Logger, PinConfig } from '@mcp-bridge/service';
import { BridgeError } from '@mcp-bridge/protocol';
import type { Definition, ListBody } from './definitions.js';
import { pinDigest } from './pin-digest.js';

export interface PinsOptions {
  /** What the configuration says of a server now. */
  readonly pinOf: (server: string) => PinConfig;
  readonly log: Logger;
  readonly metrics?: Metrics | undefined;
}

interface PinnedServer {
  /** Tool → digest of the definition that is accepted. */
  readonly accepted: Map<string, string>;
  /** Tool → digest of the definition that is not. */
  readonly blocked: Map<string, string>;
}

/** What is known of a pinned server, for `/debug/state`. */
export interface PinStatus {
  readonly accepted: Readonly<Record<string, string>>;
  readonly blocked: Readonly<Record<string, string>>;
}

const REASON = 'its definition changed (servers.*.pin); look at it, then reload the configuration';

/**
 * Holds the tools of pinned servers to the definitions that were accepted: those in the configuration, else those
 * that were seen first. A tool whose definition is another one is kept from clients until the operator reloads.
 */
export class Pins {
  readonly #options: PinsOptions;
  readonly #servers = new Map<string, PinnedServer>();

  constructor(options: PinsOptions) {
    this.#options = options;
  }

  holds(server: string): boolean {
    return this.#options.pinOf(server) !== false;
  }

  /** The list as clients may see it. */
  screen(body: ListBody): ListBody {
    const pin = this.#options.pinOf(body.server);
    if (pin === false || body.kind !== 'tools') return body;
    const { accepted, blocked } = this.#of(body.server);
    const changed: string[] = [];
    for (const tool of body.definitions) {
      const digest = pinDigest(tool.raw);
      const expected = (pin === true ? undefined : pin[tool.key]) ?? accepted.get(tool.key) ?? digest;
      accepted.set(tool.key, expected);
      if (digest !== expected) changed.push(this.#block(body.server, blocked, tool, expected, digest));
      else blocked.delete(tool.key);
    }
    return changed.length === 0 ? body : without(body, new Set(changed));
  }

  /** From now on what a server lists next is what is accepted. */
  accept(server: string): void {
    const known = this.#servers.get(server);
    known?.accepted.clear();
    known?.blocked.clear();
  }

  statusOf(server: string): PinStatus | undefined {
    const known = this.holds(server) ? this.#servers.get(server) : undefined;
    if (known === undefined) return undefined;
    return { accepted: Object.fromEntries(known.accepted), blocked: Object.fromEntries(known.blocked) };
  }

  #of(server: string): PinnedServer {
    let known = this.#servers.get(server);
    if (known === undefined) {
      const blocked = new Map<string, string>();
      known = { accepted: new Map(), blocked };
      this.#servers.set(server, known);
      this.#options.metrics?.toolsBlocked.track({ server }, () => blocked.size);
    }
    return known;
  }

  #block(
    server: string,
    blocked: Map<string, string>,
    { key: tool }: Definition,
    was: string,
    is: string,
  ): string {
    if (blocked.get(tool) !== is) {
      blocked.set(tool, is);
      const text = 'a definition changed: the tool is blocked until the configuration is reloaded';
      this.#options.log.error({ server, tool, was, is }, text);
    }
    return tool;
  }
}

/** @throws {BridgeError} DENIED when the list that the caller sees leaves the tool out for its changed definition */
export function requireUnblocked(body: ListBody, tool: string): void {
  if (!body.blocked.has(tool)) return;
  throw new BridgeError('DENIED', `Tool "${tool}" of server "${body.server}" is blocked: ${REASON}`);
}

function without(body: ListBody, blocked: ReadonlySet<string>): ListBody {
  const definitions = body.definitions.filter(({ key }) => !blocked.has(key));
  return {
    ...body,
    // Another list than the whole one.
    id: `${body.id}!${[...blocked].join('!')}`,
    definitions,
    byKey: new Map(definitions.map((definition) => [definition.key, definition])),
    excluded: [...body.excluded, ...[...blocked].map((key) => ({ key, reason: REASON }))],
    blocked,
  };
}
