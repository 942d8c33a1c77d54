import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let eslint: ESLint;

/** What the workspace's own lint configuration says about one line planted in a file that does not exist. */
async function faultsOf(file: string, line: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${line}\n`, { filePath: file });
  return (result?.messages ?? []).map((message) => `${message.ruleId}: ${message.message}`);
}

beforeAll(() => {
  // The boundary rule reads the project graph that Nx keeps; without one it only warns.
  execFileSync(process.execPath, [`${root}/node_modules/nx/dist/bin/nx.js`, 'show', 'projects'], {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false' },
    stdio: 'pipe',
  });
  const withoutTypes = {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: false } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'off' as const,
      '@typescript-eslint/no-misused-promises': 'off' as const,
    },
  };
  eslint = new ESLint({ cwd: root, overrideConfig: withoutTypes });
}, 60_000);

describe('a planted violation is found', () => {
  test.each([
    ['an app importing an app', 'apps/gateway/src/x.ts', '@mcp-bridge/router', 'Apps are deployed'],
    ['an app importing an app by path', 'apps/gateway/src/x.ts', '../../router/src/main.js', 'relative'],
    ['an app importing the test kit', 'apps/gateway/src/x.ts', '@mcp-bridge/testkit', 'type:app'],
    ['pure code importing a runtime library', 'libs/protocol/src/x.ts', '@mcp-bridge/metrics', 'layer:pure'],
    ['a cycle between libraries', 'libs/metrics/src/x.ts', '@mcp-bridge/service', 'Circular dependency'],
    ['uWebSockets.js outside edge', 'libs/link/src/x.ts', 'uWebSockets.js', 'Only libs/edge'],
    ['piscina outside routing', 'libs/edge/src/x.ts', 'piscina', 'Only libs/routing'],
    ['nats outside bus', 'apps/gateway/src/x.ts', 'nats', 'Only libs/bus'],
  ])('%s', async (_what, file, specifier, expected) => {
    const faults = await faultsOf(file, `import '${specifier}';`);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(expected);
  });

  test('a missing graph would be noticed: the rule speaks of it and these tests fail', async () => {
    const faults = await faultsOf('libs/protocol/src/x.ts', "import '@mcp-bridge/edge';");
    expect(faults.join()).toContain('@nx/enforce-module-boundaries');
  });
});

test('what the design allows is not refused', async () => {
  expect(await faultsOf('apps/gateway/src/x.ts', "import '@mcp-bridge/edge';")).toEqual([]);
  expect(await faultsOf('libs/edge/src/x.ts', "import 'uWebSockets.js'; import '@mcp-bridge/link';")).toEqual(
    [],
  );
  expect(await faultsOf('libs/edge/src/x.test.ts', "import '@mcp-bridge/testkit';")).toEqual([]);
});
