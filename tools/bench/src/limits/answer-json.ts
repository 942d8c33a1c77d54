import type { HttpResponse } from 'uWebSockets.js';

/**
 * Hands over the JSON of a request's body, unchecked, and what answers it with JSON: at once or later, in vain when its
 * client has gone.
 */
export function answerJson(
  res: HttpResponse,
  handle: (message: unknown, answer: (json: string) => void) => void,
): void {
  let isGone = false;
  res.onAborted(() => {
    isGone = true;
  });
  let body = Buffer.alloc(0);
  res.onData((chunk, isLast) => {
    // The chunk is only valid during this call.
    body = Buffer.concat([body, Buffer.from(chunk)]);
    if (!isLast) return;
    handle(JSON.parse(body.toString()), (json) => {
      if (!isGone) res.cork(() => res.writeHeader('content-type', 'application/json').end(json));
    });
  });
}
