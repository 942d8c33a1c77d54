import { connectRouterLink, type CallRequest, type RouterPool } from '@mcp-bridge/link';
import type { LoadConnection } from './connection.js';

/** Load of calls straight to a router, over the link that gateways use. */
export interface LinkLoadSpec {
  readonly kind: 'link';
  readonly router: string;
  /** Calls at once; all share the one link, as those of a gateway do. */
  readonly connections: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

let link: RouterPool | undefined;

/** One caller; calls wait until the link is up. */
export function openLinkClient(spec: LinkLoadSpec): LoadConnection {
  link ??= connectRouterLink({ router: spec.router });
  const shared = link;
  const request = callOf(spec);
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () =>
      void shared.call(request, {
        onMessage: () => {},
        onResult: (result) => connection.onReply(result.includes('"content"')),
        onError: () => connection.onReply(false),
      }),
    close: () => void shared[Symbol.asyncDispose](),
  };
  return connection;
}

/** What a gateway would make of a stateless request. */
function callOf({ method, params }: LinkLoadSpec): CallRequest {
  const bytes = Buffer.from(JSON.stringify(params));
  const { _meta: meta, name } = params;
  const span = (value: unknown): [number, number] => {
    if (value === undefined) return [-1, -1];
    const text = JSON.stringify(value);
    const start = bytes.indexOf(text);
    return [start, start + Buffer.byteLength(text)];
  };
  const [nameStart, nameEnd] = span(name);
  const [metaStart, metaEnd] = span(meta);
  return {
    principal: { tenant: 'default', id: 'bench' },
    view: '',
    method,
    name: typeof name === 'string' ? name : '',
    params: bytes,
    spans: { nameStart, nameEnd, metaStart, metaEnd, progressTokenStart: -1, progressTokenEnd: -1 },
    clientRequestId: '1',
    protocolVersion: '2026-07-28',
    capabilities: '{}',
    clientInfo: '',
    session: '',
    logLevel: '',
    timeoutMs: 60_000,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: '',
  };
}
