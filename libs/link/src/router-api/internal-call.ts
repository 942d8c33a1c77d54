import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import type { CallHandler, CallRequest, CallSink, Principal } from '../link.js';

const VERSION = '2026-07-28';
const META = 'io.modelcontextprotocol/';

/** What an internal service asks for; becomes the same call that a stateless MCP client would make. */
export interface InternalCall {
  readonly method: 'tools/call' | 'tools/list';
  readonly principal: Principal;
  readonly view: string;
  /** Raw JSON members of `params`, without braces and without `_meta`. */
  readonly members: string;
  readonly timeoutMs: number;
  readonly traceparent: string;
  /** Ask for progress notes. */
  readonly progress: boolean;
  readonly logLevel: string;
}

/**
 * Makes the router's call of it. The whole message is scanned as if a client had sent it, so what an internal
 * service hands over as JSON meets the same rules.
 *
 * @param maxBytes - longest message
 * @throws {BridgeError} PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS, PAYLOAD_TOO_LARGE
 */
export function toRouterCall(call: InternalCall, maxBytes: number): CallRequest {
  const token = call.progress ? '"progressToken":0,' : '';
  const level = call.logLevel === '' ? '' : `,"${META}logLevel":${JSON.stringify(call.logLevel)}`;
  const meta = `{${token}"${META}protocolVersion":"${VERSION}","${META}clientCapabilities":{}${level}}`;
  const members = call.members === '' ? '' : `${call.members},`;
  const text = `{"jsonrpc":"2.0","id":0,"method":"${call.method}","params":{${members}"_meta":${meta}}}`;
  const bytes = Buffer.from(text);
  const envelope = scanEnvelope(bytes, { maxBytes });
  const origin = envelope.params.start;
  const at = (position: number): number => (position < 0 ? -1 : position - origin);
  return {
    principal: call.principal,
    view: call.view,
    method: call.method,
    name: envelope.name ?? '',
    params: bytes.subarray(envelope.params.start, envelope.params.end),
    spans: {
      nameStart: at(envelope.nameSpan.start),
      nameEnd: at(envelope.nameSpan.end),
      metaStart: at(envelope.meta.start),
      metaEnd: at(envelope.meta.end),
      progressTokenStart: at(envelope.progressToken.start),
      progressTokenEnd: at(envelope.progressToken.end),
    },
    clientRequestId: '0',
    protocolVersion: VERSION,
    capabilities: '{}',
    clientInfo: '',
    session: '',
    logLevel: call.logLevel,
    timeoutMs: call.timeoutMs,
    paramHeaders: '',
    traceparent: call.traceparent,
    home: '',
    replayStream: '',
  };
}

/** The raw JSON members of a tool call's params. */
export function toolMembers(tool: string, argumentsJson: string): string {
  if (tool === '') throw new BridgeError('INVALID_PARAMS', 'tool is missing: name the tool to call');
  const args = argumentsJson === '' ? '' : `,"arguments":${argumentsJson}`;
  return `"name":${JSON.stringify(tool)}${args}`;
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
