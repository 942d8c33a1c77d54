import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { WireRefused, type OpenWire } from '../wires/wire.js';
import { FrontSession } from './front-session.js';
import { isModern, readMessage, wantsReply, type Message } from './message.js';
import { Reply } from './reply.js';

/** A running front. */
export interface HttpFront {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Turns the suite's HTTP into another transport: a wire for each legacy session and for each stateless request, whose
 * messages it passes on unread. What only HTTP has is made up here: statuses from error codes, session ids,
 * which response a message goes to.
 */
export async function startHttpFront(open: OpenWire): Promise<HttpFront> {
  const front = new Front(open);
  const server = createServer((request, response) => void front.handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // An address of a TCP server that listens.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/mcp`,
    async close() {
      front.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Front {
  readonly #open: OpenWire;
  readonly #sessions = new Map<string, FrontSession>();

  constructor(open: OpenWire) {
    this.#open = open;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = new Reply(response);
    try {
      const sessionId = request.headers['mcp-session-id'];
      if (request.method === 'POST') await this.#post(request, response, reply);
      else if (typeof sessionId !== 'string') reply.end(405);
      else this.#inSession(sessionId, request, response, reply);
    } catch (error) {
      reply.end(error instanceof WireRefused ? error.status : 502);
    }
  }

  /** Stateless wires end with their responses. */
  close(): void {
    for (const session of this.#sessions.values()) session.close();
  }

  async #post(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
    // Line breaks between JSON tokens are blanks, and no line of TCP may have them.
    const text = (await textOf(request)).replace(/[\r\n]+/g, ' ');
    const message = readMessage(text);
    const session = await this.#sessionFor(request, message);
    if (session === undefined || session.closed) return reply.end(404);
    // A stateless request ends with its response, whoever ends that.
    if (session.id === '') response.on('close', () => session.close());
    if (wantsReply(message)) return session.request(text, message, reply);
    session.send(text);
    reply.end(202);
  }

  /** `undefined` when the request names a session that is not there. */
  async #sessionFor(request: IncomingMessage, message: Message): Promise<FrontSession | undefined> {
    const id = request.headers['mcp-session-id'];
    if (typeof id === 'string' && !isModern(message)) return this.#sessions.get(id);
    const session = new FrontSession(message.method !== 'initialize' || isModern(message));
    const { host, origin } = request.headers;
    session.attach(await this.#open({ host, origin }, session));
    if (session.id !== '') this.#sessions.set(session.id, session);
    return session;
  }

  #inSession(id: string, request: IncomingMessage, response: ServerResponse, reply: Reply): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.closed) return reply.end(404);
    if (request.method === 'DELETE') {
      this.#sessions.delete(id);
      session.close();
      reply.end(204);
    } else if (request.method === 'GET') {
      session.listen(reply);
      response.on('close', () => session.unlisten(reply));
    } else {
      reply.end(405);
    }
  }
}
