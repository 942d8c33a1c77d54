/** The revision whose semantics the bridge uses inside, and announces to modern upstreams. */
export const MODERN_VERSION = '2026-07-28';

/** True when a client of this revision is stateless; revisions are dates, so they order as text. */
export function isModernVersion(version: string): boolean {
  return version >= MODERN_VERSION;
}

export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** RFC 5424 severities in the order of the specification, least severe first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export function isLogLevel(level: string): boolean {
  return LOG_LEVELS.includes(level);
}

/** True when `level` is at least as severe as `threshold`; unknown levels always pass. */
export function passesLevel(level: string, threshold: string): boolean {
  const rank = LOG_LEVELS.indexOf(level);
  return rank < 0 || rank >= LOG_LEVELS.indexOf(threshold);
}
