import { z } from 'zod';
import { configSchema } from './schema.js';

/** The JSON Schema of `bridge.yaml`, for editors and other tools; published as `bridge.schema.json`. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  return { title: 'MCP Bridge configuration', ...schema };
}
