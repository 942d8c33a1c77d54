import { BridgeError } from '@mcp-bridge/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initialize, post, send } from '../test-client.js';
import { json, randomSecret, startTestGateway, type TestGateway } from '../test-gateway.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway.close());

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };

describe('initialize', () => {
  it('answers with what the router says of the view', async () => {
    const { response, token } = await initialize(`${gateway.url}/files`);
    expect(response.status).toBe(200);
    expect(response.json).toEqual({
      jsonrpc: '2.0',
      id: 0,
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: { listChanged: true }, logging: {} },
        serverInfo: { name: 'test-router', version: '9' },
        instructions: 'Be kind.',
      },
    });
    expect(token).toMatch(/^[\x21-\x7e]+$/);
    const { request } = await gateway.router.nth('server/discover');
    expect(request).toMatchObject({
      view: 'files',
      protocolVersion: '2025-11-25',
      capabilities: '{"sampling":{}}',
      session: '',
    });
  });

  it.each([
    ['2025-11-25', '2025-11-25'],
    ['2025-06-18', '2025-06-18'],
    ['2025-03-26', '2025-03-26'],
    ['2024-11-05', '2024-11-05'],
    ['2026-07-28', '2025-11-25'],
    ['1900-01-01', '2025-11-25'],
    ['', '2025-11-25'],
  ])('negotiates %s to %s', async (requested, negotiated) => {
    const { response } = await initialize(gateway.url, requested);
    expect(response.json.result?.['protocolVersion']).toBe(negotiated);
  });

  it.each([
    [undefined],
    [{}],
    [{ protocolVersion: 1 }],
    [{ protocolVersion: '2025-11-25', capabilities: [] }],
    [{ protocolVersion: '2025-11-25', capabilities: {}, clientInfo: 'me' }],
  ])('refuses params %j with 400', async (params) => {
    const response = await post(gateway.url, { jsonrpc: '2.0', id: 3, method: 'initialize', params });
    expect([response.status, response.json.error?.code, response.json.id]).toEqual([400, -32602, 3]);
    expect(response.headers['mcp-session-id']).toBeUndefined();
  });

  it('asks the router once for many clients, and shares its answer for a while', async () => {
    const begun = Array.from({ length: 20 }, () => initialize(gateway.url));
    await Promise.all(begun);
    await initialize(gateway.url);
    expect(gateway.router.callsOf('server/discover')).toHaveLength(1);
  });

  it('asks again after a failure, and when the answer is not to be kept', async () => {
    gateway.router.on('server/discover', (call) =>
      call.sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'Down')),
    );
    const { response, token } = await initialize(gateway.url);
    expect([response.status, response.json.error?.code, token]).toEqual([200, -31001, '']);
    gateway.router.on('server/discover', (call) => call.sink.onResult(json({ capabilities: {}, ttlMs: 0 })));
    for (let round = 0; round < 2; round += 1)
      expect((await initialize(gateway.url)).response.status).toBe(200);
    expect(gateway.router.callsOf('server/discover')).toHaveLength(3);
  });

  it('is 404 for a view that does not exist', async () => {
    gateway.router.on('server/discover', (call) =>
      call.sink.onError(new BridgeError('METHOD_NOT_FOUND', 'No such view')),
    );
    const { response } = await initialize(`${gateway.url}/nope`);
    expect([response.status, response.json.error?.code]).toEqual([404, -32601]);
  });

  it('cuts a long client info down to what fits a header', async () => {
    const clientInfo = {
      name: 'n',
      version: '2',
      icons: [{ src: `data:image/png;base64,${'A'.repeat(50_000)}` }],
    };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const response = await post(gateway.url, { jsonrpc: '2.0', id: 3, method: 'initialize', params });
    const token = String(response.headers['mcp-session-id']);
    expect(token.length).toBeLessThan(500);
    gateway.router.on('tools/list', (call) => call.sink.onResult(json({ tools: [] })));
    await post(gateway.url, { jsonrpc: '2.0', id: 4, method: 'tools/list' }, { 'mcp-session-id': token });
    const { request } = await gateway.router.nth('tools/list');
    expect(JSON.parse(request.clientInfo)).toEqual({ name: 'n', version: '2' });
  });

  it('refuses capabilities that no header can carry', async () => {
    const noise = Object.fromEntries(Array.from({ length: 40 }, () => [randomSecret(), {}]));
    const params = { protocolVersion: '2025-11-25', capabilities: { experimental: noise } };
    const response = await post(gateway.url, { jsonrpc: '2.0', id: 3, method: 'initialize', params });
    expect([response.status, response.json.error?.code]).toEqual([400, -32602]);
  });
});

describe('legacy sessions', () => {
  it('need their token: 400 without one, 404 with a wrong one', async () => {
    const { token, headers } = await initialize(gateway.url);
    const altered = `${token.slice(0, 20)}${token[20] === 'A' ? 'B' : 'A'}${token.slice(21)}`;
    const cases: [string | undefined, number][] = [
      [undefined, 400],
      ['', 400],
      [altered, 404],
      [token.slice(0, -1), 404],
      ['made-up', 404],
    ];
    for (const [id, status] of cases) {
      const response = await post(gateway.url, PING, { ...headers, 'mcp-session-id': id });
      expect([id, response.status]).toEqual([id, status]);
    }
  });

  it('belong to their view', async () => {
    const { headers } = await initialize(`${gateway.url}/files`);
    expect((await post(`${gateway.url}/files`, PING, headers)).status).toBe(200);
    expect((await post(gateway.url, PING, headers)).status).toBe(404);
    expect((await post(`${gateway.url}/other`, PING, headers)).status).toBe(404);
  });

  it.each([
    [undefined, 200],
    ['2025-11-25', 200],
    ['2025-06-18', 200],
    ['2025-03-26', 200],
    ['1999-01-01', 400],
    ['garbage', 400],
    ['2026-07-28', 400],
  ])('with MCP-Protocol-Version %s get %i', async (version, status) => {
    const { headers } = await initialize(gateway.url);
    const response = await post(gateway.url, PING, { ...headers, 'mcp-protocol-version': version });
    expect(response.status).toBe(status);
  });

  it('end by DELETE, here and at the router', async () => {
    gateway.router.on('session/end', (call) => call.sink.onResult(json({})));
    const { headers } = await initialize(gateway.url);
    const other = await initialize(gateway.url);
    const ended = await send(gateway.url, { method: 'DELETE', headers });
    expect([ended.status, ended.text]).toEqual([204, '']);
    const { request } = await gateway.router.nth('session/end');
    expect(request.session).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect((await post(gateway.url, PING, headers)).status).toBe(404);
    expect((await send(gateway.url, { method: 'DELETE', headers })).status).toBe(404);
    expect((await post(gateway.url, PING, other.headers)).status).toBe(200);
  });

  it('end here also when the router cannot be asked', async () => {
    gateway.router.on('session/end', (call) =>
      call.sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'Down')),
    );
    const { headers } = await initialize(gateway.url);
    expect((await send(gateway.url, { method: 'DELETE', headers })).status).toBe(204);
    expect((await post(gateway.url, PING, headers)).status).toBe(404);
  });

  it('cannot be ended without a token', async () => {
    expect((await send(gateway.url, { method: 'DELETE' })).status).toBe(400);
  });

  it('go on at another replica with the same key file, also after the key was rotated', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edge-'));
    const [first, second] = [randomSecret(), randomSecret()];
    const fileOf = async (name: string, secrets: string[]) => {
      await writeFile(join(folder, name), `${secrets.join('\n')}\n`);
      return { sessionKeyFile: join(folder, name) };
    };
    const before = await startTestGateway({ config: await fileOf('before', [first]) });
    const after = await startTestGateway({ config: await fileOf('after', [second, first]) });
    const foreign = await startTestGateway();
    const { headers } = await initialize(before.url);
    expect((await post(after.url, PING, headers)).status).toBe(200);
    expect((await post(foreign.url, PING, headers)).status).toBe(404);
    const { headers: newer } = await initialize(after.url);
    expect((await post(before.url, PING, newer)).status).toBe(404);
    await Promise.all([before.close(), after.close(), foreign.close()]);
    await rm(folder, { recursive: true });
  });
});
