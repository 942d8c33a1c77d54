import type { JsonValue } from '../mutate/json-tree.js';
import type { Random } from '../random.js';
import type { Material } from './material.js';
import { type Message, RECENT_STEPS, requestId } from './message.js';
import { ECHO, PROMPTS, RESOURCES, someToolCall } from './tools.js';

export const LEGACY_VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;

type Json = Readonly<Record<string, JsonValue>>;

interface Part {
  readonly method: string;
  readonly value: JsonValue;
  readonly slow?: boolean;
  readonly echoes?: string;
}

/** What a legacy client says of itself. */
export const LEGACY_CAPABILITIES: Json = {
  sampling: {},
  elicitation: {},
  roots: { listChanged: true },
};

/** A message of a client that has a session of this version. */
export function legacyMessage(random: Random, step: number, material: Material, version: string): Message {
  const batch = version <= '2025-03-26' && random.oneIn(4);
  const parts = batch
    ? Array.from({ length: random.between(1, 6) }, (_, index) => legacyPart(random, step, index, material))
    : [legacyPart(random, step, 0, material)];
  const [first] = parts;
  const single = batch ? undefined : first;
  return {
    name: `legacy ${single === undefined ? 'batch' : single.method}`,
    era: 'legacy',
    value: single === undefined ? parts.map(({ value }) => value) : single.value,
    method: first?.method ?? '',
    target: undefined,
    version,
    endless: false,
    slow: parts.some(({ slow }) => slow === true),
    echoes: single?.echoes,
  };
}

/** The request that begins a session. */
export function initializeMessage(random: Random, step: number): Message {
  const version = random.pick(LEGACY_VERSIONS);
  const params = {
    protocolVersion: random.oneIn(10) ? '2026-07-28' : version,
    capabilities: random.oneIn(2) ? LEGACY_CAPABILITIES : {},
    clientInfo: { name: 'fuzz', version: '1' },
  };
  return {
    name: 'initialize',
    era: 'legacy',
    value: { jsonrpc: '2.0', id: requestId(step), method: 'initialize', params },
    method: 'initialize',
    target: undefined,
    version,
    endless: false,
    slow: false,
    echoes: undefined,
  };
}

/** An echo call whose reply is known; on transports where the view is not the default, without prefix. */
export function legacyEcho(step: number, version: string): Message {
  const text = `echo-${step}`;
  return {
    name: 'legacy control',
    era: 'legacy',
    value: request(step, 0, 'tools/call', { name: `${ECHO}__echo`, arguments: { text } }),
    method: 'tools/call',
    target: undefined,
    version,
    endless: false,
    slow: false,
    echoes: text,
  };
}

function legacyPart(random: Random, step: number, index: number, material: Material): Part {
  const call = (method: string, params: Json): Part => ({
    method,
    value: request(step, index, method, withProgress(params, random, step)),
  });
  switch (random.below(24)) {
    case 0:
    case 1:
      return { method: 'ping', value: { jsonrpc: '2.0', id: requestId(step, index), method: 'ping' } };
    case 2:
    case 3:
      return call('tools/list', random.oneIn(4) ? { cursor: 'bm9uZQ' } : {});
    case 4:
      return call(random.pick(['resources/list', 'resources/templates/list', 'prompts/list']), {});
    case 5:
      return call('resources/read', { uri: random.pick(RESOURCES) });
    case 6:
      return call(random.pick(['resources/subscribe', 'resources/unsubscribe']), {
        uri: random.pick(RESOURCES),
      });
    case 7: {
      const [name, args] = random.pick(PROMPTS);
      return call('prompts/get', { name, arguments: args });
    }
    case 8:
      return call('completion/complete', {
        ref: { type: 'ref/prompt', name: 'new__test_prompt_with_arguments' },
        argument: { name: 'arg1', value: 'a' },
      });
    case 9:
      return call('logging/setLevel', { level: random.pick(['debug', 'info', 'error']) });
    case 10:
      return call(random.pick(['tasks/list', 'tasks/get', 'none/such', 'session/end', 'session/stream']), {
        taskId: 'none',
      });
    case 11:
    case 12:
    case 13:
      return notification(random, step);
    case 14:
    case 15:
      return answer(random, step, material);
    case 16:
    case 17:
    case 18: {
      const tool = someToolCall(random);
      const part = call('tools/call', { name: tool.name, arguments: tool.arguments });
      return { ...part, slow: tool.asks };
    }
    default: {
      const text = `legacy-${step}-${index}`;
      return { ...call('tools/call', { name: `${ECHO}__echo`, arguments: { text } }), echoes: text };
    }
  }
}

function request(step: number, index: number, method: string, params: Json): JsonValue {
  return { jsonrpc: '2.0', id: requestId(step, index), method, params };
}

function withProgress(params: Json, random: Random, step: number): Json {
  if (!random.oneIn(4)) return params;
  return { ...params, _meta: { progressToken: random.oneIn(2) ? step : `token-${step}` } };
}

function notification(random: Random, step: number): Part {
  const [method, params] = random.pick<readonly [string, Json]>([
    ['notifications/initialized', {}],
    // A call that may just be in flight.
    [
      'notifications/cancelled',
      { requestId: requestId(Math.max(step - random.below(RECENT_STEPS), 0)), reason: 'fuzz' },
    ],
    ['notifications/progress', { progressToken: step, progress: 1, total: 2 }],
    ['notifications/roots/list_changed', {}],
    ['notifications/none/such', { a: [1, 2, 3] }],
    ['notifications/bridge/close_stream', { retryMs: 1 }],
  ]);
  return { method, value: { jsonrpc: '2.0', method, params } };
}

function answer(random: Random, step: number, material: Material): Part {
  const question = material.takeQuestion();
  const id: JsonValue =
    question === undefined ? random.pick<JsonValue>([1, 'none', step]) : idValue(question.id);
  const value: JsonValue = random.oneIn(4)
    ? { jsonrpc: '2.0', id, error: { code: -1, message: 'no' } }
    : { jsonrpc: '2.0', id, result: someAnswer(random) };
  return { method: 'response', value };
}

/** What a client answers to elicitation, sampling and roots. */
export function someAnswer(random: Random): Json {
  return random.pick<Json>([
    { action: 'accept', content: { name: 'x', username: 'x', email: 'x@example.com', ok: true } },
    { action: 'decline' },
    { role: 'assistant', model: 'm', content: { type: 'text', text: 'x' }, stopReason: 'endTurn' },
    { roots: [{ uri: 'file:///tmp' }] },
    {},
  ]);
}

/** The id of a question as a value; the bridge writes strings and whole numbers. */
function idValue(id: string): JsonValue {
  return id.startsWith('"') ? id.slice(1, -1) : Number(id);
}
