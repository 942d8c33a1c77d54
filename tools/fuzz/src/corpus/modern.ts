import type { JsonValue } from '../mutate/json-tree.js';
import type { Random } from '../random.js';
import { LEGACY_CAPABILITIES, someAnswer } from './legacy.js';
import type { Material } from './material.js';
import { type Message, RECENT_STEPS, requestId } from './message.js';
import { ASKING, ECHO, NEW, OLD, PROMPTS, RESOURCES, someToolCall } from './tools.js';

export const MODERN_VERSION = '2026-07-28';

type Json = Readonly<Record<string, JsonValue>>;

const PREFIX = 'io.modelcontextprotocol/';

/** A message of a client that keeps no session. */
export function modernMessage(random: Random, step: number, material: Material): Message {
  switch (random.below(20)) {
    case 0:
      return request(random, step, 'server/discover', {});
    case 1:
    case 2:
      return request(random, step, 'tools/list', random.oneIn(4) ? { cursor: 'bm9uZQ' } : {});
    case 3:
      return request(
        random,
        step,
        random.pick(['resources/list', 'resources/templates/list', 'prompts/list']),
        {},
      );
    case 4: {
      const uri = random.pick(RESOURCES);
      return request(random, step, 'resources/read', { uri }, { target: uri });
    }
    case 5: {
      const [name, args] = random.pick(PROMPTS);
      return request(random, step, 'prompts/get', { name, arguments: args }, { target: name });
    }
    case 6:
      return request(random, step, 'completion/complete', {
        ref: { type: 'ref/prompt', name: `${NEW}__test_prompt_with_arguments` },
        argument: { name: 'arg1', value: 'a' },
      });
    case 7:
      return listen(random, step);
    case 8:
    case 9:
      return retry(random, step, material);
    case 10:
      return question(random, step);
    case 11:
      return request(
        random,
        step,
        random.pick(['ping', 'initialize', 'tasks/get', 'none/such', 'session/resume']),
        {
          taskId: 'none',
        },
      );
    case 12:
      return notification(random, step);
    case 13:
    case 14:
    case 15: {
      const tool = someToolCall(random);
      const params = { name: tool.name, arguments: tool.arguments };
      return request(random, step, 'tools/call', params, { target: tool.name, slow: tool.asks });
    }
    default: {
      const text = `modern-${step}`;
      return request(random, step, 'tools/call', echoParams(text), { target: `${ECHO}__echo`, echoes: text });
    }
  }
}

/** An echo call whose reply is known. */
export function modernEcho(random: Random, step: number): Message {
  const text = `echo-${step}`;
  const message = request(random, step, 'tools/call', echoParams(text), {
    target: `${ECHO}__echo`,
    echoes: text,
  });
  return { ...message, name: 'modern control' };
}

function echoParams(text: string): Json {
  return { name: `${ECHO}__echo`, arguments: { text } };
}

interface Traits {
  readonly target?: string;
  readonly slow?: boolean;
  readonly endless?: boolean;
  readonly echoes?: string;
}

function request(random: Random, step: number, method: string, params: Json, traits: Traits = {}): Message {
  const value = {
    jsonrpc: '2.0',
    id: requestId(step),
    method,
    params: { ...params, _meta: meta(random, step) },
  };
  return message(`modern ${method}`, method, value, traits);
}

function message(name: string, method: string, value: JsonValue, traits: Traits): Message {
  return {
    name,
    era: 'modern',
    value,
    method,
    target: traits.target,
    version: MODERN_VERSION,
    endless: traits.endless ?? false,
    slow: traits.slow ?? false,
    echoes: traits.echoes,
  };
}

function meta(random: Random, step: number): Json {
  return {
    [`${PREFIX}protocolVersion`]: MODERN_VERSION,
    [`${PREFIX}clientCapabilities`]: random.oneIn(2) ? LEGACY_CAPABILITIES : {},
    ...(random.oneIn(2) ? { [`${PREFIX}clientInfo`]: { name: 'fuzz', version: '1' } } : {}),
    ...(random.oneIn(6) ? { [`${PREFIX}logLevel`]: 'debug' } : {}),
    ...(random.oneIn(4) ? { progressToken: `token-${step}` } : {}),
  };
}

function listen(random: Random, step: number): Message {
  const notifications = {
    toolsListChanged: true,
    ...(random.oneIn(2) ? { resourceSubscriptions: ['test://watched-resource'] } : {}),
  };
  return request(random, step, 'subscriptions/listen', { notifications }, { endless: true });
}

/** A call that the server interrupts, which gives a `requestState`. */
function question(random: Random, step: number): Message {
  const [tool, args] = random.pick(ASKING);
  const name = `${random.oneIn(3) ? NEW : OLD}__${tool}`;
  const value = {
    jsonrpc: '2.0',
    id: requestId(step),
    method: 'tools/call',
    params: {
      name,
      arguments: args,
      _meta: { ...meta(random, step), [`${PREFIX}clientCapabilities`]: LEGACY_CAPABILITIES },
    },
  };
  return message('modern question', 'tools/call', value, { target: name, slow: true });
}

/** The retry of an interrupted call, with its own state, a changed one, one of another call, or an invented one. */
function retry(random: Random, step: number, material: Material): Message {
  const given = material.someState(random);
  const [invented, args] = random.pick(ASKING);
  const name = given === undefined || random.oneIn(5) ? `${OLD}__${invented}` : given.tool;
  const own = given?.requestState ?? `none.${'A'.repeat(40)}`;
  const requestState = random.oneIn(2) ? own : forged(own, random);
  const inputResponses = random.pick<Json>([
    {},
    { '1': someAnswer(random) },
    { user_name: someAnswer(random) },
    { __proto: someAnswer(random) },
  ]);
  return request(
    random,
    step,
    'tools/call',
    { name, arguments: args, inputResponses, requestState },
    { target: name, slow: true },
  );
}

/** A sealed value that was tampered with. */
export function forged(sealed: string, random: Random): string {
  const at = random.below(Math.max(sealed.length, 1));
  switch (random.below(5)) {
    case 0:
      return sealed.slice(0, at);
    case 1:
      return `${sealed}${random.pick(['A', '=', '.', ' '])}`;
    case 2:
      return sealed.slice(0, at) + random.pick(['A', '_', '-', '9', '.']) + sealed.slice(at + 1);
    case 3:
      return sealed.slice(sealed.indexOf('.') + 1);
    default:
      return `${sealed.slice(0, sealed.indexOf('.') + 1)}${'A'.repeat(random.pick([1, 40, 4_000]))}`;
  }
}

function notification(random: Random, step: number): Message {
  const method = random.pick(['notifications/cancelled', 'notifications/progress', 'notifications/none']);
  const params = {
    requestId: requestId(Math.max(step - random.below(RECENT_STEPS), 0)),
    progressToken: step,
    progress: 1,
    _meta: meta(random, step),
  };
  return message(`modern ${method}`, method, { jsonrpc: '2.0', method, params }, {});
}
