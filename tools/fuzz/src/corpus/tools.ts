import type { JsonValue } from '../mutate/json-tree.js';
import type { Random } from '../random.js';

/** Servers behind the bridge under test, by the names that they have there. */
export const ECHO = 'echo';
/** Used by the canary alone. */
export const CANARY = 'canary';
/** Speaks the 2025 era only. */
export const OLD = 'old';
/** Speaks 2026-07-28 only. */
export const NEW = 'new';

/** Tools that answer at once. */
const QUICK: readonly (readonly [string, JsonValue])[] = [
  ['echo', { text: 'x' }],
  ['test_multiple_content_types', {}],
  ['test_structured_output', {}],
  ['test_logging_tool', {}],
  ['probe_context', {}],
  ['probe_memory', { text: 'x' }],
  ['probe_payload', { bytes: 1000 }],
  ['test_trigger_resource_update', { uri: 'test://watched-resource' }],
];

/** Tools that report for 100 ms before they answer. */
const REPORTING: readonly (readonly [string, JsonValue])[] = [
  ['test_tool_with_logging', {}],
  ['test_tool_with_progress', {}],
  ['probe_sleep', { ms: 50, steps: 5 }],
];

/** Tools that ask the client something. */
export const ASKING: readonly (readonly [string, JsonValue])[] = [
  ['test_elicitation', { message: 'Who?' }],
  ['test_sampling', { prompt: 'Say x' }],
  ['test_input_required_result_elicitation', {}],
  ['test_input_required_result_list_roots', {}],
  ['test_input_required_result_request_state', {}],
];

export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonValue;
  readonly asks: boolean;
}

/** A call of some tool of the two fixtures. */
export function someToolCall(random: Random): ToolCall {
  const server = random.pick([OLD, NEW]);
  const kind = random.below(20);
  const asks = kind === 0;
  const [name, args] = random.pick(asks ? ASKING : kind === 1 ? REPORTING : QUICK);
  return { name: `${server}__${name}`, arguments: args, asks };
}

export const RESOURCES: readonly string[] = [
  'test://static-text',
  'test://static-binary',
  'test://watched-resource',
  'test://template/7/data',
  'test://none',
];

export const PROMPTS: readonly (readonly [string, JsonValue])[] = [
  [`${OLD}__test_simple_prompt`, {}],
  [`${NEW}__test_prompt_with_arguments`, { arg1: 'a', arg2: 'b' }],
  [`${NEW}__test_prompt_with_image`, {}],
  [`${OLD}__test_none`, {}],
];
