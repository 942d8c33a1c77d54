import { defineTool } from '@mcp-bridge/tools';

export default defineTool({
  name: 'word_count',
  title: 'Count words',
  description: 'Counts the words and lines of a text',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', description: 'Any text' } },
    required: ['text'],
  },
  outputSchema: {
    type: 'object',
    properties: { words: { type: 'integer' }, lines: { type: 'integer' } },
    required: ['words', 'lines'],
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  // A few microseconds: not worth the way to a worker thread.
  cpu: false,
  handler: ({ text }) => ({
    words: text.split(/\s+/).filter((word) => word !== '').length,
    lines: text === '' ? 0 : text.split('\n').length,
  }),
});
