import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import { inputRequestsOf } from './input-requests.js';

/** The parts of a client's declared capabilities that decide whether it may be asked. */
interface ClientCapabilities {
  readonly sampling?: { readonly tools?: unknown };
  readonly elicitation?: { readonly form?: unknown; readonly url?: unknown };
  readonly roots?: unknown;
}

interface AskedParams {
  readonly mode?: unknown;
  readonly tools?: unknown;
}

/**
 * Whether a client that declared these capabilities may be asked this (requirements 43, 47, 49, 50):
 * elicitation without a mode is form, an empty elicitation capability means form only, tools in sampling need
 * `sampling.tools`.
 *
 * @param capabilities - raw JSON object
 * @param params - the request's params, parsed
 */
export function mayAsk(capabilities: string, method: string, params: unknown): boolean {
  // Validated JSON objects; the shapes are read defensively.
  const declared = JSON.parse(capabilities) as ClientCapabilities;
  const asked = (typeof params === 'object' && params !== null ? params : {}) as AskedParams;
  switch (method) {
    case 'sampling/createMessage':
      return (
        declared.sampling !== undefined &&
        (asked.tools === undefined || declared.sampling.tools !== undefined)
      );
    case 'elicitation/create': {
      const { elicitation } = declared;
      if (elicitation === undefined) return false;
      if (asked.mode === 'url') return elicitation.url !== undefined;
      return elicitation.form !== undefined || elicitation.url === undefined;
    }
    case 'roots/list':
      return declared.roots !== undefined;
    default:
      return false;
  }
}

/**
 * The error member to answer an upstream's question with when its client may not be asked it.
 * @returns `undefined` when the question may go to the client
 */
export function refuseToAsk(capabilities: string, question: Envelope): Buffer | undefined {
  const params: unknown =
    question.params.start < 0
      ? {}
      : JSON.parse(question.bytes.toString('utf8', question.params.start, question.params.end));
  if (mayAsk(capabilities, question.method, params)) return undefined;
  const message = `The client did not declare the capability for ${question.method}`;
  return Buffer.from(JSON.stringify({ code: -32601, message }));
}

/** What a question's client would have to declare. */
const NEEDED: Readonly<Record<string, string>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};

/** Tells a modern client which capability its call needs (requirement 8). */
export function missingCapability(method: string): BridgeError {
  const name = NEEDED[method] ?? method;
  return new BridgeError(
    'MISSING_CAPABILITY',
    `The server needs the client capability "${name}" for this call`,
    {
      data: JSON.stringify({ requiredCapabilities: { [name]: {} } }),
    },
  );
}

/**
 * Holds the questions of an `input_required` result against what the client declared (requirement 43).
 * @throws {BridgeError} MISSING_CAPABILITY for the first that it may not be asked
 */
export function refuseUndeclaredInput(capabilities: string, reply: Envelope): void {
  const undeclared = inputRequestsOf(reply).find(
    ([, { method, params }]) => !mayAsk(capabilities, method, params),
  );
  if (undeclared !== undefined) throw missingCapability(undeclared[1].method);
}

const TASKS = 'io.modelcontextprotocol/tasks';

/** True when a request declares the tasks extension. */
export function declaresTasks(capabilities: string): boolean {
  // A validated JSON object.
  const { extensions } = JSON.parse(capabilities) as { extensions?: Record<string, unknown> | null };
  return extensions?.[TASKS] !== undefined;
}

/**
 * Tasks are an extension of the 2026 era that each request has to declare (requirements 8 and 64).
 * @throws {BridgeError} MISSING_CAPABILITY
 */
export function requireTasks(capabilities: string): void {
  if (declaresTasks(capabilities)) return;
  throw new BridgeError('MISSING_CAPABILITY', `This method needs the client extension ${TASKS}`, {
    data: JSON.stringify({ requiredCapabilities: { extensions: { [TASKS]: {} } } }),
  });
}
