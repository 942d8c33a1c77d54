// The raw limit of native tools: uWebSockets.js calls the handlers of the modules that the arguments name, on its only
// thread, and writes what they return as a bridge would. No check of anything.
import uWS from 'uWebSockets.js';
import { announcePort } from './announce.js';

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
  let isGone = false;
  res.onAborted(() => {
    isGone = true;
  });
  let body = Buffer.alloc(0);
  res.onData((chunk, isLast) => {
    // The chunk is only valid during this call.
    body = Buffer.concat([body, Buffer.from(chunk)]);
    if (!isLast) return;
    // Whoever asks is one of ours.
    const { id, params } = JSON.parse(body.toString()) as {
      id: unknown;
      params: { name: string; arguments: unknown };
    };
    void answer(params).then((result) => {
      if (isGone) return;
      const reply = JSON.stringify({ jsonrpc: '2.0', id, result });
      res.cork(() => res.writeHeader('content-type', 'application/json').end(reply));
    });
  });
});

async function answer(params: { name: string; arguments: unknown }): Promise<unknown> {
  try {
    const structuredContent = await tools.get(params.name)?.handler(params.arguments, context);
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
  } catch (error) {
    return { content: [{ type: 'text', text: String(error) }], isError: true };
  }
}

app.listen('127.0.0.1', 0, (socket) => announcePort(socket === false ? 0 : uWS.us_socket_local_port(socket)));
