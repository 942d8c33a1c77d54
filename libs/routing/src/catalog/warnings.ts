import { LRUCache } from 'lru-cache';
import type { Logger } from '@mcp-bridge/service';

/** Log lines about standing conditions, which every request would otherwise repeat. */
export interface Warnings {
  /** Says it the first time only. */
  once(key: string, fields: object, message: string): void;
  /** Says it at most every 30 seconds per key. */
  rarely(key: string, fields: object, message: string): void;
}

const INTERVAL_MS = 30_000;
const MAX_KEYS = 10_000;

export function createWarnings(log: Logger, now: () => number): Warnings {
  const said = new LRUCache<string, number>({ max: MAX_KEYS });
  const say = (key: string, silenceMs: number, fields: object, message: string): void => {
    const last = said.get(key);
    const at = now();
    if (last !== undefined && at - last < silenceMs) return;
    said.set(key, at);
    log.warn(fields, message);
  };
  return {
    once: (key, fields, message) => {
      say(`once\0${key}`, Infinity, fields, message);
    },
    rarely: (key, fields, message) => {
      say(`rarely\0${key}`, INTERVAL_MS, fields, message);
    },
  };
}
