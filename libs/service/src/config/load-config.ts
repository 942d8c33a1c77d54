import path from 'node:path';
import { BridgeError } from '@mcp-bridge/protocol';
import { type ServiceRole, advice, crossChecks, isLoopback } from './checks.js';
import { fromClientStyle } from './client-style.js';
import { type ConfigDocument, readDocument } from './document.js';
import { overlayEnvironment } from './environment.js';
import { type ConfigFault, type PathFault, faultLine, issueFaults, pathText } from './faults.js';
import { isRecord } from './is-record.js';
import { type Environment, resolvePaths, resolveReferences, resolveShellStyle } from './references.js';
import { type BridgeConfig, configSchema, httpServer, stdioServer } from './schema.js';

/** Where a configuration comes from. Without any file, defaults and environment alone. */
export interface ConfigSources {
  /** `bridge.yaml`, or a client-style `mcpServers` file. */
  readonly file?: string | undefined;
  /** A client-style `{"mcpServers": …}` file; its servers join those of `file`. */
  readonly mcpConfigFile?: string | undefined;
  readonly env?: Environment;
  /** Who will use it; default `bridge`. */
  readonly role?: ServiceRole;
}

export interface LoadedConfig {
  readonly config: BridgeConfig;
  /** Things that work, but probably not as meant. */
  readonly warnings: readonly string[];
  /** Values that came from `${env:…}` and `${file:…}`; give them to the logger. */
  readonly secrets: readonly string[];
  /** The files that it was made of. */
  readonly files: readonly string[];
}

export type ConfigResult =
  | { readonly ok: true; readonly loaded: LoadedConfig }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** Exit code for a bad configuration (`EX_CONFIG` of sysexits.h). */
export const EXIT_CONFIG = 78;

/**
 * Reads, merges and checks a configuration. Opens nothing but files. All faults come at once, each with its
 * place, so that one round of corrections is enough.
 */
export function readConfig(sources: ConfigSources): ConfigResult {
  const env = sources.env ?? process.env;
  const role = sources.role ?? 'bridge';
  const faults: ConfigFault[] = [];
  const warnings: string[] = [];
  const secrets: string[] = [];
  const layers = [sources.file, sources.mcpConfigFile]
    .filter((file) => file !== undefined)
    .map((file) => readLayer(file, env));
  for (const layer of layers) {
    faults.push(...layer.faults);
    warnings.push(...layer.warnings);
    secrets.push(...layer.secrets);
  }

  const overlay = overlayEnvironment(mergeLayers(layers, faults), env, pathText);
  faults.push(...overlay.faults.map((fault) => ({ source: fault.variable, path: '', reason: fault.reason })));
  const locate = (fault: PathFault): ConfigFault => ({
    source: sourceOf(fault.path, overlay.variables, layers),
    path: pathText(fault.path),
    reason: fault.reason,
  });

  // Checking what could not be read would only add false faults to the true one.
  if (layers.some((layer) => layer.document.faults.length > 0)) return { ok: false, faults };

  const raw = resolvePaths(withClientDefaults(overlay.value, layers, role, warnings), process.cwd());
  const serverFaults = serverBranchFaults(raw);
  const parsed = configSchema.safeParse(raw);
  const otherIssues = (parsed.error?.issues ?? []).filter(
    (issue) => !(issue.path[0] === 'servers' && issue.path.length > 1 && issue.code !== 'invalid_key'),
  );
  const found = [...serverFaults, ...issueFaults(otherIssues)];
  // A server's own kind explains more than the union of both kinds; without such a fault the union must do.
  faults.push(...(found.length > 0 ? found : issueFaults(parsed.error?.issues ?? [])).map(locate));
  if (parsed.success) faults.push(...crossChecks(parsed.data, role).map(locate));
  if (faults.length > 0 || !parsed.success) return { ok: false, faults };
  warnings.push(...advice(parsed.data, role, env['PATH'] ?? ''));
  const files = layers.flatMap((layer) => layer.files);
  return { ok: true, loaded: { config: parsed.data, warnings, secrets, files } };
}

/**
 * Like `readConfig`, for composition roots.
 *
 * @throws {BridgeError} CONFIG_INVALID with one fault a line; exit with `EXIT_CONFIG`
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const result = readConfig(sources);
  if (result.ok) return result.loaded;
  throw new BridgeError('CONFIG_INVALID', result.faults.map(faultLine).join('\n'));
}

interface Layer {
  readonly value: Record<string, unknown>;
  readonly document: ConfigDocument;
  /** Only servers, in a client's format: there is no place in it for anything else. */
  readonly clientStyle: boolean;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly string[];
  readonly secrets: readonly string[];
  readonly files: readonly string[];
}

function readLayer(file: string, env: Environment): Layer {
  const document = readDocument(file);
  const directory = path.dirname(path.resolve(file));
  const resolved = resolveReferences(document.value, env, directory);
  const faults = [...document.faults];
  const add = (fault: PathFault): void => {
    faults.push({ source: document.locate(fault.path), path: pathText(fault.path), reason: fault.reason });
  };
  resolved.faults.forEach(add);
  const base = { document, faults, secrets: resolved.secrets, files: [file, ...resolved.files] };
  if (!isRecord(resolved.value)) {
    add({ path: [], reason: 'expected a mapping of sections such as "servers:"' });
    return { ...base, value: {}, clientStyle: false, warnings: [] };
  }
  const { mcpServers, $schema: _schema, ...rest } = resolved.value;
  if (mcpServers === undefined) {
    const value = resolvePaths(rest, directory);
    return { ...base, value: isRecord(value) ? value : {}, clientStyle: false, warnings: [] };
  }
  const client = fromClientStyle(resolveShellStyle(mcpServers, env));
  client.faults.forEach(add);
  const clientStyle = !['auth', 'gateway', 'servers'].some((section) => Object.hasOwn(rest, section));
  // Client files carry fields of the client itself; only sections of ours are kept from a purely client-style one.
  const kept = clientStyle ? {} : rest;
  const own = isRecord(rest['servers']) ? rest['servers'] : {};
  const value = resolvePaths({ ...kept, servers: { ...client.servers, ...own } }, directory);
  return { ...base, value: isRecord(value) ? value : {}, clientStyle, warnings: client.warnings };
}

function mergeLayers(layers: readonly Layer[], faults: ConfigFault[]): Record<string, unknown> {
  const merged: Record<string, unknown> = {};
  for (const { value, document } of layers) {
    const { servers, ...rest } = value;
    Object.assign(merged, rest);
    if (servers === undefined) continue;
    const before = merged['servers'];
    if (!isRecord(servers) || !isRecord(before)) {
      merged['servers'] = servers;
      continue;
    }
    for (const name of Object.keys(servers).filter((key) => Object.hasOwn(before, key))) {
      faults.push({
        source: document.locate(['mcpServers', name]),
        path: `mcpServers.${name}`,
        reason: 'the other file has a server of this name too',
      });
    }
    merged['servers'] = { ...before, ...servers };
  }
  return merged;
}

/** A client-style file cannot say who may call, so on loopback everybody on this machine may. */
function withClientDefaults(
  value: Record<string, unknown>,
  layers: readonly Layer[],
  role: ServiceRole,
  warnings: string[],
): Record<string, unknown> {
  const onlyClientStyle = layers.length > 0 && layers.every((layer) => layer.clientStyle);
  if (role !== 'bridge' || !onlyClientStyle || Object.hasOwn(value, 'auth')) return value;
  const gateway = value['gateway'];
  const host = isRecord(gateway) ? gateway['host'] : undefined;
  if (typeof host === 'string' && !isLoopback(host)) return value;
  warnings.push('auth: every program on this machine may call, because an mcpServers file names no keys');
  return { ...value, auth: { anonymous: {} } };
}

/** Checks each server against the kind that it means to be, so that no fault speaks of the other kind. */
function serverBranchFaults(raw: unknown): PathFault[] {
  const servers = isRecord(raw) ? raw['servers'] : undefined;
  if (!isRecord(servers)) return [];
  return Object.entries(servers).flatMap(([name, server]) => {
    const at = ['servers', name];
    // zod leaves this one key out without a word.
    if (name === '__proto__') return [{ path: at, reason: 'bad name' }];
    if (!isRecord(server)) {
      return [{ path: at, reason: 'expected a mapping with "command" (to spawn) or "url" (to reach)' }];
    }
    const hasCommand = Object.hasOwn(server, 'command');
    const hasUrl = Object.hasOwn(server, 'url');
    if (hasCommand && hasUrl) return [{ path: at, reason: 'has both "command" and "url"; keep one' }];
    if (!hasCommand && !hasUrl)
      return [{ path: at, reason: 'needs "command" (to spawn) or "url" (to reach)' }];
    const parsed = (hasCommand ? stdioServer : httpServer).safeParse(server);
    return issueFaults(parsed.error?.issues ?? [], at);
  });
}

function sourceOf(
  where: readonly PropertyKey[],
  variables: ReadonlyMap<string, string>,
  layers: readonly Layer[],
): string {
  for (let length = where.length; length > 0; length -= 1) {
    const variable = variables.get(pathText(where.slice(0, length)));
    if (variable !== undefined) return variable;
  }
  const [section, name] = where;
  const layer =
    layers.find(({ value }) => {
      const inside = typeof section === 'string' ? value[section] : undefined;
      return inside !== undefined && (typeof name !== 'string' || (isRecord(inside) && name in inside));
    }) ?? layers[0];
  if (layer === undefined) return '';
  const located = layer.document.locate(where);
  const client = section === 'servers' ? ['mcpServers', ...where.slice(1)] : where;
  return located.includes(':') ? located : layer.document.locate(client);
}
