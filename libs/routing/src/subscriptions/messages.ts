import { notificationMessage } from '@mcp-bridge/protocol';
import { META } from '../adapt/era.js';
import type { ListKind } from './event-bus.js';

/** The unsolicited notification of the 2025 era. */
export function listChangedMessage(kind: ListKind): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","method":"notifications/${kind}/list_changed"}`);
}

/** The update of a subscribed resource in the 2025 era. */
export function resourceUpdatedMessage(uri: string): Buffer {
  return notificationMessage('notifications/resources/updated', Buffer.from(JSON.stringify({ uri })));
}

/**
 * A message on a `subscriptions/listen` stream, tagged for the listener (requirement 37).
 * @param subscriptionId - raw JSON of the listen request's id
 * @param members - further raw members of params
 */
export function listenMessage(method: string, subscriptionId: string, members = ''): Buffer {
  const rest = members === '' ? '' : `,${members}`;
  return notificationMessage(
    method,
    Buffer.from(`{"_meta":{"${META.subscriptionId}":${subscriptionId}}${rest}}`),
  );
}

/** The reply that ends a listen stream in order (requirement 38). */
export function listenResult(subscriptionId: string): Buffer {
  return Buffer.from(`{"resultType":"complete","_meta":{"${META.subscriptionId}":${subscriptionId}}}`);
}
