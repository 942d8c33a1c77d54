import type { RevisionMethods } from '../revision.js';

export const methods: RevisionMethods = {
  clientRequests: new Set([
    'server/discover',
    'completion/complete',
    'prompts/get',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'subscriptions/listen',
    'tools/call',
    'tools/list',
  ]),
  clientNotifications: new Set(['notifications/cancelled']),
  serverRequests: new Set(),
  serverNotifications: new Set([
    'notifications/cancelled',
    'notifications/progress',
    'notifications/message',
    'notifications/resources/updated',
    'notifications/resources/list_changed',
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
    'notifications/subscriptions/acknowledged',
  ]),
  extensionRequests: new Set(['tasks/get', 'tasks/update', 'tasks/cancel']),
  cacheable: new Set([
    'server/discover',
    'tools/list',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
  ]),
  inputRequired: new Set(['tools/call', 'prompts/get', 'resources/read']),
};
