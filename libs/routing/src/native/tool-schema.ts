import type { JsonSchema } from '@mcp-bridge/tools';
import { Ajv } from 'ajv';
import type { ErrorObject, Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

/** Says what is wrong with a value; undefined when it matches. */
export type Validate = (value: unknown) => string | undefined;

/**
 * MCP allows any JSON Schema: keywords that ajv does not know are annotations, formats are too (2020-12), and a
 * schema without types is fine.
 */
const OPTIONS: Options = { strict: false, validateFormats: false, allErrors: true, addUsedSchema: false };
const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const MAX_ERRORS = 5;

/**
 * Compiles a schema once: 2020-12, or draft-07 where `$schema` says so.
 * @throws {Error} saying why it does not compile
 */
export function compileSchema(schema: JsonSchema): Validate {
  const dialect = typeof schema === 'object' ? schema['$schema'] : undefined;
  // One compiler a schema: equal `$id`s in two tools must not clash.
  const ajv = typeof dialect === 'string' && DRAFT_07.test(dialect) ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS);
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? undefined : describe(validate.errors ?? []));
}

function describe(errors: readonly ErrorObject[]): string {
  const lines = errors.slice(0, MAX_ERRORS).map(({ instancePath, message = 'is wrong', params }) => {
    // Names what ajv's message leaves open.
    const extra = 'additionalProperty' in params ? ` ("${String(params['additionalProperty'])}")` : '';
    return `${instancePath === '' ? '' : `${instancePath} `}${message}${extra}`;
  });
  const more = errors.length - lines.length;
  return lines.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
