import { BridgeError } from '@mcp-bridge/protocol';
import type { HttpResponse } from 'uWebSockets.js';
import { type BodyReceiver, receiveBody } from './body.js';
import { isJsonContent } from './content.js';
import type { GatewayParts } from './gateway-parts.js';
import type { RequestHead } from './head.js';
import type { HttpReply } from './reply.js';

/** A request that is being answered. */
export interface JsonRequest {
  readonly head: RequestHead;
  readonly reply: HttpReply;
}

/** What is done with a whole body. Never throws. */
export type BodyHandler<R extends JsonRequest> = (parts: GatewayParts, request: R, body: Buffer) => void;

/** False when the content is not JSON, which then is answered. */
export function isJsonRequest({ head, reply }: JsonRequest): boolean {
  if (isJsonContent(head.contentType)) return true;
  reply.refuse(new BridgeError('INVALID_REQUEST', 'Content-Type must be application/json'), undefined, 415);
  return false;
}

/** Collects the body within `maxBodyBytes`; a larger one is refused here. */
export function receiveJson<R extends JsonRequest>(
  parts: GatewayParts,
  request: R,
  res: HttpResponse,
  handle: BodyHandler<R>,
): void {
  const receiver = new JsonBody(parts, request, handle);
  const { contentLength, chunked } = request.head;
  const announced = Number(contentLength);
  if (announced > parts.maxBodyBytes) receiver.onTooLarge();
  // When such a head arrives in pieces, uWebSockets.js never says that its body is over.
  else if (announced === 0 && !chunked) receiver.onBody(Buffer.alloc(0));
  else receiveBody(res, parts.maxBodyBytes, receiver);
}

class JsonBody<R extends JsonRequest> implements BodyReceiver {
  readonly #parts: GatewayParts;
  readonly #request: R;
  readonly #handle: BodyHandler<R>;

  constructor(parts: GatewayParts, request: R, handle: BodyHandler<R>) {
    this.#parts = parts;
    this.#request = request;
    this.#handle = handle;
  }

  onBody(body: Buffer): void {
    this.#handle(this.#parts, this.#request, body);
  }

  onTooLarge(): void {
    const message = `The body has more than ${this.#parts.maxBodyBytes} bytes`;
    this.#request.reply.refuse(new BridgeError('PAYLOAD_TOO_LARGE', message));
  }
}
