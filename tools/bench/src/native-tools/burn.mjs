import { defineTool } from '@mcp-bridge/tools';

/** Computes for some milliseconds in a worker thread. */
export default defineTool({
  name: 'burn',
  inputSchema: { type: 'object', properties: { ms: { type: 'number', maximum: 1_000 } }, required: ['ms'] },
  handler({ ms }) {
    const until = performance.now() + ms;
    let turns = 0;
    while (performance.now() < until) turns += 1;
    return { turns };
  },
});
