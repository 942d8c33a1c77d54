import type { Conversation, Peer } from '../../channels/conversation.js';
import type { Conversations } from '../../channels/conversations.js';
import type { CloseReason, MessagePipe } from '../../channels/message-pipe.js';
import { endpointFrame, eventFrame } from '../event-frame.js';
import type { HttpReply, ReplyOwner } from '../reply.js';

/**
 * One event stream of the HTTP+SSE transport (2024-11-05 basic/transports), and the conversation on it: its
 * messages leave as `message` events, those of the client come by POST. The stream is the session.
 */
export class SseChannel implements MessagePipe, ReplyOwner {
  readonly peer: Peer;
  readonly #reply: HttpReply;
  readonly #onGone: () => void;
  #conversation: Conversation | undefined = undefined;

  /**
   * @param uri - where the client is to POST, of the gateway's origin
   * @param onGone - called once, when the stream takes nothing more
   */
  constructor(reply: HttpReply, peer: Peer, uri: string, onGone: () => void) {
    this.#reply = reply;
    this.peer = peer;
    this.#onGone = onGone;
    reply.owner = this;
    // The conversation counts its messages, and itself as a connection.
    reply.counted = false;
    reply.openEvents(endpointFrame(uri));
  }

  /** The client still hears of what it POSTs. */
  get open(): boolean {
    return this.#reply.streaming;
  }

  /** Begins the conversation. */
  converse(conversations: Conversations): void {
    this.#conversation = conversations.open(this, this.peer);
  }

  /** Takes a well-formed message of the client; the answer goes to the stream. */
  receive(message: Buffer): void {
    this.#conversation?.receive(message);
  }

  send(message: Buffer): boolean {
    this.#reply.event(eventFrame('', '', message, ''));
    // A client that does not read was cut off by now.
    return this.#reply.streaming;
  }

  close(reason: CloseReason): void {
    this.#onGone();
    if (reason === 'slow') this.#reply.cut();
    else this.#reply.endEvents('ok');
  }

  clientGone(): void {
    this.#onGone();
    this.#conversation?.closed();
  }

  /** Its head was sent with the first event. */
  quiet(): void {}
}
