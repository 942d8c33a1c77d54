/** One connection to the bridge over a transport that is not HTTP: whole JSON-RPC messages, both ways. */
export interface Wire {
  /** @param message - one JSON text without line breaks */
  send(message: string): void;
  close(): void;
}

export interface WireListener {
  onMessage(message: string): void;
  /** Once, also after `close`. */
  onClose(): void;
}

/** What of an HTTP request's head means something to other transports, too. */
export interface WireHead {
  readonly host: string | undefined;
  readonly origin: string | undefined;
}

/** @throws {WireRefused} when the bridge says no before a message could be sent */
export type OpenWire = (head: WireHead, listener: WireListener) => Promise<Wire>;

/** The bridge does not take this client. */
export class WireRefused extends Error {
  /** What it would answer over HTTP. */
  readonly status: number;

  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}
