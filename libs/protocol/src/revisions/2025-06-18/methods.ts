import { methods as before } from '../2025-03-26/methods.js';
import type { RevisionMethods } from '../revision.js';

export const methods: RevisionMethods = {
  ...before,
  serverRequests: new Set([...before.serverRequests, 'elicitation/create']),
};
