import type { Message } from '../../corpus/message.js';
import type { MutatedMessage } from '../../corpus/mutated.js';
import type { Due } from './ledger.js';

const NOTHING: Due = { kind: 'nothing' };

/** What must come back for a message, by what can be read of it. */
export function dueOf(message: Message, { bytes, how }: MutatedMessage, maxBytes: number): Due {
  if (bytes.length > maxBytes) return NOTHING;
  const text = bytes.toString('utf8');
  // Blank lines are no messages.
  if (text.trim() === '') return NOTHING;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'error' };
  }
  const isValid = how === '';
  if (Array.isArray(value)) {
    const cancelled = value.map(cancelledIdOf);
    const id = value.map(requestIdOf).find((found) => found !== undefined && !cancelled.includes(found));
    return isValid && id !== undefined ? { kind: 'own-or-error', id } : NOTHING;
  }
  const id = requestIdOf(value);
  if (id === undefined || message.endless || text.includes('subscriptions')) return NOTHING;
  return { kind: isValid ? 'own' : 'own-or-error', id };
}

/** The id, as JSON, of the request that a notification cancels. */
function cancelledIdOf(value: unknown): string | undefined {
  // Any object can be read as a record, and a missing one.
  const { method, params } = (value ?? {}) as Record<string, unknown>;
  if (method !== 'notifications/cancelled') return undefined;
  const id = (params as Record<string, unknown> | null | undefined)?.['requestId'];
  // Anything else is no id, and may be nested deeper than can be written.
  return typeof id === 'string' || typeof id === 'number' ? JSON.stringify(id) : undefined;
}

/** The id of a request, as JSON. */
function requestIdOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Any object can be read as a record.
  const { id, method } = value as Record<string, unknown>;
  if (typeof method !== 'string') return undefined;
  if (typeof id !== 'string' && !(typeof id === 'number' && Number.isSafeInteger(id))) return undefined;
  // MessagePack has no half surrogate pairs.
  return typeof id === 'string' && /\p{Surrogate}/u.test(id) ? undefined : JSON.stringify(id);
}
