// Writes bridge.schema.json from the zod schema; a test fails while the two differ.
// Run by: npm run schema -w @mcp-bridge/service
import { writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { configJsonSchema } = await import('../src/config/json-schema.ts');
const file = new URL('../bridge.schema.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
