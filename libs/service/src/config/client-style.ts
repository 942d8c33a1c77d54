import type { PathFault } from './faults.js';
import { isRecord } from './is-record.js';

/** Servers as `bridge.yaml` has them, made from a client's `mcpServers`. */
export interface ClientStyleServers {
  readonly servers: Record<string, unknown>;
  readonly faults: readonly PathFault[];
  readonly warnings: readonly string[];
}

const HTTP_TYPES = ['http', 'streamable-http', 'streamableHttp', 'streamable_http', 'sse'];
const KEPT = ['command', 'args', 'env', 'cwd', 'url', 'headers', 'disabled'];

/**
 * Reads `{"mcpServers": {name: {command, args, env} | {url, type, headers}}}` as clients write it. Fields that
 * only mean something to a client are ignored with a warning; names that cannot prefix a tool are rewritten. Which
 * HTTP transport a URL speaks is found out: files name the old one for servers that have long had the new one.
 */
export function fromClientStyle(mcpServers: unknown): ClientStyleServers {
  if (!isRecord(mcpServers)) {
    return {
      servers: {},
      faults: [{ path: ['mcpServers'], reason: 'expected an object of servers' }],
      warnings: [],
    };
  }
  const servers: Record<string, unknown> = {};
  const faults: PathFault[] = [];
  const warnings: string[] = [];
  for (const [name, entry] of Object.entries(mcpServers)) {
    const at = ['mcpServers', name];
    if (!isRecord(entry)) {
      faults.push({ path: at, reason: 'expected an object with "command" or "url"' });
      continue;
    }
    const safe = safeName(name);
    if (safe !== name) warnings.push(`mcpServers: "${name}" is served as "${safe}"`);
    if (Object.hasOwn(servers, safe)) {
      faults.push({ path: at, reason: `becomes "${safe}", which another server has; rename one` });
      continue;
    }
    const ignored = Object.keys(entry).filter((key) => !KEPT.includes(key) && !isUnderstood(key));
    if (ignored.length > 0) warnings.push(`mcpServers.${name}: ignored ${ignored.join(', ')}`);
    const server = Object.fromEntries(Object.entries(entry).filter(([key]) => KEPT.includes(key)));
    const url = entry['url'] ?? entry['serverUrl'] ?? entry['httpUrl'];
    if (url !== undefined) server['url'] = url;
    const type = entry['type'] ?? entry['transport'];
    if (type !== undefined && !typeFits(type, url !== undefined)) {
      const expected = url === undefined ? 'stdio' : 'http';
      faults.push({ path: [...at, 'type'], reason: `does not fit the other fields; expected "${expected}"` });
    }
    servers[safe] = server;
  }
  return { servers, faults, warnings };
}

function isUnderstood(key: string): boolean {
  return ['type', 'transport', 'serverUrl', 'httpUrl'].includes(key);
}

function typeFits(type: unknown, hasUrl: boolean): boolean {
  return hasUrl ? HTTP_TYPES.includes(String(type)) : type === 'stdio';
}

function safeName(name: string): string {
  const replaced = name
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/_{2,}/g, '_')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9.-]+$/g, '')
    .slice(0, 60);
  return replaced === '' ? 'server' : replaced;
}
