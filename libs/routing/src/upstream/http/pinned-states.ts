import { createHash } from 'node:crypto';
import { objectMembers } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { HttpEndpoint } from './http-endpoint.js';

const MAX_PINNED = 10_000;
/** Results that ask to come back name what to come back with in one of these members; so does the request then. */
const MEMBERS = ['requestState', 'taskId'];
const UNFINISHED = ['input_required', 'task'];

/**
 * Which URL of a modern server gave out a `requestState` or a task: the server may keep more of it than it tells,
 * so what continues there goes there. The oldest are forgotten beyond 10 000.
 */
export class PinnedStates {
  readonly #endpoints = new Map<string, HttpEndpoint>();

  learn(reply: Envelope, from: HttpEndpoint): void {
    if (!UNFINISHED.includes(reply.resultType ?? '')) return;
    for (const key of keysIn(reply.bytes, reply.result.start)) {
      this.#endpoints.delete(key);
      this.#endpoints.set(key, from);
    }
    for (const oldest of this.#endpoints.keys()) {
      if (this.#endpoints.size <= MAX_PINNED) break;
      this.#endpoints.delete(oldest);
    }
  }

  /** Where these params have to go; `undefined` when it does not matter. */
  of(params: Buffer): HttpEndpoint | undefined {
    if (this.#endpoints.size === 0) return undefined;
    for (const key of keysIn(params, 0)) {
      const endpoint = this.#endpoints.get(key);
      if (endpoint !== undefined) return endpoint;
    }
    return undefined;
  }
}

/** States can be long: what is kept is their digest. */
function keysIn(bytes: Buffer, start: number): string[] {
  return objectMembers(bytes, start)
    .filter(({ key }) => MEMBERS.includes(key))
    .map(({ key, value }) =>
      createHash('sha256').update(`${key}\0`).update(bytes.subarray(value.start, value.end)).digest('base64'),
    );
}
