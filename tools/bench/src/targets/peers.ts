import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort, spawnService, waitFor, type CommandLine } from '@mcp-bridge/testkit';
import type { Target } from './target.js';

const PEERS = fileURLToPath(new URL('../../peers/', import.meta.url));
const CHILDREN = 'upstream servers';

/** What a table calls them. */
export const SUPERGATEWAY = 'supergateway 4.0.0';
export const MCP_PROXY = 'mcp-proxy 6.7.19';

/**
 * Installs the peers into a folder of their own when they are missing. They are no part of the workspace: a
 * package below mcp-proxy asks for a Node that engine-strict would refuse, though it runs on this one.
 *
 * @throws {Error} with npm's output
 */
export function ensurePeers(progress: (line: string) => void): void {
  const missing = Object.entries(wantedVersions()).filter(([name, version]) => installed(name) !== version);
  if (missing.length === 0) return;
  progress(`installing ${missing.map(([name]) => name).join(' and ')} (npm ci in tools/bench/peers)`);
  const npm = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: PEERS, encoding: 'utf8' });
  if (npm.status !== 0)
    throw new Error(
      `npm ci in tools/bench/peers failed (${npm.error?.message ?? `exit ${npm.status}`}); it needs a package ` +
        `registry. Run it by hand to try again.\n${npm.stdout ?? ''}${npm.stderr ?? ''}`,
    );
}

/** supergateway with a session and a child for each client, and without its log line per message. */
export function startSupergateway({ command, args }: CommandLine): Promise<Target> {
  // It hands the command to a shell.
  const stdio = [command, ...args].map((part) => `'${part}'`).join(' ');
  return startPeer('supergateway/dist/index.js', (port) => [
    ...['--stdio', stdio, '--outputTransport', 'streamableHttp', '--stateful'],
    ...['--port', String(port), '--logLevel', 'none'],
  ]);
}

/** mcp-proxy with its defaults, which share one child between the clients. */
export function startMcpProxy({ command, args }: CommandLine): Promise<Target> {
  return startPeer('mcp-proxy/dist/bin/mcp-proxy.mjs', (port) => [
    ...['--port', String(port), '--host', '127.0.0.1', '--server', 'stream'],
    ...['--', command, ...args],
  ]);
}

/** An HTTP proxy of mcp-proxy's own parts: its command line only takes a command to spawn. */
export function startMcpProxyOverHttp(upstreamUrl: string): Promise<Target> {
  return startPeer('../mcp-proxy-over-http.mjs', (port) => [String(port), upstreamUrl]);
}

async function startPeer(script: string, args: (port: number) => string[]): Promise<Target> {
  const port = await freePort();
  // A peer may log nothing, so the shell says that it has started; `exec` keeps the process id.
  const service = await spawnService(
    '/bin/sh',
    [
      '-c',
      'echo started; exec "$@"',
      'sh',
      process.execPath,
      `${PEERS}node_modules/${script}`,
      ...args(port),
    ],
    { readyPattern: /started/, cwd: PEERS },
  );
  const ended = service.exited.then(() => Promise.reject(new Error(`${script} ended:\n${service.output}`)));
  try {
    await Promise.race([
      waitFor(() => accepts(port), { timeoutMs: 30_000, what: `${script} to listen` }),
      ended,
    ]);
  } catch (error) {
    await service.kill();
    throw error;
  }
  ended.catch(() => {});
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    echoTool: 'echo',
    processes: [{ name: 'peer', pid: service.pid, childrenName: CHILDREN }],
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** Whether something listens there. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** The exact versions in this folder's package.json. */
function wantedVersions(): Record<string, string> {
  // A file of our own.
  const { dependencies } = JSON.parse(readFileSync(`${PEERS}package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return dependencies;
}

function installed(name: string): string | undefined {
  const file = `${PEERS}node_modules/${name}/package.json`;
  // An installed package's own file, which always has a version.
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
    : undefined;
}
