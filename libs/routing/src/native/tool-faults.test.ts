import { afterAll, beforeAll, expect, test } from 'vitest';
import { fixture, startNativeBench } from './fixtures/native-test-kit.js';
import type { NativeBench } from './fixtures/native-test-kit.js';
import type { ToolFault } from './tool-fault.js';

let bench: NativeBench;
beforeAll(() => {
  const tools = [fixture('good/echo.mjs'), fixture('bad/*.mjs'), fixture('none/*.mjs'), fixture('gone.mjs')];
  bench = startNativeBench(tools, { loadTimeout: 2_000 });
});
afterAll(() => bench.routing.close());

test('each bad tool is a named fault of its own, and the others serve', async () => {
  expect((await bench.call('echo', { text: 'still here' }).ended).result).toMatchObject({
    structuredContent: { text: 'still here' },
  });
  const { faults, served } = bench.routing.status()['native'] as { faults: ToolFault[]; served: string[] };
  expect(served).toEqual(['echo']);
  const found = faults.map(({ source, code, reason }) => [source.split('fixtures/')[1], code, reason]);
  expect(found.toSorted()).toEqual([
    ['bad/export.mjs', 'BAD_DEFINITION', expect.stringContaining('export default')],
    ['bad/handler.mjs', 'BAD_DEFINITION', expect.stringContaining('"handler" must be a function')],
    ['bad/name.mjs', 'BAD_NAME', expect.stringContaining('"no spaces"')],
    ['bad/never.mjs', 'LOAD_FAILED', expect.stringContaining('2000 ms')],
    ['bad/schema.mjs', 'BAD_SCHEMA', expect.stringContaining('"inputSchema" does not compile')],
    ['bad/throws.mjs', 'LOAD_FAILED', expect.stringContaining('no database configured')],
    ['bad/zz-duplicate.mjs', 'DUPLICATE_NAME', expect.stringContaining('"echo"')],
    ['gone.mjs', 'MISSING', expect.any(String)],
    ['none/*.mjs', 'MISSING', expect.any(String)],
  ]);
});

test('the status names the tools that are not served', () => {
  const { servers } = bench.routing.status() as { servers: { server: string; lastError?: string }[] };
  expect(servers).toEqual([
    expect.objectContaining({ server: 'tools', lastError: expect.stringContaining('gone.mjs') }),
  ]);
});
