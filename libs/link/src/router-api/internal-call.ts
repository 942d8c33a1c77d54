import { BridgeError, checkJson } from '@mcp-bridge/protocol';
import type { CallHandler, CallRequest, CallSink, Principal } from '../link.js';

const VERSION = '2026-07-28';
const META = 'io.modelcontextprotocol/';
const META_MEMBERS = `"${META}protocolVersion":"${VERSION}","${META}clientCapabilities":{}`;
const HEAD = '{"_meta":';
const TOKEN_KEY = '"progressToken":';
const NAME_KEY = ',"name":';
/** What a whole message may have (128) without the levels of the message itself and its params. */
const MAX_DEPTH = 126;

/** What an internal service asks for; becomes the same call that a stateless MCP client would make. */
export interface InternalCall {
  readonly method: 'tools/call' | 'tools/list';
  readonly principal: Principal;
  readonly view: string;
  /** The tool to call; `''` for none. */
  readonly tool: string;
  /** As the service gave it; `''` for none. */
  readonly argumentsJson: string;
  /** `''` for none. */
  readonly cursor: string;
  readonly timeoutMs: number;
  readonly traceparent: string;
  /** Ask for progress notes. */
  readonly progress: boolean;
  readonly logLevel: string;
}

/**
 * Makes the router's call of it. What an internal service hands over as JSON meets the rules of a client's message; the
 * text around it is our own, and where its parts lie is known without a scan.
 *
 * @param maxBytes - longest params
 * @throws {BridgeError} PARSE_ERROR, INVALID_REQUEST, PAYLOAD_TOO_LARGE
 */
export function toRouterCall(call: InternalCall, maxBytes: number): CallRequest {
  const { tool, argumentsJson, cursor, progress, logLevel } = call;
  const token = progress ? `${TOKEN_KEY}0,` : '';
  const level = logLevel === '' ? '' : `,"${META}logLevel":${JSON.stringify(logLevel)}`;
  const head = `${HEAD}{${token}${META_MEMBERS}${level}}`;
  const name = JSON.stringify(tool);
  const named = tool === '' ? '' : `${NAME_KEY}${name}`;
  const page = cursor === '' ? '' : `,"cursor":${JSON.stringify(cursor)}`;
  const args = argumentsJson === '' ? '' : `,"arguments":${argumentsJson}`;
  const params = Buffer.from(`${head}${named}${page}${args}}`);
  if (params.length > maxBytes) {
    const message = `The call has ${params.length} bytes of params; the limit is ${maxBytes}`;
    throw new BridgeError('PAYLOAD_TOO_LARGE', message);
  }
  const end = params.length - 1;
  if (args !== '') {
    const given = params.subarray(end - Buffer.byteLength(argumentsJson), end);
    checkJson(given, { maxBytes, maxDepth: MAX_DEPTH });
  }
  const metaEnd = Buffer.byteLength(head);
  const nameStart = tool === '' ? -1 : metaEnd + NAME_KEY.length;
  const tokenStart = progress ? HEAD.length + 1 + TOKEN_KEY.length : -1;
  return {
    principal: call.principal,
    view: call.view,
    method: call.method,
    name: tool,
    params,
    spans: {
      nameStart,
      nameEnd: tool === '' ? -1 : nameStart + Buffer.byteLength(name),
      metaStart: HEAD.length,
      metaEnd,
      progressTokenStart: tokenStart,
      progressTokenEnd: progress ? tokenStart + 1 : -1,
    },
    clientRequestId: '0',
    protocolVersion: VERSION,
    capabilities: '{}',
    clientInfo: '',
    session: '',
    logLevel,
    timeoutMs: call.timeoutMs,
    paramHeaders: '',
    traceparent: call.traceparent,
    home: '',
    replayStream: '',
  };
}

/**
 * Runs a call at the handler.
 *
 * @param onMessage - hears the call's notifications, parsed
 * @param signal - cancels it; the promise then never settles, because nobody waits
 */
export function runCall(
  handler: CallHandler,
  request: CallRequest,
  options: {
    readonly onMessage?: (message: Buffer) => void;
    readonly onCancel?: (cancel: () => void) => void;
  } = {},
): Promise<Buffer> {
  return new Promise((resolve, reject: (error: BridgeError) => void) => {
    const sink: CallSink = {
      onMessage: options.onMessage ?? (() => undefined),
      onResult: resolve,
      onError: reject,
    };
    const handle = handler.call(request, sink);
    options.onCancel?.(() => handle.cancel('client'));
  });
}
