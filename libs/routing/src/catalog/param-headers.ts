import {
  BridgeError,
  decodeHeaderValue,
  encodeHeaderValue,
  headerMatches,
  objectMembers,
  rawText,
} from '@mcp-bridge/protocol';

/** One argument of a tool that HTTP clients repeat in a header (2026-07-28 transports, "Custom Headers"). */
export interface ParamHeader {
  /** Lower case, with the prefix: `mcp-param-region`. */
  readonly header: string;
  /** Chain of property names from the arguments' root. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean';
}

/** What the bridge knows of a tool beside its text. */
export interface ToolFacts {
  readonly paramHeaders: readonly ParamHeader[];
}

const PREFIX = 'mcp-param-';
const ANNOTATION = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const MAX_DEPTH = 64;

/** Keywords whose value is a schema, or an array of schemas, that `properties` alone does not reach. */
const SUBSCHEMA = [
  'items', 'prefixItems', 'contains', 'additionalItems', 'additionalProperties', 'unevaluatedProperties',
  'unevaluatedItems', 'propertyNames', 'contentSchema', 'oneOf', 'anyOf', 'allOf', 'not', 'if', 'then', 'else',
]; // prettier-ignore
/** Keywords whose value maps names to schemas. */
const SUBSCHEMA_MAPS = ['patternProperties', 'dependentSchemas', '$defs', 'definitions'];

type Json = Record<string, unknown>;

/**
 * Reads the `x-mcp-header` annotations of a tool's input schema.
 *
 * @param tool - raw JSON of the tool's definition, valid
 * @returns the annotated arguments; with a `fault` when the annotations break a rule, and then none
 */
export function readParamHeaders(tool: Buffer): { paramHeaders: readonly ParamHeader[]; fault?: string } {
  // Nearly no tool has annotations: do not parse the rest. The key could be written with escapes.
  if (!tool.includes(ANNOTATION) && !tool.includes('\\u')) return { paramHeaders: [] };
  const span = objectMembers(tool, 0).findLast((member) => member.key === 'inputSchema');
  if (span === undefined) return { paramHeaders: [] };
  const found: ParamHeader[] = [];
  const fault = visit(JSON.parse(rawText(tool, span.value)), [], true, found);
  return fault === undefined
    ? { paramHeaders: found }
    : { paramHeaders: [], fault: `x-mcp-header: ${fault}` };
}

/** Collects annotations below `node`; returns the first broken rule. */
function visit(
  node: unknown,
  path: readonly string[],
  reachable: boolean,
  found: ParamHeader[],
): string | undefined {
  if (!isObject(node)) return undefined;
  if (path.length > MAX_DEPTH) return 'the schema nests too deeply';
  if (Object.hasOwn(node, ANNOTATION)) {
    const fault = annotation(node, path, reachable, found);
    if (fault !== undefined) return fault;
  }
  for (const [key, child] of entriesOf(node['properties'])) {
    const fault = visit(child, [...path, key], reachable, found);
    if (fault !== undefined) return fault;
  }
  for (const child of hiddenSchemas(node)) {
    const fault = visit(child, [...path, '*'], false, found);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function annotation(
  node: Json,
  path: readonly string[],
  reachable: boolean,
  found: ParamHeader[],
): string | undefined {
  const name = node[ANNOTATION];
  const type = node['type'];
  const where = path.length === 0 ? 'the root' : `"${path.join('.')}"`;
  if (!reachable || path.length === 0) return `${where} is not reached by "properties" alone`;
  if (typeof name !== 'string' || !TOKEN.test(name)) return `the name at ${where} is not an HTTP token`;
  if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
    return `${where} is not of type string, integer or boolean`;
  }
  const header = PREFIX + name.toLowerCase();
  if (found.some((other) => other.header === header)) return `the name at ${where} is used twice`;
  found.push({ header, path, type });
  return undefined;
}

function* hiddenSchemas(node: Json): Generator {
  for (const keyword of SUBSCHEMA) {
    const value = node[keyword];
    if (Array.isArray(value)) yield* value;
    else yield value;
  }
  for (const keyword of SUBSCHEMA_MAPS) for (const [, child] of entriesOf(node[keyword])) yield child;
}

/**
 * Holds the `Mcp-Param-*` headers of a call against its arguments (requirement 33). Headers that the tool does
 * not know are none of its business.
 *
 * @param headersJson - raw JSON object of lower-case header names, as in `CallRequest.paramHeaders`; `''` for none
 * @param argumentsJson - raw JSON of the call's `arguments`; `''` when it has none
 * @returns HEADER_MISMATCH to answer with, or `undefined` when all is well
 */
export function checkParamHeaders(
  facts: ToolFacts,
  headersJson: string,
  argumentsJson: string | Buffer,
): BridgeError | undefined {
  if (facts.paramHeaders.length === 0) return undefined;
  const headers = parseHeaders(headersJson);
  const args = parseArguments(argumentsJson);
  for (const { header, path } of facts.paramHeaders) {
    const where = path.join('.');
    const raw = Object.hasOwn(headers, header) ? headers[header] : undefined;
    const value = valueAt(args, path);
    if (value === undefined || value === null) {
      if (raw !== undefined) return mismatch(`header ${header} is set, but "${where}" has no value`);
      continue;
    }
    if (raw !== undefined && decodeHeaderValue(raw) === undefined) {
      return mismatch(`header ${header} has invalid characters or broken base64`);
    }
    if (!isHeaderable(value)) {
      // It has no header form; the upstream judges it as an argument.
      if (raw !== undefined)
        return mismatch(`header ${header} is set, but "${where}" cannot be put in a header`);
    } else if (raw === undefined) {
      return mismatch(`header ${header} is missing, but "${where}" has a value`);
    } else if (!headerMatches(raw, value)) {
      return mismatch(`header ${header} does not match "${where}" in the body`);
    }
  }
  return undefined;
}

/**
 * The `Mcp-Param-*` headers to send to a modern HTTP upstream: those of the tool's annotations, made from the
 * arguments, and the client's own that the tool does not know, which an intermediary must forward.
 */
export function paramHeadersFor(
  facts: ToolFacts | undefined,
  argumentsJson: string | Buffer,
  headersJson = '',
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [header, value] of Object.entries(parseHeaders(headersJson))) {
    if (header.startsWith(PREFIX) && TOKEN.test(header) && decodeHeaderValue(value) !== undefined)
      result[header] = value;
  }
  if (facts === undefined || facts.paramHeaders.length === 0) return result;
  const args = parseArguments(argumentsJson);
  for (const { header, path } of facts.paramHeaders) {
    delete result[header];
    const value = valueAt(args, path);
    if (isHeaderable(value)) result[header] = encodeHeaderValue(String(value));
  }
  return result;
}

function mismatch(why: string): BridgeError {
  return new BridgeError('HEADER_MISMATCH', `Header mismatch: ${why}`);
}

/** Only these have a text in a header; integers only where every parser reads the same value. */
function isHeaderable(value: unknown): value is string | number | boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  return typeof value === 'string' || typeof value === 'boolean';
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function parseHeaders(json: string): Record<string, string> {
  if (json === '') return {};
  const headers: Record<string, string> = {};
  for (const [name, value] of entriesOf(JSON.parse(json)))
    if (typeof value === 'string') headers[name] = value;
  return headers;
}

function parseArguments(json: string | Buffer): unknown {
  return json.length === 0 ? undefined : JSON.parse(json.toString());
}

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
