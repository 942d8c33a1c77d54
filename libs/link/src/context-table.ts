import { CONTEXT_SLOTS, type CallContext, MAX_KEPT_CONTEXT_LENGTH } from './frames.js';
import type { FrameWriter } from './frame-writer.js';
import type { CallRequest, InputMessage } from './link.js';

/** Contexts of one principal that are looked through one by one; more push each other out. */
const MAX_PER_PRINCIPAL = 16;

/**
 * Numbers what calls of one client have in common, so that it crosses the link once. The sender alone decides
 * what is forgotten: a number is given anew by sending CONTEXT again, and frames keep their order.
 */
export class ContextTable {
  readonly #byPrincipal = new Map<string, NumberedContext[]>();
  readonly #byNumber: (NumberedContext | undefined)[] = new Array<undefined>(CONTEXT_SLOTS);
  /** Numbers are given out in turn; 0 is for contexts that are not remembered. */
  #next = 1;

  /** The number to name in a CALL; writes a CONTEXT frame first when the peer does not know it. */
  ofCall(request: CallRequest, writer: FrameWriter): number {
    const candidates = this.#byPrincipal.get(request.principal.id);
    if (candidates !== undefined) {
      for (const candidate of candidates)
        if (isContextOf(candidate.context, request)) return candidate.number;
    }
    return this.#add(contextOf(request), writer);
  }

  /** As `ofCall`, for INPUT. */
  ofInput(input: InputMessage, writer: FrameWriter): number {
    const request = { ...NO_CLIENT, principal: input.principal, view: input.view };
    for (const candidate of this.#byPrincipal.get(input.principal.id) ?? []) {
      if (isContextOf(candidate.context, request)) return candidate.number;
    }
    return this.#add(contextOf(request), writer);
  }

  #add(context: CallContext, writer: FrameWriter): number {
    if (lengthOf(context) > MAX_KEPT_CONTEXT_LENGTH) {
      writer.context(0, context);
      return 0;
    }
    const number = this.#next;
    this.#next = number + 1 === CONTEXT_SLOTS ? 1 : number + 1;
    this.#keep({ number, context });
    writer.context(number, context);
    return number;
  }

  #keep(added: NumberedContext): void {
    const previous = this.#byNumber[added.number];
    if (previous !== undefined) this.#forget(previous);
    this.#byNumber[added.number] = added;
    const siblings = this.#byPrincipal.get(added.context.principal);
    if (siblings === undefined) {
      this.#byPrincipal.set(added.context.principal, [added]);
      return;
    }
    const oldest = siblings[0];
    if (siblings.length === MAX_PER_PRINCIPAL && oldest !== undefined) this.#forget(oldest);
    siblings.push(added);
  }

  #forget(entry: NumberedContext): void {
    this.#byNumber[entry.number] = undefined;
    const siblings = this.#byPrincipal.get(entry.context.principal);
    if (siblings === undefined) return;
    const at = siblings.indexOf(entry);
    if (at >= 0) siblings.splice(at, 1);
    if (siblings.length === 0) this.#byPrincipal.delete(entry.context.principal);
  }
}

interface NumberedContext {
  readonly number: number;
  readonly context: CallContext;
}

type ContextSource = Pick<
  CallRequest,
  'principal' | 'view' | 'protocolVersion' | 'capabilities' | 'clientInfo'
>;

const NO_CLIENT = { protocolVersion: '', capabilities: '', clientInfo: '' };

function contextOf(source: ContextSource): CallContext {
  return {
    tenant: source.principal.tenant,
    principal: source.principal.id,
    view: source.view,
    protocolVersion: source.protocolVersion,
    capabilities: source.capabilities,
    clientInfo: source.clientInfo,
  };
}

function isContextOf(context: CallContext, source: ContextSource): boolean {
  return (
    context.principal === source.principal.id &&
    context.tenant === source.principal.tenant &&
    context.view === source.view &&
    context.protocolVersion === source.protocolVersion &&
    context.capabilities === source.capabilities &&
    context.clientInfo === source.clientInfo
  );
}

function lengthOf(context: CallContext): number {
  return (
    context.tenant.length +
    context.principal.length +
    context.view.length +
    context.protocolVersion.length +
    context.capabilities.length +
    context.clientInfo.length
  );
}
