import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
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
import type { CallHandler, Principal } from '../link.js';
import { type InternalCall, runCall, toRouterCall, toolMembers } from './internal-call.js';
import { checkRequestLimit } from './request-limit.js';
import { toStatus } from './status.js';

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_BATCH = 1_000;

/** The state of one configured server. */
export type ServerState = Server;

interface RouterServiceOptions {
  readonly handler: CallHandler;
  readonly servers: () => readonly ServerState[];
  /** Longest params of a call, and longest results of a response. */
  readonly maxMessageBytes: number;
}

/** Every call goes the way that a stateless client's would. */
export function createRouterService(options: RouterServiceOptions): RouterServiceServer {
  const { servers } = options;
  return {
    call: unary((call, onCancel) => callTool(options, call.request, timeoutOf(call), onCancel)),
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
      const members = cursor === '' ? '' : `"cursor":${JSON.stringify(cursor)}`;
      return listTools(
        options,
        { ...basis(caller, view, timeoutOf(call)), method: 'tools/list', members },
        onCancel,
      );
    }),
    listServers: unary(() => Promise.resolve({ servers: [...servers()] })),
  };
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
    const request = { ...toolCall(call, timeoutOf(stream)), progress: true, logLevel };
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

function toolCall(call: ApiCall, timeoutMs: number): InternalCall {
  const members = toolMembers(call.tool, call.argumentsJson);
  return {
    ...basis(call.caller, call.view, timeoutMs),
    method: 'tools/call',
    members,
    traceparent: call.traceparent,
  };
}

function basis(
  caller: { readonly tenant: string; readonly principal: string } | undefined,
  view: string,
  timeoutMs: number,
): Omit<InternalCall, 'method' | 'members'> {
  const principal: Principal = { tenant: caller?.tenant || 'default', id: caller?.principal || 'service' };
  return { principal, view, timeoutMs, traceparent: '', progress: false, logLevel: '' };
}

function timeoutOf(call: { getDeadline(): Date | number }): number {
  const left = Number(call.getDeadline()) - Date.now();
  return Number.isFinite(left) ? Math.max(1, Math.ceil(left)) : DEFAULT_TIMEOUT_MS;
}

/** @throws {BridgeError} PAYLOAD_TOO_LARGE when there is no room for it */
function toResponse(result: Buffer, room: Room): CallResponse {
  room.bytes -= result.length;
  if (room.bytes < 0) {
    throw new BridgeError(
      'PAYLOAD_TOO_LARGE',
      'The tool ran, but what the response holds is longer than router.maxMessageBytes',
    );
  }
  const resultJson = result.toString('utf8');
  // Most results never say so; only those that do are looked into.
  const isError =
    resultJson.includes('"isError"') && (JSON.parse(resultJson) as { isError?: unknown }).isError === true;
  return { resultJson, isError };
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
