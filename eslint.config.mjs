import { readdirSync } from 'node:fs';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/**
 * Engines that exactly one library may import; everything else goes through that library. The benchmarks' raw
 * limits are the exception: they show what the engine does without us.
 */
const rawLimits = 'tools/bench/src/limits';
const isolatedEngines = [
  { name: 'uWebSockets.js', owners: ['libs/edge', rawLimits] },
  { name: 'piscina', owners: ['libs/routing', rawLimits] },
  { name: 'nats', owners: ['libs/bus'] },
];
const engineFaults = (folder) =>
  isolatedEngines
    .filter(({ owners }) => !owners.includes(folder))
    .map(({ name, owners }) => ({
      regex: `^${name.replace('.', '\\.')}(/|$)`,
      message: `Only ${owners.join(' and ')} may import ${name}.`,
    }));
const engineOwners = [...new Set(isolatedEngines.flatMap(({ owners }) => owners))];

/** Nx maps package names to projects through their entry points; apps have none, so they are refused by name. */
const appFaults = readdirSync(new URL('apps', import.meta.url)).map((app) => ({
  regex: `^@mcp-bridge/${app}(/|$)`,
  message: 'Apps are deployed, not imported; what two apps need belongs into a library.',
}));
const refusedImports = (folder) => ['error', { patterns: [...engineFaults(folder), ...appFaults] }];

export default tseslint.config(
  { ignores: ['**/dist', '**/dist-bundle', '**/.nx', '**/gen/**', '**/*.config.ts', '**/*.mjs'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { '@nx': nx },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-imports': refusedImports(''),
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: [],
          depConstraints: [
            { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib'] },
            { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:lib', 'type:testkit', 'type:tool'] },
            { sourceTag: 'type:testkit', onlyDependOnLibsWithTags: ['type:lib', 'type:testkit'] },
            { sourceTag: 'layer:pure', onlyDependOnLibsWithTags: ['layer:pure'] },
            { sourceTag: 'layer:runtime', onlyDependOnLibsWithTags: ['layer:pure', 'layer:runtime'] },
          ],
        },
      ],
    },
  },
  ...engineOwners.map((owner) => ({
    files: [`${owner}/**/*.ts`],
    rules: { 'no-restricted-imports': refusedImports(owner) },
  })),
  {
    // Tests, and what only they import, may use the test kit and assert non-null.
    files: ['**/*.test.ts', 'apps/*/src/e2e/**/*.ts', 'libs/*/src/testing/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@nx/enforce-module-boundaries': 'off',
    },
  },
);
