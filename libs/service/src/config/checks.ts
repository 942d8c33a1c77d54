import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import type { PathFault } from './faults.js';
import { secretFileFaults } from './secret-files.js';
import type { BridgeConfig } from './schema.js';

/** Which service reads the configuration: each needs other parts of it. */
export type ServiceRole = 'bridge' | 'gateway' | 'router';

/** What no schema can say: references between fields, files that must exist, and what would be unsafe. */
export function crossChecks(config: BridgeConfig, role: ServiceRole): PathFault[] {
  return [
    ...viewFaults(config),
    ...serverFaults(config),
    ...keyFaults(config),
    ...(role === 'router' ? [] : gatewayFaults(config)),
    ...(role === 'bridge' ? [] : linkFaults(config, role)),
    ...secretFileFaults(config),
  ];
}

/** Things that work, but probably not as meant. */
export function advice(config: BridgeConfig, role: ServiceRole, searchPath: string): string[] {
  const notes: string[] = [];
  for (const [name, server] of Object.entries(config.servers)) {
    if (role === 'gateway' || server.disabled || !('command' in server)) continue;
    if (!commandExists(server.command, server.cwd, searchPath)) {
      notes.push(`servers.${name}.command: not found; this server will not start`);
    }
  }
  if (role !== 'router' && config.auth.anonymous !== undefined && !isLoopback(config.gateway.host)) {
    notes.push('auth.anonymous: anyone who reaches gateway.host may call every server');
  }
  if (role !== 'router' && config.gateway.tls === undefined && !isLoopback(config.gateway.host)) {
    notes.push('gateway.tls: keys cross the network in clear unless a proxy in front ends TLS');
  }
  if (!isLoopback(config.admin.host)) {
    notes.push('admin.host: /metrics and /debug are open to whoever reaches that address');
  }
  return notes;
}

function viewFaults(config: BridgeConfig): PathFault[] {
  return Object.entries(config.views).flatMap(([name, view]) => [
    ...(Object.hasOwn(config.servers, name)
      ? [{ path: ['views', name], reason: `/mcp/${name} is already the server "${name}"; rename the view` }]
      : []),
    ...view.servers.flatMap((server, index) => {
      const at = ['views', name, 'servers', index];
      if (!Object.hasOwn(config.servers, server))
        return [{ path: at, reason: `there is no server "${server}"` }];
      return view.servers.indexOf(server) === index
        ? []
        : [{ path: at, reason: `"${server}" is listed twice` }];
    }),
  ]);
}

function serverFaults(config: BridgeConfig): PathFault[] {
  return Object.entries(config.servers).flatMap(([name, server]) => {
    if (!('url' in server)) return [];
    const url = new URL(server.url);
    const at = ['servers', name, 'url'];
    const faults: PathFault[] = [];
    if (url.username !== '' || url.password !== '') {
      faults.push({ path: at, reason: 'must not hold a user or password; put the credential in "headers"' });
    }
    if (url.protocol === 'http:' && !isLoopback(url.hostname) && !server.allowPrivateNetwork) {
      const reason = 'plain http beyond this machine; use https, or set allowPrivateNetwork: true';
      faults.push({ path: at, reason });
    }
    return faults;
  });
}

function keyFaults(config: BridgeConfig): PathFault[] {
  const { keys } = config.auth;
  return keys.flatMap((key, index) => {
    const faults: PathFault[] = [];
    const earlier = keys.slice(0, index);
    if (earlier.some((other) => other.sha256 === key.sha256)) {
      faults.push({ path: ['auth', 'keys', index, 'sha256'], reason: 'the same key is listed twice' });
    }
    return faults;
  });
}

function gatewayFaults(config: BridgeConfig): PathFault[] {
  if (config.auth.keys.length > 0 || config.auth.anonymous !== undefined) return [];
  const reason =
    'nobody could call: add a key ("mcp-bridge key" makes one), or "anonymous: {}" to let everybody in';
  return [{ path: ['auth'], reason }];
}

function linkFaults(config: BridgeConfig, role: ServiceRole): PathFault[] {
  const faults: PathFault[] = [];
  const proved = config.link.tokenFile !== undefined || config.link.tls?.caFile !== undefined;
  if (role === 'router') {
    if (!proved && !isLoopback(config.router.host)) {
      const reason = 'required when router.host is not loopback (or link.tls with caFile)';
      faults.push({ path: ['link', 'tokenFile'], reason });
    }
    return faults;
  }
  if (config.gateway.routers.length === 0) {
    faults.push({ path: ['gateway', 'routers'], reason: 'name at least one router, host:port' });
  }
  config.gateway.routers.forEach((address, index) => {
    const match = /^(\[[0-9A-Fa-f:.]+\]|[^:\s/]+):(\d{1,5})$/.exec(address);
    const at = ['gateway', 'routers', index];
    if (match === null || Number(match[2]) > 65_535 || match[2] === '0') {
      faults.push({ path: at, reason: 'expected host:port' });
    } else if (!proved && !isLoopback(match[1] ?? '')) {
      faults.push({ path: at, reason: 'a router beyond this machine needs link.tokenFile or link.tls' });
    }
  });
  return faults;
}

/** True for names and addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

function commandExists(command: string, cwd: string | undefined, searchPath: string): boolean {
  const candidates = command.includes('/')
    ? [path.resolve(cwd ?? '.', command)]
    : searchPath.split(path.delimiter).map((folder) => path.join(folder, command));
  return candidates.some((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}
