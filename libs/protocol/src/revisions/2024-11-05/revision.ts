import type { Revision } from '../revision.js';
import { methods } from './methods.js';

export const revision: Revision = {
  version: '2024-11-05',
  era: 'legacy',
  httpTransport: 'sse',
  batches: false,
  versionHeader: 'never',
  sessions: false,
  resumable: false,
  streamPolling: false,
  closeCancels: false,
  resultType: false,
  structuredContent: 'none',
  elicitationModes: [],
  samplingTools: false,
  tasks: 'none',
  resourceNotFound: 'RESOURCE_NOT_FOUND',
  methods,
};
