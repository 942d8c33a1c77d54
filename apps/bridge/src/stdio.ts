import { fstatSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { serveStdio } from '@mcp-bridge/edge';
import { createInProcessLink, type Principal } from '@mcp-bridge/link';
import { BridgeError } from '@mcp-bridge/protocol';
import { addRouting } from '@mcp-bridge/routing';
import {
  type ConfigSources,
  createLogger,
  EXIT_CONFIG,
  flushLog,
  isLoopback,
  runService,
} from '@mcp-bridge/service';
import { Relay } from './relay/relay.js';

/** Whoever spawned this process with its configuration. */
const PRINCIPAL: Principal = { tenant: 'default', id: 'stdio' };

/** `mcp-bridge stdio -c FILE`: everything in this process, for one client on the standard streams. */
export function runStdio(sources: ConfigSources, view: string): Promise<number> {
  const output = takeStandardOutput();
  return runService({ ...sources, role: 'stdio' }, (context) => {
    const { config, log, metrics, service } = context;
    const routing = addRouting(context);
    const link = createInProcessLink(routing.handler, { log });
    let callTimeoutMs = config.gateway.callTimeout;
    const client = serveStdio({
      link,
      input: process.stdin,
      output,
      config: config.gateway,
      callTimeoutMs: () => callTimeoutMs,
      log,
      metrics,
      principal: PRINCIPAL,
      view,
    });
    service.add('client', {
      prepare: (change) => () => {
        callTimeoutMs = change.config.gateway.callTimeout;
      },
      drain: (timeoutMs) => client.drain(timeoutMs),
    });
    void client.ended.then(() => service.stop('the client has ended its side'));
  });
}

export interface RelayTarget {
  /** URL of a bridge, such as `https://mcp.example/mcp`. */
  readonly connect: string;
  /** File with the API key. */
  readonly keyFile: string | undefined;
}

/** `mcp-bridge stdio --connect URL`: carries the standard streams to a running bridge. */
export async function runRelay({ connect, keyFile }: RelayTarget): Promise<number> {
  const output = takeStandardOutput();
  const log = createLogger({ name: 'stdio', level: 'info' });
  let relay: Relay;
  try {
    const url = webSocketUrl(connect);
    const key = keyFile === undefined ? '' : readKey(keyFile);
    if (key !== '' && url.protocol === 'ws:' && !isLoopback(url.hostname)) {
      log.warn('the key crosses the network in clear; use an https URL');
    }
    relay = new Relay({ url, key, log, input: process.stdin, output });
  } catch (error) {
    process.stderr.write(`${BridgeError.from(error).message}\n`);
    return EXIT_CONFIG;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => relay.close());
  const end = await relay.ended;
  if (end !== undefined) log.fatal(`the bridge refuses this client: ${end.refused}`);
  await flushLog(log);
  return end === undefined ? 0 : 1;
}

/**
 * The real standard output, for MCP alone: what else in this process prints goes to standard error. A pipe is
 * written without blocking, so that a client that does not read holds up nothing but itself.
 */
function takeStandardOutput(): Writable {
  const { stdout } = process;
  const kind = fstatSync(stdout.fd);
  const isPipe = kind.isFIFO() || kind.isSocket();
  const output = isPipe ? new Socket({ fd: stdout.fd, readable: false, writable: true }) : stdout;
  Object.defineProperty(process, 'stdout', { value: process.stderr });
  return output;
}

/** @throws {BridgeError} CONFIG_INVALID */
function webSocketUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = { 'http:': 'ws:', 'https:': 'wss:', 'ws:': 'ws:', 'wss:': 'wss:' }[url?.protocol ?? ''];
  if (url === undefined || protocol === undefined) {
    throw new BridgeError('CONFIG_INVALID', `--connect: "${text}" is no http, https, ws or wss URL`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new BridgeError('CONFIG_INVALID', '--connect: the URL holds a credential; use --key-file');
  }
  url.protocol = protocol;
  url.hash = '';
  return url;
}

/** @throws {BridgeError} CONFIG_INVALID */
function readKey(file: string): string {
  let key: string;
  try {
    key = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new BridgeError('CONFIG_INVALID', `--key-file: ${file} cannot be read`, { cause });
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new BridgeError('CONFIG_INVALID', `--key-file: ${file} must hold one API key and nothing else`);
  }
  return key;
}
