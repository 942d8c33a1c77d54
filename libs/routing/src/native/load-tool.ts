import type { BatchOptions, ToolAnnotations, ToolDefinition } from '@mcp-bridge/tools';
import { isValidToolName } from '../catalog/tool-name.js';
import { ToolFaultError } from './tool-fault.js';
import { compileSchema } from './tool-schema.js';
import type { Validate } from './tool-schema.js';

/** A tool that was loaded, checked and compiled; the same on the event loop and in a worker. */
export interface LoadedTool {
  readonly name: string;
  readonly definition: ToolDefinition;
  readonly validateInput: Validate;
  readonly validateOutput: Validate | undefined;
  readonly cpu: boolean;
  readonly batch: Required<BatchOptions> | undefined;
}

const DEFAULT_BATCH = { maxSize: 64, maxWaitMs: 10, acrossTenants: false };

/**
 * Imports a module and takes the tool that it exports.
 * @param url - of the module; a query makes Node load it anew
 * @throws {ToolFaultError} naming what is wrong
 */
export async function loadTool(url: string, timeoutMs: number): Promise<LoadedTool> {
  const module = await importWithin(url, timeoutMs);
  return readDefinition(module['default']);
}

async function importWithin(url: string, timeoutMs: number): Promise<Record<string, unknown>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const reason = `the module did not load within ${timeoutMs} ms`;
    timer = setTimeout(() => reject(new ToolFaultError('LOAD_FAILED', reason)), timeoutMs);
  });
  try {
    // A module namespace is an object; its members are checked below.
    return (await Promise.race([import(/* @vite-ignore */ url), late])) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof ToolFaultError) throw error;
    throw new ToolFaultError('LOAD_FAILED', `the module threw: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Checks everything that the types promise: modules may be plain JavaScript. */
export function readDefinition(exported: unknown): LoadedTool {
  const bad = (reason: string): never => {
    throw new ToolFaultError('BAD_DEFINITION', reason);
  };
  if (!isRecord(exported)) return bad('the default export is no object; export default defineTool({…})');
  const { name, title, description, handler, handleBatch, batch, annotations, cpu = true } = exported;
  if (typeof name !== 'string' || !isValidToolName(name)) {
    throw new ToolFaultError('BAD_NAME', `${shown(name)} is no tool name; use 1 to 128 of A-Z a-z 0-9 _ . -`);
  }
  if (typeof handler !== 'function') return bad(`tool ${name}: "handler" must be a function`);
  if (handleBatch !== undefined && typeof handleBatch !== 'function')
    return bad(`tool ${name}: "handleBatch" must be a function`);
  if (typeof cpu !== 'boolean') return bad(`tool ${name}: "cpu" must be true or false`);
  for (const [key, text] of Object.entries({ title, description })) {
    if (text !== undefined && typeof text !== 'string') return bad(`tool ${name}: "${key}" must be a string`);
  }
  if (annotations !== undefined && !isRecord(annotations))
    return bad(`tool ${name}: "annotations" must be an object`);
  for (const key of ['concurrency', 'timeoutMs']) {
    const value = exported[key];
    if (value !== undefined && !isPositive(value))
      return bad(`tool ${name}: "${key}" must be a positive number`);
  }
  const { inputSchema, outputSchema } = exported;
  if (!isRecord(inputSchema) || (inputSchema['type'] !== undefined && inputSchema['type'] !== 'object')) {
    throw new ToolFaultError('BAD_SCHEMA', `tool ${name}: "inputSchema" must be a schema of type "object"`);
  }
  return {
    name,
    // Every member was checked above; functions cannot be checked further.
    definition: exported as unknown as ToolDefinition & { annotations?: ToolAnnotations },
    validateInput: compiled(name, 'inputSchema', inputSchema),
    validateOutput: outputSchema === undefined ? undefined : compiled(name, 'outputSchema', outputSchema),
    cpu,
    batch: typeof handleBatch === 'function' ? batchOptions(name, batch) : undefined,
  };
}

function compiled(name: string, member: string, schema: unknown): Validate {
  try {
    if (!isRecord(schema) && typeof schema !== 'boolean')
      throw new Error('it is neither an object nor a boolean');
    return compileSchema(schema);
  } catch (error) {
    throw new ToolFaultError('BAD_SCHEMA', `tool ${name}: "${member}" does not compile: ${messageOf(error)}`);
  }
}

function batchOptions(name: string, batch: unknown): Required<BatchOptions> {
  const given = batch === undefined ? {} : batch;
  if (!isRecord(given)) throw new ToolFaultError('BAD_DEFINITION', `tool ${name}: "batch" must be an object`);
  const { maxSize, maxWaitMs, acrossTenants } = { ...DEFAULT_BATCH, ...given };
  if (!isPositive(maxSize) || !Number.isInteger(maxSize) || !Number.isFinite(maxWaitMs) || maxWaitMs < 0) {
    const reason = `tool ${name}: "batch" needs a whole maxSize of at least 1 and a maxWaitMs of at least 0`;
    throw new ToolFaultError('BAD_DEFINITION', reason);
  }
  return { maxSize, maxWaitMs, acrossTenants: acrossTenants === true };
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

/** The message of anything thrown, in one bounded piece. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1000);
}
