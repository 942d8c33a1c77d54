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
import { toStatus } from './status.js';

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_BATCH = 1_000;

/** The state of one configured server. */
export type ServerState = Server;

export interface RouterApi {
  readonly handler: CallHandler;
  /** The servers as `/debug/state` shows them. */
  readonly servers: () => readonly ServerState[];
}

/** The router's API for internal services: every call goes the way that a stateless client's would. */
export function createRouterService({ handler, servers }: RouterApi): RouterServiceServer {
  return {
    call: unary((call, onCancel) => callTool(handler, call.request, timeoutOf(call), onCancel)),
    callStream: (stream) => void streamTool(handler, stream),
    callBatch: unary(async (call, onCancel) => {
      const { calls } = call.request;
      if (calls.length > MAX_BATCH) {
        throw new BridgeError(
          'PAYLOAD_TOO_LARGE',
          `A batch holds at most ${MAX_BATCH} calls, not ${calls.length}`,
        );
      }
      const timeoutMs = timeoutOf(call);
      return {
        outcomes: await Promise.all(
          calls.map((one) => outcomeOf(callTool(handler, one, timeoutMs, onCancel))),
        ),
      };
    }),
    listTools: unary((call, onCancel) => {
      const { caller, view, cursor } = call.request;
      const members = cursor === '' ? '' : `"cursor":${JSON.stringify(cursor)}`;
      return listTools(
        handler,
        { ...basis(caller, view, timeoutOf(call)), method: 'tools/list', members },
        onCancel,
      );
    }),
    listServers: unary(() => Promise.resolve({ servers: [...servers()] })),
  };
}

type OnCancel = (cancel: () => void) => void;

/** A handler whose promise becomes the reply, and whose caller's leaving cancels what it has begun. */
function unary<Request, Response>(
  work: (call: ServerUnaryCall<Request, Response>, onCancel: OnCancel) => Promise<Response>,
) {
  return (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>): void => {
    const cancels: (() => void)[] = [];
    call.on('cancelled', () => {
      for (const cancel of cancels) cancel();
    });
    void attempt(() => work(call, (cancel) => cancels.push(cancel))).then(
      (response) => reply(null, response),
      (error: unknown) => reply(toStatus(BridgeError.from(error))),
    );
  };
}

/** Turns what is thrown at once into a rejection, too. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

async function callTool(
  handler: CallHandler,
  call: ApiCall,
  timeoutMs: number,
  onCancel: OnCancel,
): Promise<CallResponse> {
  return toResponse(await runCall(handler, toRouterCall(toolCall(call, timeoutMs)), { onCancel }));
}

async function streamTool(
  handler: CallHandler,
  stream: ServerWritableStream<{ call?: ApiCall | undefined; logLevel: string }, CallStreamResponse>,
): Promise<void> {
  try {
    const { call, logLevel } = stream.request;
    if (call === undefined) throw new BridgeError('INVALID_PARAMS', 'call is missing');
    const request = { ...toolCall(call, timeoutOf(stream)), progress: true, logLevel };
    const result = await runCall(handler, toRouterCall(request), {
      onMessage: (message) => {
        const event = toEvent(message);
        if (event !== undefined) stream.write({ event });
      },
      onCancel: (cancel) => stream.on('cancelled', cancel),
    });
    stream.write({ event: { $case: 'result', value: toResponse(result) } });
    stream.end();
  } catch (error) {
    stream.emit('error', toStatus(BridgeError.from(error)));
  }
}

async function listTools(
  handler: CallHandler,
  call: InternalCall,
  onCancel: OnCancel,
): Promise<{ tools: Tool[]; nextCursor: string }> {
  const result = await runCall(handler, toRouterCall(call), { onCancel });
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

function toResponse(result: Buffer): CallResponse {
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
