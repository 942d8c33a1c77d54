import type { JsonObject, RawRequestOptions } from './raw-http.js';

const MODERN = '2026-07-28';

/** The parameter that `Mcp-Name` mirrors, for each method that has one. */
const NAME_PARAMS: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

export interface ModernRequestOptions {
  /** Default 1. */
  readonly id?: string | number;
  /** Default `{}`. */
  readonly capabilities?: JsonObject;
  /** Default 2026-07-28. */
  readonly protocolVersion?: string;
  readonly logLevel?: string;
  readonly progressToken?: string | number;
  /** Added to `_meta`. */
  readonly meta?: JsonObject;
  /** Added last, so that a test can replace any header; see also `omitHeaders`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly omitHeaders?: readonly string[];
}

/** A well-formed 2026-07-28 request for `sendRaw` and `openRaw`: `_meta` in the body, mirrored in the headers. */
export function modernRequest(
  method: string,
  params: JsonObject = {},
  options: ModernRequestOptions = {},
): RawRequestOptions & { readonly body: JsonObject } {
  const version = options.protocolVersion ?? MODERN;
  const name = params[NAME_PARAMS[method] ?? ''];
  const headers: Record<string, string> = {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
    ...options.headers,
  };
  for (const header of options.omitHeaders ?? []) delete headers[header];
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'raw-client', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': options.capabilities ?? {},
    ...(options.logLevel !== undefined && { 'io.modelcontextprotocol/logLevel': options.logLevel }),
    ...(options.progressToken !== undefined && { progressToken: options.progressToken }),
    ...options.meta,
  };
  return {
    headers,
    body: { jsonrpc: '2.0', id: options.id ?? 1, method, params: { ...params, _meta: meta } },
  };
}
