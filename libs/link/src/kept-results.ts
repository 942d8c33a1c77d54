import { LRUCache } from 'lru-cache';
import type { CallRequest, KeepResult } from './link.js';

/** Results kept of one router. */
const MAX_BYTES = 16 * 1024 * 1024;
/** What a result costs besides its bytes. */
const OVERHEAD_BYTES = 512;
/** Legacy sessions of which is remembered whether they may be given what is kept; others ask once more. */
const MAX_SESSIONS = 50_000;
/** In place of a time: this session asks each time. */
const NEVER = 0;

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
 * were made for, and for those of its sessions that the router gave one to. What the router calls stale is gone before
 * anything that it sends after that.
 */
export class KeptResults {
  readonly #results = new LRUCache<string, KeptResult>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ result }) => result.length + OVERHEAD_BYTES,
  });
  /** Until when each session may be given what is kept, in monotonic milliseconds. */
  readonly #sessions = new LRUCache<string, number>({ max: MAX_SESSIONS });
  #epoch = 0;

  find(request: CallRequest, clock: { now(): number }): Buffer | undefined {
    if (!isKeepable(request)) return undefined;
    // Not `get`, which would count the use: a tenth of the request. What is kept is kept anew within minutes anyway.
    const kept = this.#results.peek(keyOf(request));
    if (kept === undefined) return undefined;
    const now = clock.now();
    if (now >= kept.expiresAt) return undefined;
    if (request.session !== '' && now >= (this.#sessions.peek(request.session) ?? NEVER)) return undefined;
    return kept.result;
  }

  /** A large result may arrive after the notice that it is stale: then it is of an earlier epoch. */
  keep(request: CallRequest, result: Buffer, { forMs, epoch }: KeepResult, now: number): void {
    if (epoch < this.#epoch || !isKeepable(request)) return;
    const expiresAt = now + forMs;
    this.#results.set(keyOf(request), { result, expiresAt });
    const { session } = request;
    if (session !== '' && this.#sessions.get(session) !== NEVER) this.#sessions.set(session, expiresAt);
  }

  /** Nothing of an epoch before this one may be given any more. */
  stale(epoch: number): void {
    this.#epoch = epoch;
    this.#results.clear();
  }

  /** This session may not be given what is kept any more, whatever is still on its way. */
  sessionStale(session: string): void {
    this.#sessions.set(session, NEVER);
  }
}

/** Whether nothing but what is in the key, and the session, can make a difference to the result: no cursor. */
function isKeepable({ method, name, params, spans }: CallRequest): boolean {
  if (name !== '' || !KEPT_METHODS.has(method)) return false;
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
