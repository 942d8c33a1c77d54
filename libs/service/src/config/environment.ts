import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { PathFault } from './faults.js';
import { isRecord } from './is-record.js';
import type { Environment } from './references.js';
import { configSchema, serverName } from './schema.js';

const PREFIX = 'MCP_BRIDGE_';

export interface Overlay {
  readonly value: Record<string, unknown>;
  readonly faults: readonly (PathFault & { readonly variable: string })[];
  /** Which variable set which path, as `pathText` writes it. */
  readonly variables: ReadonlyMap<string, string>;
}

/**
 * Lays environment variables over a configuration: `MCP_BRIDGE_GATEWAY__PORT=9000` sets `gateway.port`.
 * A double underscore goes one level down; letter case and single underscores in field names do not matter
 * (`MAX_BODY_BYTES` is `maxBodyBytes`); lists take indexes, commas or YAML flow syntax. Variables without a
 * double underscore count only when they name a whole section, because orchestrators inject their own
 * (`MCP_BRIDGE_SERVICE_HOST`).
 */
export function overlayEnvironment(
  base: Record<string, unknown>,
  env: Environment,
  pathText: (path: readonly PropertyKey[]) => string,
): Overlay {
  const value = structuredClone(base);
  const faults: (PathFault & { variable: string })[] = [];
  const variables = new Map<string, string>();
  for (const [variable, text] of Object.entries(env).sort(([a], [b]) => a.localeCompare(b))) {
    if (!variable.startsWith(PREFIX) || text === undefined) continue;
    const segments = variable.slice(PREFIX.length).split('__');
    const whole = segments.length === 1;
    if (whole && matchKey(Object.keys(configSchema.shape), segments[0] ?? '') === undefined) continue;
    const target = findTarget(configSchema, value, segments);
    if (target === undefined) {
      faults.push({ path: [], variable, reason: 'names no field of the configuration' });
      continue;
    }
    assign(value, target.path, decode(target.schema, text));
    variables.set(pathText(target.path), variable);
  }
  return { value, faults, variables };
}

interface Target {
  readonly path: readonly (string | number)[];
  readonly schema: z.ZodType;
}

/** Walks schema and value side by side, so that names are matched against what exists. */
function findTarget(schema: z.ZodType, value: unknown, segments: readonly string[]): Target | undefined {
  const [segment, ...rest] = segments;
  const inner = unwrap(schema);
  if (segment === undefined) return { path: [], schema: inner };
  if (segment === '') return undefined;
  const below = (key: string | number, child: z.ZodType, childRest = rest): Target | undefined => {
    const childValue = isRecord(value) || Array.isArray(value) ? Reflect.get(value, key) : undefined;
    const target = findTarget(child, childValue, childRest);
    return target === undefined ? undefined : { ...target, path: [key, ...target.path] };
  };
  if (inner instanceof z.ZodObject) {
    const key = matchKey(Object.keys(inner.shape), segment);
    // Shapes hold classic zod schemas; their declared type is the wider core type.
    return key === undefined ? undefined : below(key, inner.shape[key] as z.ZodType);
  }
  if (inner instanceof z.ZodUnion) {
    const targets = inner.options.map((option) => findTarget(option as z.ZodType, value, segments));
    return targets.find((target) => target !== undefined);
  }
  if (inner instanceof z.ZodRecord) {
    const child = inner.valueType as z.ZodType;
    // Variable and header names keep their case and their double underscores.
    if (inner.keyType !== serverName) return below(segments.join('__'), child, []);
    const known = matchKey(isRecord(value) ? Object.keys(value) : [], segment);
    return below(known ?? (/[a-z]/.test(segment) ? segment : segment.toLowerCase()), child);
  }
  if (inner instanceof z.ZodArray && /^\d{1,4}$/.test(segment)) {
    return below(Number(segment), inner.element as z.ZodType);
  }
  return undefined;
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  ) {
    return unwrap(schema.unwrap() as z.ZodType);
  }
  return schema;
}

function matchKey(keys: readonly string[], segment: string): string | undefined {
  const plain = (text: string): string => text.replace(/[_.-]/g, '').toLowerCase();
  return keys.find((key) => key === segment) ?? keys.find((key) => plain(key) === plain(segment));
}

/** A variable's text as the type that its field takes: itself if that fits, else read as YAML. */
function decode(schema: z.ZodType, text: string): unknown {
  if (schema.safeParse(text).success) return text;
  const document = parseDocument(text, { prettyErrors: false });
  const value: unknown = document.errors.length > 0 ? text : document.toJS();
  if (schema instanceof z.ZodArray && typeof value === 'string') {
    return value.split(',').map((item) => item.trim());
  }
  return value;
}

function assign(root: Record<string, unknown>, path: readonly (string | number)[], value: unknown): void {
  let node: object = root;
  path.forEach((key, index) => {
    if (index === path.length - 1) {
      define(node, key, value);
      return;
    }
    const existing: unknown = Object.hasOwn(node, key) ? Reflect.get(node, key) : undefined;
    if (typeof existing === 'object' && existing !== null) {
      node = existing;
      return;
    }
    const created = typeof path[index + 1] === 'number' ? [] : {};
    define(node, key, created);
    node = created;
  });
}

/** Plain assignment, except that a key such as `__proto__` stays an ordinary key. */
function define(node: object, key: string | number, value: unknown): void {
  Object.defineProperty(node, key, { value, writable: true, enumerable: true, configurable: true });
}
