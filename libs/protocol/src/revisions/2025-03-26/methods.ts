import { methods as before } from '../2024-11-05/methods.js';
import type { RevisionMethods } from '../revision.js';

export const methods: RevisionMethods = before;
