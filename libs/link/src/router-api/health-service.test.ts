import { credentials, status, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  HealthClient,
  HealthCheckResponse_ServingStatus as ServingStatus,
  type HealthCheckResponse,
} from '../gen/grpc/health/v1/health.js';
import { type LinkServer, startLinkServer } from '../link-server.js';
import { ScriptedHandler } from '../testing/scripted-handler.js';
import { createRouterApi, type RouterApi } from './router-api.js';

const ROUTER = 'mcp_bridge.router.v1.RouterService';
let isServing = true;
let api: RouterApi;
let server: LinkServer;
let client: HealthClient;

beforeEach(async () => {
  isServing = true;
  const handler = new ScriptedHandler();
  api = createRouterApi({ handler, servers: () => [], isServing: () => isServing });
  server = await startLinkServer({ host: '127.0.0.1', port: 0, handler, extend: api.addTo });
  client = new HealthClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
});
afterEach(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

function check(service: string): Promise<ServingStatus | ServiceError> {
  return new Promise((resolve) => {
    client.check({ service }, (error, response) => resolve(error ?? response.status));
  });
}

/** The states that a watcher hears, one at a time; then why its stream ended. */
function watch(service: string) {
  const stream = client.watch({ service }) as ClientReadableStream<HealthCheckResponse>;
  const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
  const states: ServingStatus[] = [];
  const waiting: (() => void)[] = [];
  stream.on('data', (response: HealthCheckResponse) => {
    states.push(response.status);
    waiting.shift()?.();
  });
  const next = async (): Promise<ServingStatus | undefined> => {
    if (states.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    return states.shift();
  };
  return { next, ended, states };
}

test('Check says whether the router is ready, for the server and for its API', async () => {
  expect(await check('')).toBe(ServingStatus.SERVING);
  expect(await check(ROUTER)).toBe(ServingStatus.SERVING);
  isServing = false;
  expect(await check('')).toBe(ServingStatus.NOT_SERVING);
  expect(await check(ROUTER)).toBe(ServingStatus.NOT_SERVING);
  expect(await check('somebody.Else')).toMatchObject({ code: status.NOT_FOUND });
});

test('Watch tells the state and each change of it', async () => {
  const watcher = watch(ROUTER);
  expect(await watcher.next()).toBe(ServingStatus.SERVING);
  isServing = false;
  expect(await watcher.next()).toBe(ServingStatus.NOT_SERVING);
  isServing = true;
  expect(await watcher.next()).toBe(ServingStatus.SERVING);
  expect(await watch('somebody.Else').next()).toBe(ServingStatus.SERVICE_UNKNOWN);
});

test('a drain tells watchers and lets them go, so that the server ends at once', async () => {
  const watcher = watch('');
  const stranger = watch('somebody.Else');
  expect(await watcher.next()).toBe(ServingStatus.SERVING);
  expect(await stranger.next()).toBe(ServingStatus.SERVICE_UNKNOWN);
  api.drain();
  expect(await watcher.next()).toBe(ServingStatus.NOT_SERVING);
  expect((await watcher.ended).code).toBe(status.UNAVAILABLE);
  expect((await stranger.ended).code).toBe(status.UNAVAILABLE);
  expect(await check('')).toBe(ServingStatus.NOT_SERVING);

  const late = watch('');
  expect(await late.next()).toBe(ServingStatus.NOT_SERVING);
  expect((await late.ended).code).toBe(status.UNAVAILABLE);
  const before = performance.now();
  await server.drain(30_000);
  expect(performance.now() - before).toBeLessThan(10_000);
});
