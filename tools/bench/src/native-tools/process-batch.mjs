import { setTimeout as pause } from 'node:timers/promises';
import { defineTool } from '@mcp-bridge/tools';

/** What one trip to the store costs, however many items go along. */
const TRIP_MS = 5;

async function store(items) {
  await pause(TRIP_MS);
  return items.map((item) => ({ stored: item.length }));
}

/** Stores items in bulk: a trip for many costs what a trip for one does. One trip at a time, as one connection has. */
export const processBatch = {
  name: 'process_batch',
  title: 'Process an item',
  description: 'Stores an item; items that come together are stored together',
  inputSchema: {
    type: 'object',
    properties: { item: { type: 'string', maxLength: 1_000 } },
    required: ['item'],
    additionalProperties: false,
  },
  outputSchema: { type: 'object', properties: { stored: { type: 'integer' } }, required: ['stored'] },
  annotations: { idempotentHint: true, openWorldHint: false },
  cpu: false,
  concurrency: 1,
  handler: async ({ item }) => (await store([item]))[0],
};

export default defineTool({
  ...processBatch,
  handleBatch: (calls) => store(calls.map(({ args }) => args.item)),
  batch: { maxSize: 128, maxWaitMs: 20 },
});
