import type { IncomingMessage } from 'node:http';
import type { Logger } from '@mcp-bridge/service';
import { WebSocket } from 'ws';

/** Hears what happens to the connection. */
export interface BridgeSocketOwner {
  /** Connected, anew or again; nothing was sent on it yet. */
  onOpen(): void;
  onMessage(message: Buffer): void;
  /** The connection is lost or could not be made; another attempt follows. */
  onDown(why: string): void;
  /** The bridge refuses this client: another attempt would end alike. */
  onRefused(why: string): void;
}

export interface BridgeSocketOptions {
  /** `ws:` or `wss:` */
  readonly url: URL;
  /** API key, `''` for none. */
  readonly key: string;
  readonly log: Logger;
}

/** First pause before another attempt; doubles up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How often the bridge is asked for a sign of life; after two silences the connection counts as lost. */
const HEARTBEAT_MS = 30_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const MAX_REFUSAL_BYTES = 4096;

/** A WebSocket to a running bridge that is made again whenever it is lost. */
export class BridgeSocket {
  readonly #options: BridgeSocketOptions;
  readonly #owner: BridgeSocketOwner;
  #ws: WebSocket | undefined = undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #again: NodeJS.Timeout | undefined = undefined;
  #heartbeat: NodeJS.Timeout | undefined = undefined;
  #alive = true;
  #closed = false;

  constructor(options: BridgeSocketOptions, owner: BridgeSocketOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#connect();
  }

  /** False as soon as the connection is known to end. */
  get open(): boolean {
    return this.#ws?.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait for the network. */
  get bufferedBytes(): number {
    return this.#ws?.bufferedAmount ?? 0;
  }

  /** Sends one message as text. What is sent on a connection that is already lost is lost with it. */
  send(message: Buffer, onSent: () => void): void {
    this.#ws?.send(message, { binary: false }, onSent);
  }

  /** Reads no more until `resume`. */
  pause(): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.pause();
  }

  resume(): void {
    if (this.#ws?.isPaused === true) this.#ws.resume();
  }

  /** Starts the connection over, because what it carried cannot go on. */
  restart(): void {
    this.#ws?.terminate();
  }

  /** Closes the connection for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
    clearInterval(this.#heartbeat);
    this.#ws?.close(1000);
  }

  #connect(): void {
    const { url, key } = this.#options;
    const ws = new WebSocket(url, 'mcp', {
      headers: key === '' ? {} : { Authorization: `Bearer ${key}` },
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    this.#ws = ws;
    let why = 'the connection was lost';
    ws.on('open', () => {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#watch(ws);
      this.#owner.onOpen();
    });
    // `as`: with the default binaryType messages are Buffers.
    ws.on('message', (message) => this.#owner.onMessage(message as Buffer));
    ws.on('pong', () => {
      this.#alive = true;
    });
    ws.on('unexpected-response', (_request, response) => {
      void refusalOf(response).then((refusal) => {
        why = refusal;
        if (isFinal(response.statusCode ?? 0)) this.#refused(refusal);
        ws.terminate();
      });
    });
    ws.on('error', (error) => {
      // `terminate` during the handshake reports this too, after the true reason.
      if (why === 'the connection was lost') why = error.message;
    });
    ws.on('close', (code, reason) => {
      clearInterval(this.#heartbeat);
      if (this.#closed) return;
      const text = reason.toString('utf8');
      this.#retry(text === '' ? why : `${text} (${code})`);
    });
  }

  #retry(why: string): void {
    this.#options.log.warn({ url: this.#options.url.href, retryMs: this.#pauseMs }, why);
    this.#again = setTimeout(() => this.#connect(), this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#owner.onDown(why);
  }

  #refused(why: string): void {
    this.#closed = true;
    this.#owner.onRefused(why);
  }

  #watch(ws: WebSocket): void {
    this.#alive = true;
    this.#heartbeat = setInterval(() => {
      if (!this.#alive) ws.terminate();
      this.#alive = false;
      if (ws.readyState === WebSocket.OPEN) ws.ping();
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }
}

/** 4xx says that this request will never be taken, except that it came too often or took too long. */
function isFinal(status: number): boolean {
  return status >= 300 && status < 500 && status !== 408 && status !== 429;
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > MAX_REFUSAL_BYTES) break;
    }
    // A bridge answers with a JSON-RPC error; anybody else with anything.
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    if (typeof error?.message === 'string') return `HTTP ${response.statusCode}: ${error.message}`;
  } catch {
    // The status must do.
  }
  return `HTTP ${response.statusCode ?? 0}; is this the URL of a bridge?`;
}
