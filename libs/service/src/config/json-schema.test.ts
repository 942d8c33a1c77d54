import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configJsonSchema } from './json-schema.js';

test('the published JSON Schema is current (else: npm run schema -w @mcp-bridge/service)', () => {
  const published: unknown = JSON.parse(
    readFileSync(new URL('../../bridge.schema.json', import.meta.url), 'utf8'),
  );
  expect(configJsonSchema()).toEqual(published);
});
