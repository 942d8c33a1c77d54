// The raw limit of native tools: uWebSockets.js calls the handlers of the modules that the arguments name, on its only
// thread, and writes what they return as a bridge would. No check of anything.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';
import { answerJson } from './answer-json.js';

interface BareTool {
  readonly name: string;
  readonly handler: (args: unknown, context: unknown) => unknown;
}

const tools = new Map<string, BareTool>();
for (const path of process.argv.slice(2)) {
  // A module of ours, as an operator's are.
  const { default: tool } = (await import(path)) as { default: BareTool };
  tools.set(`tools__${tool.name}`, tool);
}

const context = { signal: new AbortController().signal, progress: () => {} };

const app = uWS.App().post('/*', (res) => {
  answerJson(res, (message, answer) => {
    // Whoever asks is one of ours.
    const { id, params } = message as { id: unknown; params: { name: string; arguments: unknown } };
    void resultOf(params).then((result) => answer(JSON.stringify({ jsonrpc: '2.0', id, result })));
  });
});

async function resultOf(params: { name: string; arguments: unknown }): Promise<unknown> {
  try {
    const structuredContent = await tools.get(params.name)?.handler(params.arguments, context);
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
  } catch (error) {
    return { content: [{ type: 'text', text: String(error) }], isError: true };
  }
}

app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
