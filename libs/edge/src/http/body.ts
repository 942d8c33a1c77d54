import type { HttpResponse } from 'uWebSockets.js';

/** Hears of a request's body, once. */
export interface BodyReceiver {
  /** The whole body; the buffer is the receiver's. */
  onBody(body: Buffer): void;
  /** More than `maxBytes` arrived; what still comes is dropped unread. */
  onTooLarge(): void;
}

/** Collects a body. uWebSockets.js takes every chunk's memory back when the callback returns, so all is copied. */
export function receiveBody(res: HttpResponse, maxBytes: number, receiver: BodyReceiver): void {
  let chunks: Buffer[] | undefined;
  let size = 0;
  res.onData((chunk, isLast) => {
    if (size > maxBytes) return;
    size += chunk.byteLength;
    if (size > maxBytes) {
      chunks = undefined;
      receiver.onTooLarge();
      return;
    }
    const copy = Buffer.allocUnsafe(chunk.byteLength);
    copy.set(new Uint8Array(chunk));
    if (!isLast) (chunks ??= []).push(copy);
    else if (chunks === undefined) receiver.onBody(copy);
    else {
      chunks.push(copy);
      receiver.onBody(Buffer.concat(chunks, size));
    }
  });
}
