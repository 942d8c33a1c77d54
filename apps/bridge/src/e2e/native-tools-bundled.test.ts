import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { connectModernClient, createTempFolder, spawnService } from '@mcp-bridge/testkit';
import { modernConnection } from './connection.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ROUTING = fileURLToPath(new URL('../../../../libs/routing/src/', import.meta.url));
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;
const GREET = fileURLToPath(new URL('./fixtures/tools/greet.mjs', import.meta.url));

test('the command as one plain JavaScript file has its workers beside it, wherever it is started', async () => {
  await using folder = await createTempFolder();
  // Inside the project, from where it finds the packages that stay outside of it.
  await mkdir(join(PROJECT, 'dist-bundle'), { recursive: true });
  const place = await mkdtemp(join(PROJECT, 'dist-bundle/native-'));
  const bundle = join(place, 'dist');
  try {
    await build({
      entryPoints: [join(PROJECT, 'src/main.ts'), join(ROUTING, 'native/tool.worker.ts')],
      entryNames: '[name]',
      outdir: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['@mcp-bridge/source'],
      // They have binaries and workers of their own, which they find beside themselves.
      external: ['uWebSockets.js', 'piscina', 'pino'],
      // Dependencies that are CommonJS inside call require.
      banner: { js: REQUIRE },
      logLevel: 'error',
    });
    await copyFile(join(PROJECT, 'package.json'), join(place, 'package.json'));
    const config = {
      servers: {},
      tools: [GREET],
      auth: { anonymous: {} },
      admin: { port: 0 },
      gateway: { port: 0 },
    };
    const file = await folder.write('bridge.json', JSON.stringify(config));
    const main = pathToFileURL(join(bundle, 'main.js')).href;
    const run = `import { main } from '${main}'; process.exit(await main(['', '', 'start', '-c', '${file}']));`;
    await using service = await spawnService(process.execPath, [await folder.write('run.mjs', run)], {
      readyPattern: /MCP Bridge serves (\S+)/,
      cwd: folder.path,
    });
    await using client = modernConnection((await connectModernClient(service.ready[1]!)).client);
    const answer = JSON.parse(await client.call('tools__greet', { name: 'Ada' })) as { thread: number };
    expect(answer.thread).toBeGreaterThan(0);
    await service.stop();
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}, 60_000);
