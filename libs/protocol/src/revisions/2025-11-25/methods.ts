import { methods as before } from '../2025-06-18/methods.js';
import type { RevisionMethods } from '../revision.js';

/** Either side may run a task here, so either side may be asked about one. */
const taskRequests = ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel'];

export const methods: RevisionMethods = {
  ...before,
  clientRequests: new Set([...before.clientRequests, ...taskRequests]),
  clientNotifications: new Set([...before.clientNotifications, 'notifications/tasks/status']),
  serverRequests: new Set([...before.serverRequests, ...taskRequests]),
  serverNotifications: new Set([
    ...before.serverNotifications,
    'notifications/elicitation/complete',
    'notifications/tasks/status',
  ]),
};
