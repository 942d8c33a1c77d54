import { createMetrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import { expect, test } from 'vitest';
import type { ConfigResult } from '../config/load-config.js';
import { configSchema } from '../config/schema.js';
import { createLogger } from '../logging.js';
import { type ConfigChange, Reloader } from './reloader.js';

type Json = Record<string, unknown>;

function loaded(config: Json, secrets: string[] = []) {
  return { config: configSchema.parse(config), warnings: [], secrets, files: ['bridge.yaml'] };
}

function start(boot: Json) {
  const lines: string[] = [];
  const applied: ConfigChange[] = [];
  const secrets = new Set<string>();
  const metrics = createMetrics({ processMetrics: false });
  const bench = {
    lines,
    applied,
    secrets,
    metrics,
    next: { ok: true, loaded: loaded(boot) } as ConfigResult,
    apply: async (change: ConfigChange): Promise<void> => void applied.push(change),
    settled: async () => {
      await new Promise(setImmediate);
    },
  };
  const reloader = new Reloader({
    running: loaded(boot),
    read: () => bench.next,
    apply: (change) => bench.apply(change),
    secrets,
    metrics,
    log: createLogger({
      name: 'test',
      level: 'info',
      secrets,
      destination: { write: (line: string) => void lines.push(line) },
    }),
  });
  return { ...bench, bench, reloader };
}

const SERVER = { command: 'node' };

test('applies what can change, keeps the rest until a restart and says so', async () => {
  const { bench, reloader, applied, lines, metrics } = start({
    servers: { a: SERVER },
    gateway: { port: 1 },
  });
  reloader.start();
  const gateway = { port: 2, callTimeout: 5, tls: { certFile: 'c', keyFile: 'k' } };
  bench.next = { ok: true, loaded: loaded({ servers: { a: SERVER, b: SERVER }, gateway }) };
  reloader.request('file');
  await bench.settled();
  const [change] = applied;
  expect(Object.keys(change?.config.servers ?? {})).toEqual(['a', 'b']);
  expect(change?.config.gateway).toMatchObject({ port: 1, callTimeout: 5 });
  expect(change?.config.gateway.tls).toBeUndefined();
  expect(reloader.state()).toMatchObject({
    reloads: { applied: 1, refused: 0 },
    lastReload: { cause: 'file', outcome: 'applied' },
    needsRestart: ['gateway.port', 'gateway.tls'],
  });
  expect(lines.join('')).toContain('"fields":["gateway.port","gateway.tls"]');
  expect(await metrics.expose()).toContain('mcp_config_reloads_total{outcome="applied"} 1');
});

test('refuses a configuration with faults whole, names all of them, and takes the next good one', async () => {
  const { bench, reloader, applied, lines, metrics } = start({});
  reloader.start();
  const faults = ['gateway.port', 'servers.a'].map((path) => ({
    source: 'bridge.yaml:1:1',
    path,
    reason: 'no',
  }));
  bench.next = { ok: false, faults };
  reloader.request('signal');
  await bench.settled();
  expect(applied).toEqual([]);
  const expected = ['bridge.yaml:1:1: gateway.port: no', 'bridge.yaml:1:1: servers.a: no'];
  expect(reloader.state()).toMatchObject({ lastReload: { outcome: 'refused', faults: expected } });
  for (const fault of expected) expect(lines.join('')).toContain(fault);
  expect(await metrics.expose()).toContain('mcp_config_reloads_total{outcome="refused"} 1');
  bench.next = { ok: true, loaded: loaded({ servers: { a: SERVER } }) };
  reloader.request('signal');
  await bench.settled();
  expect(applied).toHaveLength(1);
  expect(reloader.state()).toMatchObject({ lastReload: { outcome: 'applied' } });
});

test('a part that cannot work with it has it refused', async () => {
  const { bench, reloader } = start({});
  reloader.start();
  bench.apply = () => Promise.reject(new BridgeError('CONFIG_INVALID', 'auth.keys: no'));
  bench.next = { ok: true, loaded: loaded({ servers: { a: SERVER } }) };
  reloader.request('file');
  await bench.settled();
  expect(reloader.state()).toMatchObject({ lastReload: { outcome: 'refused', faults: ['auth.keys: no'] } });
});

test('a file that says the same is nothing new, a signal is obeyed anyway', async () => {
  const { bench, reloader, applied } = start({ servers: { a: SERVER } });
  reloader.start();
  reloader.request('file');
  await bench.settled();
  expect(applied).toHaveLength(0);
  reloader.request('signal');
  await bench.settled();
  expect(applied.map(({ cause }) => cause)).toEqual(['signal']);
});

test('one attempt at a time, none before the start, and all that is asked meanwhile is one more', async () => {
  const { bench, reloader, applied } = start({});
  let finish = (): void => undefined;
  bench.apply = (change) => {
    applied.push(change);
    return new Promise((resolve) => (finish = resolve));
  };
  reloader.request('file');
  reloader.request('signal');
  await bench.settled();
  expect(applied).toHaveLength(0);
  reloader.start();
  for (let n = 0; n < 3; n += 1) reloader.request('signal');
  await bench.settled();
  expect(applied).toHaveLength(1);
  finish();
  await bench.settled();
  expect(applied).toHaveLength(2);
  finish();
  await bench.settled();
  expect(applied).toHaveLength(2);
});

test('the log blanks out the secrets of a new configuration, too', async () => {
  const { bench, reloader, lines } = start({});
  reloader.start();
  bench.next = {
    ok: true,
    loaded: { ...loaded({}, ['opensesame']), warnings: ['opensesame is a bad secret'] },
  };
  reloader.request('signal');
  await bench.settled();
  expect(lines.join('')).toContain('[redacted] is a bad secret');
});
