import { accessSync, constants, statSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import type { PathFault } from './faults.js';
import { secretFileFaults } from './secret-files.js';
import type { BridgeConfig } from './schema.js';

/** Which service reads the configuration: each needs other parts of it. `stdio` listens on no port. */
export type ServiceRole = 'bridge' | 'gateway' | 'router' | 'stdio';

/** What no schema can say: references between fields, files that must exist, and what would be unsafe. */
export function crossChecks(config: BridgeConfig, role: ServiceRole): PathFault[] {
  return [
    ...viewFaults(config),
    ...toolFaults(config),
    ...serverFaults(config),
    ...keyFaults(config),
    ...(role === 'bridge' || role === 'gateway' ? [...gatewayFaults(config), ...tcpFaults(config)] : []),
    ...(role === 'gateway' || role === 'router' ? linkFaults(config, role) : []),
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
  if (role === 'bridge' || role === 'gateway') notes.push(...exposureNotes(config));
  if (role !== 'stdio' && !isLoopback(config.admin.host)) {
    notes.push('admin.host: /metrics and /debug are open to whoever reaches that address');
  }
  return notes;
}

/** What a client-facing address beyond this machine makes of the rest. */
function exposureNotes({ auth, gateway }: BridgeConfig): string[] {
  const notes: string[] = [];
  const { tcp } = gateway;
  const http = !isLoopback(gateway.host);
  const framed = tcp !== undefined && !isLoopback(tcp.host ?? gateway.host);
  if (auth.anonymous !== undefined && (http || framed)) {
    const where = http ? 'gateway.host' : 'gateway.tcp.host';
    notes.push(`auth.anonymous: anyone who reaches ${where} may call every server`);
  }
  if (http && gateway.tls === undefined) {
    notes.push('gateway.tls: keys cross the network in clear unless a proxy in front ends TLS');
  }
  if (framed && (tcp.tls ?? gateway.tls) === undefined) {
    notes.push('gateway.tcp.tls: keys cross the network in clear unless a proxy in front ends TLS');
  }
  return notes;
}

function viewFaults(config: BridgeConfig): PathFault[] {
  const known = (server: string): boolean =>
    Object.hasOwn(config.servers, server) || (config.tools.length > 0 && server === config.workers.name);
  return Object.entries(config.views).flatMap(([name, view]) => [
    ...(Object.hasOwn(config.servers, name)
      ? [{ path: ['views', name], reason: `/mcp/${name} is already the server "${name}"; rename the view` }]
      : []),
    ...view.servers.flatMap((server, index) => {
      const at = ['views', name, 'servers', index];
      if (!known(server)) return [{ path: at, reason: `there is no server "${server}"` }];
      return view.servers.indexOf(server) === index
        ? []
        : [{ path: at, reason: `"${server}" is listed twice` }];
    }),
  ]);
}

/** Native tools appear as one more server. */
function toolFaults(config: BridgeConfig): PathFault[] {
  const { name } = config.workers;
  if (config.tools.length === 0) return [];
  const reason = (what: string): string =>
    `the native tools have this name; rename the ${what} or set workers.name`;
  return (['servers', 'views'] as const)
    .filter((section) => Object.hasOwn(config[section], name))
    .map((section) => ({ path: [section, name], reason: reason(section.slice(0, -1)) }));
}

function serverFaults(config: BridgeConfig): PathFault[] {
  return Object.entries(config.servers).flatMap(([name, server]) => {
    if (!('url' in server)) return [];
    const at = ['servers', name, 'url'];
    const faults: PathFault[] = [];
    if (new Set(server.url).size < server.url.length) {
      faults.push({ path: at, reason: 'lists the same URL twice' });
    }
    for (const url of server.url.map((text) => new URL(text))) {
      if (url.username !== '' || url.password !== '') {
        faults.push({
          path: at,
          reason: 'must not hold a user or password; put the credential in "headers"',
        });
      }
      if (url.protocol === 'http:' && !isLoopback(url.hostname) && !server.allowPrivateNetwork) {
        const reason = 'plain http beyond this machine; use https, or set allowPrivateNetwork: true';
        faults.push({ path: at, reason });
      }
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

/** Error replies must fit into a frame. */
const LEAST_FRAME_BYTES = 1024;

function tcpFaults({ gateway }: BridgeConfig): PathFault[] {
  const { tcp, host, port } = gateway;
  if (tcp === undefined) return [];
  const at = ['gateway', 'tcp'];
  const faults: PathFault[] = [];
  if (tcp.port !== 0 && tcp.port === port && (tcp.host ?? host) === host) {
    faults.push({ path: [...at, 'port'], reason: 'gateway.port is the same; TCP needs a port of its own' });
  }
  if (tcp.maxFrameBytes < LEAST_FRAME_BYTES) {
    faults.push({ path: [...at, 'maxFrameBytes'], reason: `must be at least ${LEAST_FRAME_BYTES} bytes` });
  }
  return faults;
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
