import { fileURLToPath } from 'node:url';
import {
  connectLegacyClient,
  connectModernClient,
  createTempFolder,
  echoServerCommand,
  freePort,
  spawnService,
  waitFor,
} from '@mcp-bridge/testkit';
import { expect, test } from 'vitest';

const app = (name: string): string => fileURLToPath(new URL(`../../${name}/src/main.ts`, import.meta.url));
const FROM_SOURCE = ['--conditions=@mcp-bridge/source', '--import', import.meta.resolve('tsx')];

function start(name: string, file: string, env: Record<string, string> = {}) {
  const args = [...FROM_SOURCE, app(name), '-c', file];
  const options = { readyPattern: /"adminPort":(\d+),"msg":"ready"/, readyTimeoutMs: 60_000, env };
  return spawnService(process.execPath, args, options);
}

test('gateway and router, started on their own, serve both kinds of client over a proven link', async () => {
  await using folder = await createTempFolder();
  await folder.write('token', 'a-secret-that-both-know');
  const [gatewayPort, routerPort] = [await freePort(), await freePort()];
  const file = await folder.write(
    'bridge.yaml',
    `servers: { echo: ${JSON.stringify({ ...echoServerCommand(), isolation: 'shared' })} }
auth: { anonymous: {} }
gateway: { port: ${gatewayPort}, routers: ["127.0.0.1:${routerPort}"] }
router: { port: ${routerPort} }
link: { tokenFile: token }
admin: { port: 0 }
`,
  );
  await using gateway = await start('gateway', file);
  const readyz = `http://127.0.0.1:${gateway.ready[1]}/readyz`;
  expect(await (await fetch(readyz)).json()).toEqual({ ready: false, reasons: ['no router can be reached'] });

  await using router = await start('router', file);
  await waitFor(async () => (await fetch(readyz)).ok, { timeoutMs: 15_000, what: 'the gateway to be ready' });

  const url = `http://127.0.0.1:${gatewayPort}/mcp`;
  {
    await using modern = await connectModernClient(url);
    await using legacy = await connectLegacyClient(url);
    for (const { client } of [modern, legacy]) {
      const result = await client.callTool({ name: 'echo__echo', arguments: { text: 'over the link' } });
      expect(result.content).toEqual([expect.objectContaining({ text: 'over the link' })]);
    }
  }
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.ready[1]}/metrics`)).text();
  expect(metrics).toMatch(/mcp_requests_total\{transport="http",method="tools\/call",outcome="ok"\} 2/);

  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  expect(await router.stop()).toEqual({ code: 0, signal: null });
});

test('a router lets no gateway in that does not know its secret', async () => {
  await using folder = await createTempFolder();
  await folder.write('right', 'the-right-secret-of-16-bytes-or-more');
  await folder.write('wrong', 'the-wrong-secret-of-16-bytes-or-more');
  const routerPort = await freePort();
  const file = await folder.write(
    'bridge.yaml',
    `auth: { anonymous: {} }
gateway: { port: 0, routers: ["127.0.0.1:${routerPort}"] }
router: { port: ${routerPort} }
link: { tokenFile: right }
admin: { port: 0 }
`,
  );
  await using router = await start('router', file);
  await using gateway = await start('gateway', file, { MCP_BRIDGE_LINK__TOKEN_FILE: `${folder.path}/wrong` });
  await waitFor(() => /secret|credential|token|UNAUTHENTICATED/i.test(gateway.output), { timeoutMs: 15_000 });
  const readyz = await fetch(`http://127.0.0.1:${gateway.ready[1]}/readyz`);
  expect(readyz.status).toBe(503);
  expect(router.output).not.toContain('the-right-secret');
});
