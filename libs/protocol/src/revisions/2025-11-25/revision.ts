import { revision as before } from '../2025-06-18/revision.js';
import type { Revision } from '../revision.js';
import { methods } from './methods.js';

export const revision: Revision = {
  ...before,
  version: '2025-11-25',
  streamPolling: true,
  elicitationModes: ['form', 'url'],
  samplingTools: true,
  tasks: 'core',
  methods,
};
