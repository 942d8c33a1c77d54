import type {
  handleUnaryCall,
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import type {
  CallOutcome,
  CallRequest as ApiCall,
  CallResponse,
  CallStreamResponse,
  RouterServiceServer,
  Server,
  Tool,
} from '../gen/mcp_bridge/router/v1/router.js';
import type { CallHandler, CallSink, Principal } from '../link.js';
import { type InternalCall, runCall, toRouterCall } from './internal-call.js';
import type { RawResponse } from './raw-response.js';
import { checkRequestLimit } from './request-limit.js';
import { toStatus } from './status.js';

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_BATCH = 1_000;
/** As bytes: it is looked for in every result. */
const IS_ERROR_KEY = Buffer.from('"isError"');

/** The state of one configured server. */
export type ServerState = Server;

interface RouterServiceOptions {
  readonly handler: CallHandler;
  readonly servers: () => readonly ServerState[];
  /** Longest params of a call, and longest results of a response. */
  readonly maxMessageBytes: number;
}

/** The implementation of `RouterService`, its method `Call` as `rawCallMethod` wants it. */
export interface RawRouterService extends UntypedServiceImplementation {
  readonly call: handleUnaryCall<ApiCall, RawResponse>;
  readonly callStream: RouterServiceServer['callStream'];
  readonly callBatch: RouterServiceServer['callBatch'];
  readonly listTools: RouterServiceServer['listTools'];
  readonly listServers: RouterServiceServer['listServers'];
}

/** Every call goes the way that a stateless client's would. */
export function createRouterService(options: RouterServiceOptions): RawRouterService {
  const { servers } = options;
  return {
    call: (call, reply) => callOne(options, call, reply),
    callStream: (stream) => void streamTool(options, stream),
    callBatch: unary(async (call, onCancel) => {
      const { calls } = call.request;
      if (calls.length > MAX_BATCH) {
        throw new BridgeError(
          'PAYLOAD_TOO_LARGE',
          `A batch holds at most ${MAX_BATCH} calls, not ${calls.length}`,
        );
      }
      const timeoutMs = timeoutOf(call);
      const room = { bytes: options.maxMessageBytes };
      return {
        outcomes: await Promise.all(
          calls.map((one) => outcomeOf(callTool(options, one, timeoutMs, onCancel, room))),
        ),
      };
    }),
    listTools: unary((call, onCancel) => {
      const { caller, view, cursor } = call.request;
      return listTools(
        options,
        {
          method: 'tools/list',
          principal: principalOf(caller),
          view,
          tool: '',
          argumentsJson: '',
          cursor,
          timeoutMs: timeoutOf(call),
          traceparent: '',
          progress: false,
          logLevel: '',
        },
        onCancel,
      );
    }),
    listServers: unary(() => Promise.resolve({ servers: [...servers()] })),
  };
}

/** The way of nearly all calls: no promise, and one object. */
function callOne(
  { handler, maxMessageBytes }: RouterServiceOptions,
  call: ServerUnaryCall<ApiCall, RawResponse>,
  reply: sendUnaryData<RawResponse>,
): void {
  try {
    checkRequestLimit(call.request);
    const request = toRouterCall(toolCall(call.request, timeoutOf(call)), maxMessageBytes);
    const sink = new SingleReply(reply, maxMessageBytes);
    const handle = handler.call(request, sink);
    // Cheap tools have answered by now, and nobody has to listen for who gives up waiting.
    if (!sink.answered) call.on('cancelled', () => handle.cancel('client'));
  } catch (error) {
    reply(toStatus(BridgeError.from(error)));
  }
}

class SingleReply implements CallSink {
  answered = false;
  readonly #reply: sendUnaryData<RawResponse>;
  readonly #maxBytes: number;

  constructor(reply: sendUnaryData<RawResponse>, maxBytes: number) {
    this.#reply = reply;
    this.#maxBytes = maxBytes;
  }

  onMessage(): void {
    // A unary call has no place for progress and log messages.
  }

  onResult(result: Buffer): void {
    if (result.length > this.#maxBytes) this.onError(tooLong());
    else {
      this.answered = true;
      this.#reply(null, { result, isError: saysError(result) });
    }
  }

  onError(error: BridgeError): void {
    this.answered = true;
    this.#reply(toStatus(error));
  }
}

type OnCancel = (cancel: () => void) => void;

/** A handler whose promise becomes the reply, and whose caller's leaving cancels what it has begun. */
function unary<Request extends object, Response>(
  work: (call: ServerUnaryCall<Request, Response>, onCancel: OnCancel) => Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>): void => {
    const cancels: (() => void)[] = [];
    call.on('cancelled', () => {
      for (const cancel of cancels) cancel();
    });
    const begin = async (): Promise<Response> => {
      checkRequestLimit(call.request);
      return work(call, (cancel) => cancels.push(cancel));
    };
    begin().then(
      (response) => reply(null, response),
      (error: unknown) => reply(toStatus(BridgeError.from(error))),
    );
  };
}

/** How much a response may still take. */
interface Room {
  bytes: number;
}

async function callTool(
  { handler, maxMessageBytes }: RouterServiceOptions,
  call: ApiCall,
  timeoutMs: number,
  onCancel: OnCancel,
  room: Room = { bytes: maxMessageBytes },
): Promise<CallResponse> {
  const request = toRouterCall(toolCall(call, timeoutMs), maxMessageBytes);
  return toResponse(await runCall(handler, request, { onCancel }), room);
}

async function streamTool(
  { handler, maxMessageBytes }: RouterServiceOptions,
  stream: ServerWritableStream<{ call?: ApiCall | undefined; logLevel: string }, CallStreamResponse>,
): Promise<void> {
  try {
    checkRequestLimit(stream.request);
    const { call, logLevel } = stream.request;
    if (call === undefined) throw new BridgeError('INVALID_PARAMS', 'call is missing');
    const request = toolCall(call, timeoutOf(stream), true, logLevel);
    const result = await runCall(handler, toRouterCall(request, maxMessageBytes), {
      onMessage: (message) => {
        const event = toEvent(message);
        if (event !== undefined) stream.write({ event });
      },
      onCancel: (cancel) => stream.on('cancelled', cancel),
    });
    stream.write({ event: { $case: 'result', value: toResponse(result, { bytes: maxMessageBytes }) } });
    stream.end();
  } catch (error) {
    stream.emit('error', toStatus(BridgeError.from(error)));
  }
}

async function listTools(
  { handler, maxMessageBytes }: RouterServiceOptions,
  call: InternalCall,
  onCancel: OnCancel,
): Promise<{ tools: Tool[]; nextCursor: string }> {
  const result = await runCall(handler, toRouterCall(call, maxMessageBytes), { onCancel });
  // Made by the router's own catalog.
  const page = JSON.parse(result.toString('utf8')) as { tools: Definition[]; nextCursor?: string };
  return {
    tools: page.tools.map((tool) => ({
      name: tool.name,
      title: tool.title ?? '',
      description: tool.description ?? '',
      definitionJson: JSON.stringify(tool),
    })),
    nextCursor: page.nextCursor ?? '',
  };
}

interface Definition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
}

/** @throws {BridgeError} INVALID_PARAMS when no tool is named */
function toolCall(call: ApiCall, timeoutMs: number, progress = false, logLevel = ''): InternalCall {
  if (call.tool === '') throw new BridgeError('INVALID_PARAMS', 'tool is missing: name the tool to call');
  return {
    method: 'tools/call',
    principal: principalOf(call.caller),
    view: call.view,
    tool: call.tool,
    argumentsJson: call.argumentsJson,
    cursor: '',
    timeoutMs,
    traceparent: call.traceparent,
    progress,
    logLevel,
  };
}

function principalOf(caller: ApiCall['caller']): Principal {
  return { tenant: caller?.tenant || 'default', id: caller?.principal || 'service' };
}

function timeoutOf(call: { getDeadline(): Date | number }): number {
  const deadline = Number(call.getDeadline());
  return deadline === Infinity ? DEFAULT_TIMEOUT_MS : Math.max(1, Math.ceil(deadline - Date.now()));
}

/** @throws {BridgeError} PAYLOAD_TOO_LARGE when there is no room for it */
function toResponse(result: Buffer, room: Room): CallResponse {
  room.bytes -= result.length;
  if (room.bytes < 0) throw tooLong();
  return { resultJson: result.toString('utf8'), isError: saysError(result) };
}

function tooLong(): BridgeError {
  const message = 'The tool ran, but what the response holds is longer than router.maxMessageBytes';
  return new BridgeError('PAYLOAD_TOO_LARGE', message);
}

/** Most results never say so; only those that do are looked into. */
function saysError(result: Buffer): boolean {
  if (!result.includes(IS_ERROR_KEY)) return false;
  return (JSON.parse(result.toString('utf8')) as { isError?: unknown }).isError === true;
}

async function outcomeOf(call: Promise<CallResponse>): Promise<CallOutcome> {
  try {
    return { outcome: { $case: 'result', value: await call } };
  } catch (thrown) {
    const error = BridgeError.from(thrown);
    const value = {
      code: error.rpcCode,
      reason: error.code,
      message: error.message,
      dataJson: error.data ?? '',
    };
    return { outcome: { $case: 'error', value } };
  }
}

function toEvent(message: Buffer): CallStreamResponse['event'] {
  const { method, params, bytes } = scanEnvelope(message);
  if (params.start < 0) return undefined;
  // Notifications of the router, whose shapes the specification gives; every field is checked.
  const fields = JSON.parse(bytes.toString('utf8', params.start, params.end)) as Record<string, unknown>;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  if (method === 'notifications/progress') {
    const { progress, total } = fields;
    const known = typeof total === 'number' ? { total } : {};
    return {
      $case: 'progress',
      value: {
        progress: typeof progress === 'number' ? progress : 0,
        message: text(fields['message']),
        ...known,
      },
    };
  }
  if (method !== 'notifications/message') return undefined;
  const dataJson = JSON.stringify(fields['data'] ?? null);
  return { $case: 'log', value: { level: text(fields['level']), logger: text(fields['logger']), dataJson } };
}
