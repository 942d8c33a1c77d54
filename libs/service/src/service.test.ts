import { EventEmitter } from 'node:events';
import { BridgeError } from '@mcp-bridge/protocol';
import { createMetrics } from '@mcp-bridge/metrics';
import { expect, test } from 'vitest';
import { configSchema } from './config/schema.js';
import { createLogger } from './logging.js';
import { type Service, startService } from './service.js';

async function start(
  drainTimeoutMs = 5_000,
  hasAdmin = true,
  onHangUp?: () => void,
): Promise<{ service: Service; signals: EventEmitter }> {
  const signals = new EventEmitter();
  const service = await startService({
    name: 'test',
    admin: hasAdmin ? { host: '127.0.0.1', port: 0 } : undefined,
    log: createLogger({ name: 'test', level: 'silent' }),
    metrics: createMetrics({ processMetrics: false }),
    drainTimeoutMs,
    process: signals,
    sameSignalMs: 0,
    ...(onHangUp === undefined ? {} : { onHangUp }),
  });
  return { service, signals };
}

/** Adds two parts that write down what happens to them. */
function addTwo(service: Service): string[] {
  const seen: string[] = [];
  for (const name of ['link', 'gateway']) {
    service.add(name, {
      drain: () => Promise.resolve(void seen.push(`drain ${name}`)),
      close: () => Promise.resolve(void seen.push(`close ${name}`)),
    });
  }
  return seen;
}

const never = (): Promise<void> => new Promise(() => undefined);

test('a signal drains the parts in reverse order, then closes them, with exit code 0', async () => {
  const { service, signals } = await start();
  const seen = addTwo(service);
  service.ready();
  signals.emit('SIGTERM');
  expect(await service.stopped).toBe(0);
  expect(seen).toEqual(['drain gateway', 'drain link', 'close gateway', 'close link']);
  expect(signals.eventNames()).toEqual([]);
});

test('without an admin server it opens no port, and ends alike', async () => {
  const { service } = await start(5_000, false);
  const seen = addTwo(service);
  expect(service.adminPort).toBe(0);
  await service.stop('done');
  expect(await service.stopped).toBe(0);
  expect(seen).toHaveLength(4);
});

test('a part that does not drain is given up at the deadline, and everything still closes', async () => {
  const { service, signals } = await start(20);
  const seen = addTwo(service);
  service.add('stuck', { drain: never });
  signals.emit('SIGINT');
  expect(await service.stopped).toBe(0);
  expect(seen).toEqual(['close gateway', 'close link']);
});

test('a second signal closes at once', async () => {
  const { service, signals } = await start(600_000);
  const seen = addTwo(service);
  service.add('slow', { drain: never });
  signals.emit('SIGINT');
  signals.emit('SIGINT');
  expect(await service.stopped).toBe(0);
  expect(seen).toEqual(['close gateway', 'close link']);
});

test('an uncaught exception closes everything and exits 1', async () => {
  const { service, signals } = await start();
  const seen = addTwo(service);
  service.ready();
  signals.emit('uncaughtException', new Error('bug'));
  expect(await service.stopped).toBe(1);
  expect(seen).toEqual(['close gateway', 'close link']);
});

test('SIGHUP does not end a service that can be reloaded, and ends the others', async () => {
  let asked = 0;
  const { service, signals } = await start(5_000, false, () => (asked += 1));
  signals.emit('SIGHUP');
  expect([asked, service.state]).toEqual([1, 'starting']);
  await service.stop('test');
  const other = await start(5_000, false);
  other.signals.emit('SIGHUP');
  expect(await other.service.stopped).toBe(0);
});

test('a configuration is put in force in all parts, or in none', async () => {
  const { service } = await start(5_000, false);
  const seen: string[] = [];
  const refusals: BridgeError[] = [];
  service.add('first', {
    prepare: ({ cause }) => {
      seen.push('prepare first');
      return () => void seen.push(`first by ${cause}`);
    },
  });
  service.add('second', {
    prepare: () => {
      for (const refusal of refusals) throw refusal;
      return () => void seen.push('second');
    },
  });
  const change = { config: configSchema.parse({}), cause: 'file' as const };
  await service.reconfigure(change);
  expect(seen.splice(0)).toEqual(['prepare first', 'first by file', 'second']);
  refusals.push(new BridgeError('CONFIG_INVALID', 'not with me'));
  await expect(service.reconfigure(change)).rejects.toThrow('not with me');
  expect(seen).toEqual(['prepare first']);
  await service.stop('test');
});

test('one part that fails to drain does not keep the others from it', async () => {
  const { service } = await start();
  const seen = addTwo(service);
  service.add('broken', {
    drain: () => Promise.reject(new Error('no')),
    close: () => Promise.reject(new Error('no')),
  });
  await service.stop('test');
  expect(seen).toEqual(['drain gateway', 'drain link', 'close gateway', 'close link']);
});

test('readiness follows the state and every part', async () => {
  const { service } = await start();
  let problem: string | undefined = 'no router is up';
  service.add('link', { notReady: () => problem, state: () => ({ routers: 0 }) });
  const readyz = async () => {
    const response = await fetch(`http://127.0.0.1:${service.adminPort}/readyz`);
    return { status: response.status, body: await response.json() };
  };
  expect(await readyz()).toEqual({
    status: 503,
    body: { ready: false, reasons: ['test is starting', 'no router is up'] },
  });
  service.ready();
  problem = undefined;
  expect((await readyz()).status).toBe(200);
  const state = await fetch(`http://127.0.0.1:${service.adminPort}/debug/state`);
  expect(await state.json()).toMatchObject({
    service: 'test',
    state: 'ready',
    parts: { link: { routers: 0 } },
  });
  await service.stop('test');
});
