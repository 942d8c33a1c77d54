import type { LogLevel, ToolCall, ToolPrincipal } from '@mcp-bridge/tools';
import { passesLevel } from '../adapt/era.js';
import { messageOf } from './load-tool.js';
import type { LoadedTool } from './load-tool.js';
import { errorResult, resultOf } from './tool-result.js';

/** One call as it reaches the code that runs it, on the event loop or in a worker. */
export interface CallInput {
  readonly callId: string;
  /** Raw JSON of the request's params. */
  readonly params: Uint8Array;
  readonly principal: ToolPrincipal;
  readonly wantsProgress: boolean;
  /** Least severe level that the caller wants to hear, `''` for none. */
  readonly logLevel: string;
}

/** How a running call speaks: progress and log messages as raw JSON of the notification's params. */
export type Tell = (
  index: number,
  method: 'notifications/progress' | 'notifications/message',
  params: string,
) => void;

/**
 * Where a call's signal comes from: an `AbortController` makes it when it is first asked for. Most tools never ask, and
 * making one costs as much as a quarter of such a call.
 */
export interface SignalSource {
  readonly signal: AbortSignal;
}

/**
 * Runs one call, or several of a tool with `handleBatch`, and gives back the raw JSON of each result. Never throws:
 * arguments that do not match, a handler that throws and a result that breaks its schema are results with `isError`.
 *
 * @param sources - one a call
 */
export function runCalls(
  tool: LoadedTool,
  inputs: readonly CallInput[],
  sources: readonly SignalSource[],
  batchSource: SignalSource,
  tell: Tell,
): string[] | Promise<string[]> {
  const [only] = inputs;
  const [source] = sources;
  if (inputs.length === 1 && only !== undefined && source !== undefined && tool.batch === undefined)
    return runOne(tool, only, source, tell);
  return runBatch(tool, inputs, sources, batchSource, tell);
}

function runOne(
  tool: LoadedTool,
  input: CallInput,
  source: SignalSource,
  tell: Tell,
): string[] | Promise<string[]> {
  const call = callOf(tool, input, 0, source, tell);
  if (typeof call === 'string') return [call];
  try {
    // The arguments were checked against the schema that the handler's types come from.
    const value = tool.definition.handler(call.args, call);
    if (!isPromiseLike(value)) return [resultOf(tool, value)];
    return Promise.resolve(value).then(
      (settled) => [resultOf(tool, settled)],
      (error: unknown) => [errorResult(messageOf(error))],
    );
  } catch (error) {
    return [errorResult(messageOf(error))];
  }
}

async function runBatch(
  tool: LoadedTool,
  inputs: readonly CallInput[],
  sources: readonly SignalSource[],
  source: SignalSource,
  tell: Tell,
): Promise<string[]> {
  const calls = inputs.map((input, index) => callOf(tool, input, index, sources[index] ?? source, tell));
  const sound = calls.filter((call) => typeof call !== 'string');
  let answers: readonly unknown[];
  try {
    const returned: unknown =
      sound.length === 0
        ? []
        : await tool.definition.handleBatch?.(sound, {
            get signal() {
              return source.signal;
            },
          });
    if (!Array.isArray(returned) || returned.length !== sound.length) {
      const count = Array.isArray(returned) ? `${returned.length} entries` : 'no list';
      throw new Error(`Tool ${tool.name}: handleBatch returned ${count} for ${sound.length} calls`);
    }
    answers = returned;
  } catch (error) {
    answers = sound.map(() => (error instanceof Error ? error : new Error(messageOf(error))));
  }
  let next = 0;
  return calls.map((call) => (typeof call === 'string' ? call : resultOf(tool, answers[next++])));
}

/** The call as handlers see it, or the raw JSON of the error result that its arguments deserve. */
function callOf(
  tool: LoadedTool,
  input: CallInput,
  index: number,
  source: SignalSource,
  tell: Tell,
): ToolCall | string {
  const args = argumentsIn(input.params);
  const fault = tool.validateInput(args);
  if (fault !== undefined) return errorResult(`Invalid arguments for tool ${tool.name}: ${fault}`);
  return new RunningCall(tool, input, index, source, tell, args);
}

/**
 * What most handlers never ask for is made when it is asked for: handlers may take `progress` and `log` out of the call,
 * and two functions made for every call let nearly all that belongs to it survive its scavenge.
 */
class RunningCall implements ToolCall {
  readonly args: ToolCall['args'];
  readonly principal: ToolPrincipal;
  readonly callId: string;
  readonly #tool: LoadedTool;
  readonly #input: CallInput;
  readonly #index: number;
  readonly #source: SignalSource;
  readonly #tell: Tell;
  #lastProgress = -Infinity;

  constructor(
    tool: LoadedTool,
    input: CallInput,
    index: number,
    source: SignalSource,
    tell: Tell,
    args: ToolCall['args'],
  ) {
    this.args = args;
    this.principal = input.principal;
    this.callId = input.callId;
    this.#tool = tool;
    this.#input = input;
    this.#index = index;
    this.#source = source;
    this.#tell = tell;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }

  get progress(): ToolCall['progress'] {
    return (progress, total, message) => {
      if (!this.#input.wantsProgress || !(progress > this.#lastProgress)) return;
      this.#lastProgress = progress;
      // The token's place is overwritten with the client's own.
      const params = JSON.stringify({ progressToken: 0, progress, total, message });
      this.#tell(this.#index, 'notifications/progress', params);
    };
  }

  get log(): ToolCall['log'] {
    return (level: LogLevel, data) => {
      const { logLevel } = this.#input;
      if (logLevel === '' || !passesLevel(level, logLevel)) return;
      const params = JSON.stringify({ level, logger: this.#tool.name, data: data ?? null });
      this.#tell(this.#index, 'notifications/message', params);
    };
  }
}

function argumentsIn(params: Uint8Array): unknown {
  // A buffer that came to a worker is one no more.
  const bytes = Buffer.isBuffer(params)
    ? params
    : Buffer.from(params.buffer, params.byteOffset, params.byteLength);
  // The gateway validated the params as a JSON object.
  const parsed = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  return parsed['arguments'] ?? {};
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
