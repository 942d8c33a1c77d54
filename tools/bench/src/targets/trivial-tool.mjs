/**
 * The smallest native tool: returns its text. It runs on the router's event loop, as tools of microseconds should.
 */
export default {
  name: 'echo',
  description: 'Returns its text.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  annotations: { readOnlyHint: true },
  cpu: false,
  handler: ({ text }) => ({ content: [{ type: 'text', text }] }),
};
