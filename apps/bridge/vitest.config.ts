import { defineConfig } from 'vitest/config';

const ROWS = 'src/e2e/reliability/**/*.test.ts';

export default defineConfig({
  ssr: { resolve: { conditions: ['@mcp-bridge/source', 'node', 'import', 'default'] } },
  test: {
    environment: 'node',
    passWithNoTests: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'bridge', include: ['src/**/*.test.ts'], exclude: [ROWS], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // Their figures are times: each file has the machine to itself.
        test: {
          name: 'reliability',
          include: [ROWS],
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
