import { defineTool } from '@mcp-bridge/tools';
import { processBatch } from './process-batch.mjs';

/** process_batch without batching, to compare with. */
export default defineTool({ ...processBatch, name: 'process_one_by_one' });
