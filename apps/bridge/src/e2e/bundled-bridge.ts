import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ROUTING = fileURLToPath(new URL('../../../../libs/routing/src/', import.meta.url));
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;
const RUN = `import { main } from './main.js';
process.exit(await main(process.argv));`;

/** The command as plain JavaScript in one file, its workers in another beside it. */
export interface BundledBridge extends AsyncDisposable {
  /** The script to run. */
  readonly command: string;
}

/** Bundles the sources as they are now: what runs in production, without a loader, takes no build to be tested. */
export async function bundleBridge(): Promise<BundledBridge> {
  // Inside the project, from where it finds the packages that stay outside of it.
  await mkdir(join(PROJECT, 'dist-bundle'), { recursive: true });
  const place = await mkdtemp(join(PROJECT, 'dist-bundle/bridge-'));
  const outdir = join(place, 'dist');
  await build({
    entryPoints: [join(PROJECT, 'src/main.ts'), join(ROUTING, 'native/tool.worker.ts')],
    entryNames: '[name]',
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@mcp-bridge/source'],
    // They have binaries, workers and files of their own, which they find beside themselves.
    external: ['uWebSockets.js', 'piscina', 'pino', '@grpc/grpc-js', '@grpc/reflection'],
    // Dependencies that are CommonJS inside call require.
    banner: { js: REQUIRE },
    logLevel: 'error',
  });
  await copyFile(join(PROJECT, 'package.json'), join(place, 'package.json'));
  const command = join(outdir, 'run.js');
  await writeFile(command, RUN);
  return { command, [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }) };
}
