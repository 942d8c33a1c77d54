import { type CallOptions, type Client, Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { BridgeError, ERRORS } from '@mcp-bridge/protocol';
import { channelCredentials, checkCredential, type LinkCredential } from '../credential.js';
import {
  type CallOutcome,
  type CallStreamResponse,
  RouterServiceClient,
  type Server,
  type Tool,
} from '../gen/mcp_bridge/router/v1/router.js';
import { isErrorCode } from './error-details.js';
import { fromStatus } from './status.js';

export interface RouterClientOptions {
  /** `host:port` of a router. */
  readonly address: string;
  /** What the router asks of its peers; none on loopback. */
  readonly credential?: LinkCredential;
  /** Whom this service acts for unless a call says otherwise; default tenant `default`, principal `service`. */
  readonly caller?: RouterCaller;
  /** Limit of a call that names none, in milliseconds; default 60 000. */
  readonly timeoutMs?: number;
}

export interface RouterCaller {
  readonly tenant?: string;
  readonly principal?: string;
}

export interface ToolCall {
  /** `server__tool` in the default view. */
  readonly tool: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** A view, or a server's name; the default view otherwise. */
  readonly view?: string;
  readonly caller?: RouterCaller;
}

export interface ToolCallOptions {
  readonly timeoutMs?: number;
  /** Cancels the call at the router and upstream. */
  readonly signal?: AbortSignal;
}

/** The MCP result of a tool. */
export interface ToolResult {
  readonly content: readonly Readonly<Record<string, unknown>>[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly [key: string]: unknown;
}

export type ToolEvent =
  | {
      readonly type: 'progress';
      readonly progress: number;
      readonly total?: number;
      readonly message: string;
    }
  | { readonly type: 'log'; readonly level: string; readonly logger: string; readonly data: unknown }
  | { readonly type: 'result'; readonly result: ToolResult };

/** What became of one call of a batch. */
export type BatchOutcome = { readonly result: ToolResult } | { readonly error: BridgeError };

/** A typed client of a router's API. Never retries: a tool call may have side effects. */
export interface RouterClient extends AsyncDisposable {
  /** @throws {BridgeError} with the code that the router gave; OUTCOME_UNKNOWN when the connection broke */
  call(call: ToolCall, options?: ToolCallOptions): Promise<ToolResult>;
  /** Progress and log messages (from `logLevel` up) as they come, then the result. */
  stream(
    call: ToolCall,
    options?: ToolCallOptions & { readonly logLevel?: string },
  ): AsyncIterable<ToolEvent>;
  /** Up to 1 000 calls side by side; outcomes in their order. */
  callBatch(calls: readonly ToolCall[], options?: ToolCallOptions): Promise<BatchOutcome[]>;
  /** Every tool of a view, all pages; `definition` is the MCP definition, parsed. */
  listTools(view?: string): Promise<{ readonly name: string; readonly definition: unknown }[]>;
  listServers(): Promise<Server[]>;
  close(): void;
}

/** Connects lazily; the channel heals by itself. */
export function createRouterClient(options: RouterClientOptions): RouterClient {
  checkCredential(options.credential);
  const serverName = options.credential?.tls?.serverName;
  const client = new RouterServiceClient(options.address, channelCredentials(options.credential ?? {}), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName }),
  });
  const metadata = new Metadata();
  const { token } = options.credential ?? {};
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const toApi = (call: ToolCall) => ({
    caller: {
      tenant: call.caller?.tenant ?? options.caller?.tenant ?? '',
      principal: call.caller?.principal ?? options.caller?.principal ?? '',
    },
    view: call.view ?? '',
    tool: call.tool,
    argumentsJson: call.arguments === undefined ? '' : JSON.stringify(call.arguments),
    traceparent: '',
  });
  const callOptions = (timeoutMs = options.timeoutMs ?? 60_000): CallOptions => ({
    deadline: Date.now() + timeoutMs,
  });
  const unary = <Request, Response>(
    method: (
      request: Request,
      metadata: Metadata,
      options: CallOptions,
      callback: (error: ServiceError | null, response: Response) => void,
    ) => { cancel(): void },
    request: Request,
    { timeoutMs, signal }: ToolCallOptions = {},
  ): Promise<Response> =>
    new Promise((resolve, reject: (error: BridgeError) => void) => {
      const abort = (): void => sent.cancel();
      const sent = method.call(client, request, metadata, callOptions(timeoutMs), (error, response) => {
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve(response);
        else reject(fromStatus(error));
      });
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });

  return {
    call: async (call, settings) => parseResult((await unary(client.call, toApi(call), settings)).resultJson),
    async *stream(call, settings = {}) {
      const request = { call: toApi(call), logLevel: settings.logLevel ?? '' };
      const events = client.callStream(request, metadata, callOptions(settings.timeoutMs));
      const abort = (): void => events.cancel();
      settings.signal?.addEventListener('abort', abort, { once: true });
      try {
        for await (const event of events) {
          // ts-proto made the stream; its chunks are of this type.
          const step = toToolEvent(event as CallStreamResponse);
          if (step !== undefined) yield step;
        }
      } catch (error) {
        throw error instanceof BridgeError ? error : fromStatus(error as ServiceError);
      } finally {
        settings.signal?.removeEventListener('abort', abort);
        events.cancel();
      }
    },
    async callBatch(calls, settings) {
      const { outcomes } = await unary(client.callBatch, { calls: calls.map(toApi) }, settings);
      return outcomes.map(toBatchOutcome);
    },
    async listTools(view = '') {
      const tools: Tool[] = [];
      let cursor = '';
      do {
        const page = await unary(client.listTools, { caller: toApi({ tool: '' }).caller, view, cursor });
        tools.push(...page.tools);
        cursor = page.nextCursor;
      } while (cursor !== '');
      return tools.map(({ name, definitionJson }) => ({
        name,
        definition: JSON.parse(definitionJson) as unknown,
      }));
    },
    listServers: async () => (await unary(client.listServers, {})).servers,
    close: () => (client as Client).close(),
    async [Symbol.asyncDispose]() {
      (client as Client).close();
    },
  };
}

function parseResult(json: string): ToolResult {
  // The router hands on what an MCP server answered; `content` is what every CallToolResult has.
  return JSON.parse(json) as ToolResult;
}

function toToolEvent({ event }: CallStreamResponse): ToolEvent | undefined {
  switch (event?.$case) {
    case 'progress': {
      const { progress, total, message } = event.value;
      return { type: 'progress', progress, message, ...(total === undefined ? {} : { total }) };
    }
    case 'log': {
      const { level, logger, dataJson } = event.value;
      return { type: 'log', level, logger, data: JSON.parse(dataJson) as unknown };
    }
    case 'result':
      return { type: 'result', result: parseResult(event.value.resultJson) };
    case undefined:
      return undefined;
  }
}

/** For a router that leaves one out. */
const NO_OUTCOME = {
  code: ERRORS.INTERNAL.rpc,
  reason: 'INTERNAL',
  message: 'The router said nothing of this call',
  dataJson: '',
};

function toBatchOutcome({ outcome }: CallOutcome): BatchOutcome {
  if (outcome?.$case === 'result') return { result: parseResult(outcome.value.resultJson) };
  const { code, reason, message, dataJson } = outcome?.value ?? NO_OUTCOME;
  return {
    error: new BridgeError(isErrorCode(reason) ? reason : 'INTERNAL', message, {
      rpcCode: code,
      ...(dataJson === '' ? {} : { data: dataJson }),
    }),
  };
}
