import type { FromSchema, JsonSchema } from './json-schema.js';
import type { ToolResult } from './tool-result.js';

/** Hints for clients (MCP 2026-07-28 server/tools); the bridge enforces none of them. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** RFC 5424 severities. */
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** Who calls: authenticated by the gateway, never chosen by the client's arguments. */
export interface ToolPrincipal {
  readonly tenant: string;
  readonly id: string;
}

/** What a handler knows of its call. */
export interface ToolContext {
  /** Aborted when the caller cancels or the deadline passes; a worker that goes on is ended a moment later. */
  readonly signal: AbortSignal;
  readonly principal: ToolPrincipal;
  /** Unique to this call, for the tool's own logs. */
  readonly callId: string;
  /** Tells the client how far the call is, if it asked. Must grow from call to call; what does not is dropped. */
  progress(progress: number, total?: number, message?: string): void;
  /** Sends a log message to the client, if it asked for that level. `data` is any JSON value. */
  log(level: LogLevel, data: unknown): void;
}

/** One of several calls that a batch handler answers together. */
export interface ToolCall<Input = unknown> extends ToolContext {
  readonly args: Input;
}

/** What a batch handler knows of the batch as a whole. */
export interface BatchContext {
  /** Aborted when every call of the batch is cancelled; each call has its own signal too. */
  readonly signal: AbortSignal;
}

/** When calls of a tool with `handleBatch` wait for each other. A lone call never waits. */
export interface BatchOptions {
  /** Most calls of one batch. */
  readonly maxSize: number;
  /** Longest wait for a batch that is in flight to end. */
  readonly maxWaitMs: number;
  /** Lets calls of several tenants share a batch. Default false. */
  readonly acrossTenants?: boolean;
}

/** A native tool: what clients see of it, and the code that answers its calls. */
export interface ToolDefinition<
  Input extends JsonSchema = JsonSchema,
  Output extends JsonSchema = JsonSchema,
> {
  /** 1 to 128 characters of `A-Za-z0-9_.-`; clients see it as `tools__name`, or bare at `/mcp/tools`. */
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** Arguments that do not match never reach the handler. Its `type` is `object`. */
  readonly inputSchema: Input;
  /** Structured content that does not match never reaches the client. */
  readonly outputSchema?: Output;
  readonly annotations?: ToolAnnotations;
  /** True (default) runs the tool in a worker thread; false on the router's event loop: for cheap tools only. */
  readonly cpu?: boolean;
  /** Most calls (or batches) of this tool at once, over all callers; no limit of its own by default. */
  readonly concurrency?: number;
  /** Most time from the call's arrival; the caller's own deadline may be nearer. */
  readonly timeoutMs?: number;
  /** What it throws becomes a result with `isError` and the error's message. */
  handler(
    args: FromSchema<Input>,
    context: ToolContext,
  ): ToolResult<FromSchema<Output>> | Promise<ToolResult<FromSchema<Output>>>;
  /** Answers several calls at once: one entry a call, in their order; an `Error` fails that call alone. */
  handleBatch?(
    calls: readonly ToolCall<FromSchema<Input>>[],
    context: BatchContext,
  ): BatchResults<Output> | Promise<BatchResults<Output>>;
  readonly batch?: BatchOptions;
}

type BatchResults<Output> = readonly (ToolResult<FromSchema<Output>> | Error)[];
