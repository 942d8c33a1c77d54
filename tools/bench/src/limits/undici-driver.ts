import { Pool, type Dispatcher } from 'undici';
import type { LoadConnection } from '../load/connection.js';

/** POSTs with undici's `dispatch`, the cheapest call it has; the client is what is measured. */
export interface UndiciSpec {
  readonly kind: 'undici';
  readonly url: string;
  readonly connections: number;
}

const BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'echo', arguments: { text: 'hello' } },
});

let pool: Pool | undefined;

export function openUndici({ url, connections }: UndiciSpec): LoadConnection {
  const { origin, pathname } = new URL(url);
  pool ??= new Pool(origin, { connections });
  const shared = pool;
  const request: Dispatcher.DispatchOptions = {
    method: 'POST',
    path: pathname,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: BODY,
  };
  let ok = false;
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => {},
    onResponseStart: (_controller, status) => {
      ok = status === 200;
    },
    onResponseData: () => {},
    onResponseEnd: () => connection.onReply(ok),
    onResponseError: () => connection.onReply(false),
  };
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () => void shared.dispatch(request, handler),
    close: () => void shared.destroy(),
  };
  return connection;
}
