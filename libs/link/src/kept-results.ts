import { LRUCache } from 'lru-cache';
import type { CallRequest, KeepResult } from './link.js';

/** Results kept of one router. */
const MAX_BYTES = 16 * 1024 * 1024;
/** What a result costs besides its bytes. */
const OVERHEAD_BYTES = 512;

const KEPT_METHODS: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'server/discover',
]);

interface KeptResult {
  readonly result: Buffer;
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
}

/**
 * Results that one router allowed to be given again: first pages of lists and descriptions, for the principal that they
 * were made for. What the router calls stale is gone before anything that it sends after that.
 */
export class KeptResults {
  readonly #results = new LRUCache<string, KeptResult>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ result }) => result.length + OVERHEAD_BYTES,
  });
  #epoch = 0;

  find(request: CallRequest, clock: { now(): number }): Buffer | undefined {
    if (!isKeepable(request)) return undefined;
    const kept = this.#results.get(keyOf(request));
    return kept !== undefined && clock.now() < kept.expiresAt ? kept.result : undefined;
  }

  /** A large result may arrive after the notice that it is stale: then it is of an earlier epoch. */
  keep(request: CallRequest, result: Buffer, { forMs, epoch }: KeepResult, now: number): void {
    if (epoch < this.#epoch || !isKeepable(request)) return;
    this.#results.set(keyOf(request), { result, expiresAt: now + forMs });
  }

  /** Nothing of an epoch before this one may be given any more. */
  stale(epoch: number): void {
    this.#epoch = epoch;
    this.#results.clear();
  }
}

/** Whether nothing but what is in the key can make a difference to the result: no cursor, no session. */
function isKeepable({ method, name, session, params, spans }: CallRequest): boolean {
  if (name !== '' || session !== '' || !KEPT_METHODS.has(method)) return false;
  return params.length === '{}'.length || isMetaAlone(params, spans.metaStart, spans.metaEnd);
}

/** `{"_meta":…}`, as clients write it that write no white space; others ask the router each time. */
function isMetaAlone(params: Buffer, metaStart: number, metaEnd: number): boolean {
  return metaStart === '{"_meta":'.length && metaEnd === params.length - 1;
}

/** Lengths in front, so that no choice of names makes two callers look like one. */
function keyOf({ method, view, protocolVersion, principal }: CallRequest): string {
  const { tenant, id } = principal;
  return `${method} ${protocolVersion} ${view.length}:${view} ${tenant.length}:${tenant} ${id}`;
}
