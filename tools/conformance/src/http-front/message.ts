import { ERRORS } from '@mcp-bridge/protocol';
import { z } from 'zod';

const Id = z.union([z.string(), z.number()]);
const Meta = z.looseObject({
  progressToken: Id.optional(),
  'io.modelcontextprotocol/protocolVersion': z.unknown().optional(),
});
const Message = z.looseObject({
  id: Id.nullish(),
  method: z.string().optional(),
  params: z.looseObject({ _meta: Meta.optional(), progressToken: Id.optional() }).optional(),
  error: z.looseObject({ code: z.number() }).optional(),
});

/** What the front has to know of a JSON-RPC message; the text itself is passed on. */
export type Message = z.infer<typeof Message>;

/** `{}` for what is no message: the bridge shall say what is wrong with it. */
export function readMessage(text: string): Message {
  try {
    return Message.parse(JSON.parse(text));
  } catch {
    return {};
  }
}

/** True for requests, and for what is no message at all. */
export function wantsReply({ id, method }: Message): boolean {
  const hasId = id !== undefined && id !== null;
  return hasId === (method !== undefined);
}

/** Stateless requests name their version themselves; the others belong to a session. */
export function isModern({ params }: Message): boolean {
  return params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
}

/** Changes that no request asked for. */
export function isUnsolicited({ method }: Message): boolean {
  return method !== undefined && /(?:\/list_changed|^notifications\/resources\/updated)$/.test(method);
}

const STATUS_BY_CODE = new Map<number, number>(
  // A later row of the same code must not take the place of the general one.
  Object.values(ERRORS)
    .map(({ rpc, http }) => [rpc, http] as const)
    .reverse(),
);

/**
 * The HTTP status of a reply (2026-07-28 basic/transports/streamable-http): in a session 200 whatever it says, else
 * that of its error code.
 */
export function statusOf({ error }: Message, inSession: boolean): number {
  return error === undefined || inSession ? 200 : (STATUS_BY_CODE.get(error.code) ?? 200);
}
