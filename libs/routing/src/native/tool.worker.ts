import type { MessagePort } from 'node:worker_threads';
import { loadTool, messageOf } from './load-tool.js';
import type { LoadedTool } from './load-tool.js';
import { replyText } from './reply-text.js';
import { runCalls } from './run-calls.js';
import type { FromWorker, ToWorker, WorkerTask } from './worker-messages.js';

// The standard output of the process may carry MCP itself: what tools print goes to standard error.
process.stdout.write = process.stderr.write.bind(process.stderr);

const tools = new Map<string, Promise<LoadedTool>>();
const encoder = new TextEncoder();

/**
 * Runs the calls of one task. Never throws: an error object would lose its class on the way. What ends this worker
 * (an endless loop, exhausted memory, `process.exit`) is noticed from outside.
 */
export default async function run(task: WorkerTask): Promise<void> {
  const { calls, port } = task;
  const controllers = calls.map(() => new AbortController());
  const whole = new AbortController();
  port.on('message', ({ abort }: ToWorker) => {
    controllers[abort]?.abort();
    if (controllers.every(({ signal }) => signal.aborted)) whole.abort();
  });
  try {
    const tool = await load(task);
    const results = await runCalls(
      tool,
      calls,
      controllers.map(({ signal }) => signal),
      whole.signal,
      (index, method, params) => say(port, { kind: 'tell', index, method, params }),
    );
    const replies = results.map((result) => encoder.encode(replyText(result)));
    say(
      port,
      { kind: 'replies', replies },
      // Made by the encoder a moment ago: never a SharedArrayBuffer.
      replies.map((reply) => reply.buffer as ArrayBuffer),
    );
  } catch (error) {
    say(port, { kind: 'load-failed', reason: messageOf(error) });
  } finally {
    port.close();
  }
}

function load({ url, loadTimeoutMs }: WorkerTask): Promise<LoadedTool> {
  const known = tools.get(url);
  if (known !== undefined) return known;
  const loading = loadTool(url, loadTimeoutMs);
  tools.set(url, loading);
  loading.catch(() => tools.delete(url));
  return loading;
}

function say(port: MessagePort, message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
