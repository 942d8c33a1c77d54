import type { HttpRequest } from 'uWebSockets.js';
import { type RequestHead, readHead } from '../http/head.js';

/** The head of a request to upgrade, copied out while uWebSockets.js still has it. Absent headers are `''`. */
export interface UpgradeHead extends RequestHead {
  readonly upgrade: string;
  readonly connection: string;
  readonly key: string;
  readonly version: string;
  /** What the client offers, in its order; several headers count as one. */
  readonly protocols: readonly string[];
}

const MAX_PROTOCOLS = 16;

/** Must be called in the handler itself, before anything asynchronous. */
export function readUpgradeHead(req: HttpRequest): UpgradeHead {
  const offers: string[] = [];
  req.forEach((name, value) => {
    if (name === 'sec-websocket-protocol') offers.push(value);
  });
  const head = readHead(req);
  const protocols = offers
    .join(',')
    .split(',')
    .map((offer) => offer.trim())
    .filter((offer) => offer !== '');
  if (protocols.length > MAX_PROTOCOLS) head.fault = `At most ${MAX_PROTOCOLS} subprotocols may be offered`;
  // What follows the head of an upgrade is frames; a proxy that sees a body there would cut them elsewhere.
  if (head.contentLength !== '' && head.contentLength !== '0') head.fault = 'An upgrade must not have a body';
  return Object.assign(head, {
    upgrade: req.getHeader('upgrade'),
    connection: req.getHeader('connection'),
    key: req.getHeader('sec-websocket-key'),
    version: req.getHeader('sec-websocket-version'),
    protocols,
  });
}
