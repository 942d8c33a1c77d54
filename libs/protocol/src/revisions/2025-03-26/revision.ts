import { revision as before } from '../2024-11-05/revision.js';
import type { Revision } from '../revision.js';
import { methods } from './methods.js';

export const revision: Revision = {
  ...before,
  version: '2025-03-26',
  httpTransport: 'streamable',
  batches: true,
  sessions: true,
  resumable: true,
  methods,
};
