import type { Revision } from '../revision.js';
import { methods } from './methods.js';

export const revision: Revision = {
  version: '2026-07-28',
  era: 'modern',
  httpTransport: 'post-only',
  batches: false,
  versionHeader: 'always',
  sessions: false,
  resumable: false,
  streamPolling: false,
  closeCancels: true,
  resultType: true,
  structuredContent: 'any',
  elicitationModes: ['form', 'url'],
  samplingTools: true,
  tasks: 'extension',
  resourceNotFound: 'INVALID_PARAMS',
  methods,
};
