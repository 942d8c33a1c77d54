import { request } from 'node:http';
import { createMetrics } from '@mcp-bridge/metrics';
import { afterEach, expect, test } from 'vitest';
import { type AdminServer, startAdminServer } from './admin-server.js';
import { createLogger } from './logging.js';

const metrics = createMetrics({ processMetrics: false });
const log = createLogger({ name: 'test', level: 'silent' });
const open: AdminServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(port: number, reasons: string[] = []): Promise<AdminServer> {
  const source = { notReady: () => reasons, state: () => ({ parts: { link: { routers: 2 } } }) };
  const server = await startAdminServer({ config: { host: '127.0.0.1', port }, metrics, log, source });
  open.push(server);
  return server;
}

test('answers the four paths, and nothing else', async () => {
  const reasons = ['link: no router'];
  const { port } = await start(0, reasons);
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect((await get('/livez')).status).toBe(200);
  const notReady = await get('/readyz');
  expect(notReady.status).toBe(503);
  expect(await notReady.json()).toEqual({ ready: false, reasons: ['link: no router'] });
  reasons.length = 0;
  expect((await get('/readyz')).status).toBe(200);
  const exposed = await get('/metrics');
  expect(exposed.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  expect(await exposed.text()).toContain('# TYPE mcp_requests_total counter');
  expect(await (await get('/debug/state')).json()).toEqual({ parts: { link: { routers: 2 } } });
  expect((await get('/')).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${port}/livez`, { method: 'POST' })).status).toBe(405);
});

test('takes the next free port when the wanted one is taken', async () => {
  const first = await start(0);
  const second = await start(first.port);
  expect(second.port).toBeGreaterThan(first.port);
});

test('refuses a foreign host name on loopback', async () => {
  const { port } = await start(0);
  const status = (host: string) =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '/debug/state', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  expect(await status('evil.example')).toBe(403);
  expect(await status('localhost:1')).toBe(200);
  expect(await status('[::1]:1')).toBe(200);
});

test('says which address it could not open', async () => {
  const source = { notReady: () => [], state: () => ({}) };
  await expect(
    startAdminServer({ config: { host: '192.0.2.1', port: 0 }, metrics, log, source }),
  ).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('192.0.2.1:0') });
});
