import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { MessagePort } from 'node:worker_threads';
import { keepSource } from './kept-source.js';
import { loadTool, messageOf } from './load-tool.js';
import type { LoadedTool } from './load-tool.js';
import { replyText } from './reply-text.js';
import { runCalls } from './run-calls.js';
import { digestOf } from './source-digest.js';
import type { FromWorker, ToWorker, WorkerTask } from './worker-messages.js';

const LESS_URGENT = 19;

// The standard output of the process may carry MCP itself: what tools print goes to standard error.
process.stdout.write = process.stderr.write.bind(process.stderr);

// On Linux this is the calling thread alone: where cores are scarce the event loop goes first.
if (process.platform === 'linux') setPriority(LESS_URGENT);

/** The version of each file that was loaded last. */
const tools = new Map<string, { readonly url: string; readonly loading: Promise<LoadedTool | undefined> }>();
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
    if (tool === undefined) {
      say(port, { kind: 'changed' });
      return;
    }
    const results = await runCalls(tool, calls, controllers, whole, (index, method, params) =>
      say(port, { kind: 'tell', index, method, params }),
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

/**
 * Undefined when the file holds another version by now, or one that does not load: then the text of the version that
 * is wanted has to come along.
 */
async function load(task: WorkerTask): Promise<LoadedTool | undefined> {
  const { url, source } = task;
  const file = fileURLToPath(url);
  const known = tools.get(file);
  if (known?.url === url) return known.loading;
  const loading = source === undefined ? loadFromFile(task, file) : loadKept(task, source);
  tools.set(file, { url, loading });
  const loaded = await loading.catch((error: unknown) => {
    if (tools.get(file)?.loading === loading) tools.delete(file);
    throw error;
  });
  if (loaded === undefined && tools.get(file)?.loading === loading) tools.delete(file);
  return loaded;
}

async function loadFromFile(
  { url, digest, loadTimeoutMs }: WorkerTask,
  file: string,
): Promise<LoadedTool | undefined> {
  try {
    if (digestOf(await readFile(file, 'utf8')) !== digest) return undefined;
    return await loadTool(url, loadTimeoutMs);
  } catch {
    // It did load on the event loop: its file may be changing at this moment.
    return undefined;
  }
}

function loadKept({ url, loadTimeoutMs }: WorkerTask, source: string): Promise<LoadedTool> {
  // Node does not try a URL again that failed.
  const kept = `${url}&kept`;
  keepSource(kept, source);
  return loadTool(kept, loadTimeoutMs);
}

function say(port: MessagePort, message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
