import type { ServerResponse } from 'node:http';

/** One HTTP response: a JSON body when nothing comes before the reply, else an event stream. */
export class Reply {
  readonly #response: ServerResponse;
  #streams = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Sends a message that comes before the reply. */
  event(text: string): void {
    this.openStream();
    this.#response.write(`event: message\ndata: ${text}\n\n`);
  }

  openStream(): void {
    if (this.#streams) return;
    this.#streams = true;
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    this.#response.flushHeaders();
  }

  finish(text: string, status: number, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#streams) {
      this.event(text);
      this.#response.end();
      return;
    }
    this.#response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  }

  /** Without a message. */
  end(status: number, headers: Readonly<Record<string, string>> = {}): void {
    if (!this.#response.headersSent) this.#response.writeHead(status, headers);
    this.#response.end();
  }
}
