import type { RevisionMethods } from '../revision.js';

export const methods: RevisionMethods = {
  clientRequests: new Set([
    'initialize',
    'ping',
    'completion/complete',
    'logging/setLevel',
    'prompts/get',
    'prompts/list',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/subscribe',
    'resources/unsubscribe',
    'tools/call',
    'tools/list',
  ]),
  clientNotifications: new Set([
    'notifications/cancelled',
    'notifications/progress',
    'notifications/initialized',
    'notifications/roots/list_changed',
  ]),
  serverRequests: new Set(['ping', 'sampling/createMessage', 'roots/list']),
  serverNotifications: new Set([
    'notifications/cancelled',
    'notifications/progress',
    'notifications/message',
    'notifications/resources/updated',
    'notifications/resources/list_changed',
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
  ]),
  extensionRequests: new Set(),
  cacheable: new Set(),
  inputRequired: new Set(),
};
