export { createBatchPolicy } from './batch-policy.js';
export type { Batch, BatchPolicy, BatchPolicyOptions } from './batch-policy.js';
