import type { HttpRequest } from 'uWebSockets.js';

/**
 * The head of a request, copied out while uWebSockets.js still has it: a request object dies when its handler
 * returns. Absent headers are `''`, except where an empty value means something.
 */
export interface RequestHead {
  /** Lower case. */
  method: string;
  /** Without the query. */
  path: string;
  host: string;
  origin: string;
  authorization: string;
  apiKey: string;
  contentType: string;
  accept: string;
  contentLength: string;
  /** Whether `Transfer-Encoding` announces a body. */
  chunked: boolean;
  sessionId: string;
  protocolVersion: string;
  mcpMethod: string | undefined;
  mcpName: string | undefined;
  lastEventId: string;
  traceparent: string;
  /** Raw JSON object of the `Mcp-Param-*` headers, lower-case names; `''` for none. */
  paramHeaders: string;
  requestedHeaders: string;
  /** Why the head is malformed, `''` when it is not. */
  fault: string;
}

const PARAM_PREFIX = 'mcp-param-';

/** Must be called in the handler itself, before anything asynchronous. */
export function readHead(req: HttpRequest): RequestHead {
  const head: RequestHead = {
    method: req.getMethod(),
    path: req.getUrl(),
    host: '',
    origin: '',
    authorization: '',
    apiKey: '',
    contentType: '',
    accept: '',
    contentLength: '',
    chunked: false,
    sessionId: '',
    protocolVersion: '',
    mcpMethod: undefined,
    mcpName: undefined,
    lastEventId: '',
    traceparent: '',
    paramHeaders: '',
    requestedHeaders: '',
    fault: '',
  };
  let params: Record<string, string> | undefined;
  req.forEach((name, value) => {
    switch (name) {
      case 'host':
        head.host = once(head, name, head.host, value);
        break;
      case 'origin':
        head.origin = once(head, name, head.origin, value);
        break;
      case 'authorization':
        head.authorization = once(head, name, head.authorization, value);
        break;
      case 'x-api-key':
        head.apiKey = once(head, name, head.apiKey, value);
        break;
      case 'content-type':
        head.contentType = once(head, name, head.contentType, value);
        break;
      case 'content-length':
        head.contentLength = once(head, name, head.contentLength, value);
        break;
      case 'transfer-encoding':
        // uWebSockets.js takes anything that ends in "chunked" for it; a proxy in front may not.
        if (value.toLowerCase() !== 'chunked') head.fault = 'Transfer-Encoding must be chunked';
        head.chunked = true;
        break;
      case 'accept':
        head.accept = head.accept === '' ? value : `${head.accept}, ${value}`;
        break;
      case 'mcp-session-id':
        head.sessionId = once(head, name, head.sessionId, value);
        break;
      case 'mcp-protocol-version':
        head.protocolVersion = once(head, name, head.protocolVersion, value);
        break;
      case 'mcp-method':
        head.mcpMethod = once(head, name, head.mcpMethod, value);
        break;
      case 'mcp-name':
        head.mcpName = once(head, name, head.mcpName, value);
        break;
      case 'last-event-id':
        head.lastEventId = once(head, name, head.lastEventId, value);
        break;
      case 'traceparent':
        head.traceparent = value;
        break;
      case 'access-control-request-headers':
        head.requestedHeaders = value;
        break;
      default:
        if (name.startsWith(PARAM_PREFIX)) {
          params ??= {};
          params[name] = once(head, name, params[name], value);
        }
    }
  });
  if (params !== undefined) head.paramHeaders = JSON.stringify(params);
  return head;
}

/** A header that decides something must come once: whoever stands in front may have read the other one. */
function once(head: RequestHead, name: string, former: string | undefined, value: string): string {
  if (former !== undefined && former !== '') head.fault = `The header ${name} came twice`;
  return value;
}
