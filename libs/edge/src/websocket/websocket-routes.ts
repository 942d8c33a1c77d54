import type { Metrics } from '@mcp-bridge/metrics';
import type { HttpRequest, HttpResponse, TemplatedApp, us_socket_context_t } from 'uWebSockets.js';
import type { Conversation, Peer } from '../channels/conversation.js';
import type { Conversations } from '../channels/conversations.js';
import { HttpReply, type ReplyHost } from '../http/reply.js';
import { admitUpgrade, type UpgradeParts } from './admit-upgrade.js';
import { readUpgradeHead } from './upgrade-head.js';
import { WebSocketPipe } from './websocket-pipe.js';

export interface WebSocketOptions extends UpgradeParts {
  readonly conversations: Conversations;
  readonly metrics: Metrics;
  /** For the replies to clients that may not upgrade. */
  readonly replies: ReplyHost;
  readonly maxMessageBytes: number;
  readonly maxBufferedBytes: number;
  /** Four times this without a sign of life ends a connection; it is pinged before. */
  readonly keepAliveMs: number;
  /** An HTTP connection has become a WebSocket. */
  onUpgraded(): void;
}

/** The WebSockets of a gateway. */
export interface WebSockets {
  /** Ends them as `Conversations.drain` does, with 1001, and waits until all is written, at most `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

interface SocketData {
  readonly peer: Peer;
  pipe: WebSocketPipe<SocketData> | undefined;
  conversation: Conversation | undefined;
}

/** uWebSockets.js takes 8 to 960 seconds. */
const MIN_IDLE_SECONDS = 8;
const MAX_IDLE_SECONDS = 960;

/**
 * Serves MCP over WebSocket (subprotocol `mcp`) on the paths of MCP. Each text message is one JSON-RPC message.
 * Must be called before the routes for plain requests are added.
 */
export function addWebSocketRoutes(app: TemplatedApp, options: WebSocketOptions): WebSockets {
  const { conversations, maxMessageBytes } = options;
  let open = 0;
  let onEmpty: (() => void) | undefined;
  const idleSeconds = Math.round((options.keepAliveMs * 4) / 1000);
  app.ws<SocketData>('/*', {
    // uWebSockets.js drops the connection without a word when its limit is passed, so ours comes first.
    maxPayloadLength: maxMessageBytes * 2,
    maxBackpressure: options.maxBufferedBytes,
    idleTimeout: Math.min(Math.max(idleSeconds, MIN_IDLE_SECONDS), MAX_IDLE_SECONDS),
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(options, res, req, context),
    open(ws) {
      open += 1;
      const data = ws.getUserData();
      data.pipe = new WebSocketPipe(ws);
      data.conversation = conversations.open(data.pipe, data.peer);
    },
    message(ws, message, isBinary) {
      const { conversation, pipe } = ws.getUserData();
      if (message.byteLength > maxMessageBytes) conversation?.end('too-large');
      else if (isBinary) {
        conversation?.closed();
        pipe?.end(1003, 'Send JSON-RPC messages as text');
      } else {
        // uWebSockets.js takes the memory back when this returns.
        const copy = Buffer.allocUnsafe(message.byteLength);
        copy.set(new Uint8Array(message));
        conversation?.receive(copy);
      }
    },
    drain(ws) {
      ws.getUserData().pipe?.drained();
    },
    close(ws) {
      open -= 1;
      const { conversation, pipe } = ws.getUserData();
      pipe?.closed();
      conversation?.closed();
      if (open === 0) onEmpty?.();
    },
  });
  return {
    async drain(timeoutMs) {
      const endsAt = performance.now() + timeoutMs;
      await conversations.drain(timeoutMs);
      if (open === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(endsAt - performance.now(), 0));
        onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}

/** Never throws: uWebSockets.js would end the process. */
function upgrade(
  options: WebSocketOptions,
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
): void {
  const head = readUpgradeHead(req);
  const admitted = admitUpgrade(options, head);
  if ('peer' in admitted) {
    options.onUpgraded();
    const data: SocketData = { peer: admitted.peer, pipe: undefined, conversation: undefined };
    // Without extensions: what crosses here is mostly short, and compression costs memory per connection.
    res.upgrade(data, head.key, admitted.protocol, '', context);
    return;
  }
  const { reason, error, status, headers } = admitted;
  options.metrics.connectionFailures.labels({ transport: 'websocket', reason }).inc();
  const reply = new HttpReply(res, options.replies);
  for (const [name, value] of headers ?? []) reply.header(name, value);
  reply.refuse(error, undefined, status);
}
