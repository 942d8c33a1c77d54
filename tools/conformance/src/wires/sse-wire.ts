import { openRaw, sendRaw, type RawStream } from '@mcp-bridge/testkit';
import { WireRefused, type OpenWire, type WireListener } from './wire.js';

/** Longer than any run. */
const STREAM_LIMIT_MS = 3_600_000;

/** Wires over HTTP+SSE of 2024-11-05: an event stream for what the bridge says, a POST for each message to it. */
export function sseWires(httpUrl: string): OpenWire {
  const url = new URL(httpUrl);
  url.pathname = url.pathname.replace(/^\/mcp/, '/sse');
  return async ({ host, origin }, listener) => {
    const headers = { ...(host !== undefined && { host }), ...(origin !== undefined && { origin }) };
    const stream = await openRaw(url.href, {
      method: 'GET',
      headers: { ...headers, accept: 'text/event-stream' },
      timeoutMs: STREAM_LIMIT_MS,
    });
    const first = stream.status === 200 ? await stream.nextEvent() : undefined;
    if (first?.event !== 'endpoint') {
      stream.close();
      throw new WireRefused(stream.status, 'no event stream');
    }
    const endpoint = new URL(first.data, url).href;
    void readAll(stream, listener);
    // One after another: separate connections keep no order.
    let last: Promise<unknown> = Promise.resolve();
    return {
      send(message) {
        last = last.then(() => sendRaw(endpoint, { headers, body: message })).catch(() => stream.close());
      },
      close: () => stream.close(),
    };
  };
}

async function readAll(stream: RawStream, listener: WireListener): Promise<void> {
  try {
    for (let event = await stream.nextEvent(); event !== undefined; event = await stream.nextEvent())
      if (event.event === 'message') listener.onMessage(event.data);
  } catch {
    // A stream that was closed or broke has ended like any other.
  }
  listener.onClose();
}
