import type { BridgeConfig } from '../config/schema.js';
import { isRecord } from '../config/is-record.js';

/** What a running service takes over. Everything else, and every field of tomorrow, needs a restart. */
const RELOADABLE: ReadonlySet<string> = new Set([
  'servers',
  'tools',
  'workers',
  'views',
  'auth',
  'router.maxServers',
  'router.maxServersPerTenant',
  'router.maxServers',
  'router.maxServersPerTenant',
  'gateway.callTimeout',
  'gateway.allowedOrigins',
  'gateway.allowedHosts',
]);

export interface Merged {
  /** The new configuration, with the running service's own values where only a restart could change them. */
  readonly config: BridgeConfig;
  /** Paths of the fields that keep their old values. */
  readonly restart: readonly string[];
}

/** Takes from a new configuration what can change without a restart, and names the rest. */
export function keepUntilRestart(running: BridgeConfig, next: BridgeConfig): Merged {
  const restart: string[] = [];
  const merge = (before: unknown, after: unknown, at: string): unknown => {
    if (RELOADABLE.has(at)) return after;
    if (isRecord(before) && isRecord(after)) {
      const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
      const members = [...keys].map((key): [string, unknown] => [
        key,
        merge(before[key], after[key], at === '' ? key : `${at}.${key}`),
      ]);
      return Object.fromEntries(members.filter(([, value]) => value !== undefined));
    }
    if (JSON.stringify(before) !== JSON.stringify(after)) restart.push(at);
    return before;
  };
  // Each member is that of one of two configurations that fit the schema.
  return { config: merge(running, next, '') as BridgeConfig, restart };
}
