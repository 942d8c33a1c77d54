import { revision as before } from '../2025-03-26/revision.js';
import type { Revision } from '../revision.js';
import { methods } from './methods.js';

export const revision: Revision = {
  ...before,
  version: '2025-06-18',
  batches: false,
  versionHeader: 'after-initialize',
  structuredContent: 'object',
  elicitationModes: ['form'],
  methods,
};
