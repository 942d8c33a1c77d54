import { fileURLToPath } from 'node:url';
import { modernRequest } from '@mcp-bridge/testkit';
import type { WrkRequest } from '../load/wrk-script.js';
import { startBridge, type BridgeOptions, type BridgeTarget } from '../targets/bridge.js';

/** The key that callers of these bridges send. */
export const BENCH_KEY = 'mcpb_0123456789abcdef0123456789abcdef';

const TRIVIAL_TOOL = fileURLToPath(new URL('../targets/trivial-tool.mjs', import.meta.url));
const CONTENT = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** A bridge as it is deployed: gateway and router as two processes, callers by key, one trivial native tool. */
export function startNativeBridge(options: Partial<BridgeOptions> = {}): Promise<BridgeTarget> {
  return startBridge({
    topology: 'two processes',
    profileFolder: undefined,
    key: BENCH_KEY,
    tools: [TRIVIAL_TOOL],
    ...options,
  });
}

/** A stateless 2026-07-28 request: nothing has to be opened before it. */
export interface ModernCall {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** For HTTP only. */
  readonly headers: Readonly<Record<string, string>>;
}

export function modernCall(method: string, params: Record<string, unknown> = {}): ModernCall {
  const { headers, body } = modernRequest(method, params);
  // modernRequest makes an object of params, and sends names to single strings.
  return {
    method,
    params: body['params'] as Record<string, unknown>,
    headers: headers as Record<string, string>,
  };
}

/** The call of the trivial native tool. */
export function nativeCall(text = 'hello'): ModernCall {
  return modernCall('tools/call', { name: 'tools__echo', arguments: { text } });
}

/** The same for wrk. */
export function wrkCall(call: ModernCall, headers: Readonly<Record<string, string>> = {}): WrkRequest {
  const { method, params } = call;
  return {
    headers: { ...CONTENT, ...call.headers, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  };
}
