import { MemberList } from '@mcp-bridge/link';
import { Client } from 'undici';
import type { Dispatcher } from 'undici';
import type { HttpExchange } from './http-exchange.js';

type Request = Dispatcher.DispatchOptions;

interface Waiting {
  readonly request: Request;
  readonly exchange: HttpExchange;
}

/**
 * The keep-alive connections to one origin, one exchange on each at a time. At most `limit` exchanges work at once,
 * the others wait in order. Urgent ones never wait, and one that waits for a client's answer gives its place away
 * and goes on without one: clients that never answer keep nobody from the server.
 *
 * undici's own pool bounds connections, not work, and looks through all of them for each request; this one takes
 * the free connection that was used last.
 */
export class ConnectionPool {
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #limit: number;
  readonly #clients = new Set<Client>();
  readonly #free: Client[] = [];
  readonly #working = new MemberList<HttpExchange>();
  #waiting: Waiting[] = [];
  /** Index of the first in `#waiting`; those before it are gone. */
  #head = 0;
  #closed = false;

  constructor(origin: string, limit: number, options: Client.Options) {
    this.#origin = origin;
    this.#limit = limit;
    this.#options = { ...options, pipelining: 1 };
  }

  /** Exchanges that have a place. */
  get working(): number {
    return this.#working.size;
  }

  exchanges(): readonly HttpExchange[] {
    return this.#working.snapshot();
  }

  /** Exchanges that wait for one; some may have been given up. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  /** Starts an exchange as soon as it may. One that is given up before is never sent. */
  dispatch(request: Request, exchange: HttpExchange, urgent: boolean): void {
    if (this.#closed) exchange.fail(new Error('closed'));
    else if (urgent) this.#start(request, exchange, this.#free.pop());
    else if (this.waiting > 0 || this.#working.size >= this.#limit) this.#waiting.push({ request, exchange });
    else this.#work({ request, exchange }, this.#free.pop());
  }

  /**
   * The exchange works no more. Calling it again does nothing.
   * @param drains - its response came to its end, so that its connection will be free in a moment
   */
  leave(exchange: HttpExchange, drains: boolean): void {
    if (!this.#working.remove(exchange) || drains) return;
    const next = this.#next();
    if (next !== undefined) this.#work(next, this.#free.pop());
  }

  /** Ends every connection; what is in flight or waits fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      next.exchange.fail(new Error('closed'));
    }
    this.#free.length = 0;
    await Promise.all([...this.#clients].map((client) => client.destroy()));
  }

  #work(next: Waiting, client: Client | undefined): void {
    this.#working.add(next.exchange);
    this.#start(next.request, next.exchange, client);
  }

  #start(request: Request, exchange: HttpExchange, free: Client | undefined): void {
    const client = free ?? this.#connect();
    client.dispatch(request, exchange);
    // What undici refuses outright, such as a header that cannot be sent, leaves the connection as it was.
    if (exchange.settled && client.stats.size === 0) this.#release(client);
  }

  #connect(): Client {
    const client = new Client(this.#origin, this.#options);
    this.#clients.add(client);
    client.on('drain', () => this.#release(client));
    client.on('disconnect', () => {
      const index = this.#free.indexOf(client);
      if (index < 0) return;
      this.#free.splice(index, 1);
      this.#drop(client);
    });
    return client;
  }

  #release(client: Client): void {
    if (!this.#clients.has(client) || this.#closed) return;
    const next = this.#working.size < this.#limit ? this.#next() : undefined;
    if (next !== undefined) this.#work(next, client);
    else if (this.#free.length < this.#limit) this.#free.push(client);
    else this.#drop(client);
  }

  #drop(client: Client): void {
    this.#clients.delete(client);
    void client.destroy();
  }

  /** Takes the first that still wants to be sent. */
  #next(): Waiting | undefined {
    while (this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head];
      this.#head += 1;
      if (this.#head > 1_024 && this.#head * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (next !== undefined && !next.exchange.settled) return next;
    }
    this.#waiting = [];
    this.#head = 0;
    return undefined;
  }
}
