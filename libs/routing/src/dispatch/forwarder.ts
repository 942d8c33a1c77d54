import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { CallRequest } from '@mcp-bridge/link';
import type { Catalog, CatalogCaller } from '../catalog/catalog.js';
import { checkParamHeaders, paramHeadersFor } from '../catalog/param-headers.js';
import type { Target as NamedTarget, View } from '../catalog/views.js';
import { isLogLevel, isModernVersion } from '../adapt/era.js';
import { refusedState } from '../input/held-calls.js';
import type { HeldCalls } from '../input/held-calls.js';
import { requireTasks } from '../input/capabilities.js';
import type { Session } from '../sessions/session.js';
import type { SessionStore } from '../sessions/session-store.js';
import type { ChannelLease, ChannelScope } from '../upstream/channel.js';
import type { ServerSet } from '../upstream/server-set.js';
import type { ActiveCall } from './active-call.js';
import { Exchange } from './exchange.js';
import type { ExchangeContext, Target } from './exchange.js';
import { ensureLogLevel } from './log-levels.js';
import { andThen } from './now-or-later.js';
import type { NowOrLater } from './now-or-later.js';
import type { TaskOwners } from './task-owners.js';

/** What legacy clients hear from modern upstreams before they chose a level. */
const DEFAULT_LEGACY_LEVEL = 'info';

export interface ForwarderOptions {
  readonly servers: Pick<ServerSet, 'get' | 'isHttp' | 'pinOf' | 'timeoutMsOf'>;
  readonly catalog: Catalog;
  readonly sessions: SessionStore;
  readonly held: HeldCalls;
  readonly tasks: TaskOwners;
  /** Called with every channel that serves one client, before its first request. */
  readonly onChannel: (server: string, lease: ChannelLease, request: CallRequest) => void;
  readonly onUnsolicited: (server: string, request: CallRequest, notification: Envelope) => void;
}

/** Finds the upstream that a call is for, borrows a channel to it and lets an exchange run there. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #context: ExchangeContext;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    const { held, tasks, onUnsolicited } = options;
    const relistHeaders: ExchangeContext['relistHeaders'] = (target, request) =>
      this.#relistHeaders(target, request);
    const mayRepeat: ExchangeContext['mayRepeat'] = ({ server, upstreamName }, request) =>
      upstreamName !== undefined && options.catalog.mayRepeatTool(server, upstreamName, callerOf(request));
    this.#context = { held, tasks, onUnsolicited, relistHeaders, mayRepeat };
  }

  forward(call: ActiveCall, view: View): NowOrLater<void> {
    const { request } = call;
    if (request.logLevel !== '' && !isLogLevel(request.logLevel)) {
      throw new BridgeError('INVALID_PARAMS', `"${request.logLevel}" is not a log level`);
    }
    if (request.method === 'resources/read') return this.#readResource(call, view);
    return andThen(this.#targetOf(request, view), (target) => this.#exchange(call, target));
  }

  /** Methods that only some servers know: passed on where the view has one server, so that one can answer. */
  async forwardExtension(call: ActiveCall, view: View): Promise<void> {
    const { request } = call;
    if (request.method.startsWith('tasks/') && request.name !== '') {
      if (isModernVersion(request.protocolVersion)) requireTasks(request.capabilities);
      const owner = this.#options.tasks.serverOf(request.principal, request.name);
      if (owner === undefined || !view.servers.includes(owner)) {
        throw new BridgeError('INVALID_PARAMS', `Unknown task: ${request.name}`);
      }
      return this.#exchange(call, { server: owner, upstreamName: undefined });
    }
    const server = onlyServer(view);
    if (server === undefined)
      throw new BridgeError('METHOD_NOT_FOUND', `Method not found: ${request.method}`);
    await this.#exchange(call, { server, upstreamName: undefined });
  }

  /** @throws {BridgeError} UPSTREAM_UNAVAILABLE, OVERLOADED */
  acquire(server: string, request: CallRequest): NowOrLater<ChannelLease> {
    const upstream = this.#options.servers.get(server);
    if (upstream === undefined)
      throw new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" is not configured`);
    return andThen(upstream.acquire(scopeOf(request)), (lease) => {
      this.#options.onChannel(server, lease, request);
      return lease;
    });
  }

  #exchange(call: ActiveCall, target: Target): NowOrLater<void> {
    if (call.ended) return undefined;
    const { request } = call;
    const { held, servers } = this.#options;
    call.limit(servers.timeoutMsOf(target.server));
    const state = isModernVersion(request.protocolVersion) ? held.stateOf(request) : 'none';
    if (state === 'own') return held.resume(call);
    return andThen(this.acquire(target.server, request), (lease) => {
      if (call.ended) return lease.release();
      const refusal = refusalOf(request, lease, state);
      if (refusal !== undefined) {
        lease.release();
        throw refusal;
      }
      if (request.method !== 'tools/call' || servers.pinOf(target.server) === false)
        return this.#start(call, lease, target);
      return this.#requireUnchanged(lease, target, request).then(() => {
        if (call.ended) lease.release();
        else this.#start(call, lease, target);
      });
    });
  }

  #start(call: ActiveCall, lease: ChannelLease, target: Target): void {
    const { request } = call;
    const modern = isModernVersion(request.protocolVersion);
    const session = this.#sessionOf(request);
    const wanted = modern ? request.logLevel : (session?.logLevel ?? '');
    if (wanted !== '') ensureLogLevel(lease.channel, wanted, ownerOf(request), !modern);
    const level = modern ? request.logLevel : wanted || DEFAULT_LEGACY_LEVEL;
    new Exchange(this.#context, call, lease, target, session, level).start();
  }

  /** With the channel at hand: a server that was started for this call may be another one than was listed. */
  async #requireUnchanged(lease: ChannelLease, target: Target, request: CallRequest): Promise<void> {
    const name = target.upstreamName ?? request.name;
    try {
      await this.#options.catalog.requireUnchanged(target.server, name, callerOf(request));
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  #targetOf(request: CallRequest, view: View): NowOrLater<Target> {
    switch (request.method) {
      case 'tools/call':
        return this.#toolTarget(request, view);
      case 'prompts/get':
        return found(view.resolvePrompt(request.name), 'prompt', request.name);
      default:
        return this.#completionTarget(request, view);
    }
  }

  #toolTarget(request: CallRequest, view: View): NowOrLater<Target> {
    const target = found(view.resolveTool(request.name), 'tool', request.name);
    const headers = this.#headersFor(target, request);
    return headers === undefined ? target : headers;
  }

  /**
   * Checks the `Mcp-Param-*` headers that came with a call and makes those for the upstream. Nearly no server has
   * annotated tools, so nearly every call leaves at the first line, without a promise.
   * @throws {BridgeError} HEADER_MISMATCH
   */
  #headersFor(target: NamedTarget, request: CallRequest): Promise<Target> | undefined {
    const { catalog, servers } = this.#options;
    if (catalog.hasParamHeaders(target.server) === false && request.paramHeaders.length <= 2)
      return undefined;
    if (request.paramHeaders === '' && !servers.isHttp(target.server)) return undefined;
    const caller = callerOf(request);
    return catalog.toolDefinition(target.server, target.upstreamName, caller).then((facts) => {
      const annotated = facts !== undefined && facts.paramHeaders.length > 0;
      const args = annotated ? argumentsOf(request) : '';
      const fault =
        annotated && request.paramHeaders !== ''
          ? checkParamHeaders(facts, request.paramHeaders, args)
          : undefined;
      if (fault !== undefined) throw fault;
      return { ...target, headers: paramHeadersFor(facts, args, request.paramHeaders) };
    });
  }

  async #relistHeaders(
    { server, upstreamName }: Target,
    request: CallRequest,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    if (request.method !== 'tools/call' || upstreamName === undefined) return undefined;
    const facts = await this.#options.catalog.toolDefinition(server, upstreamName, callerOf(request), true);
    if (facts === undefined) return undefined;
    return paramHeadersFor(facts, argumentsOf(request), request.paramHeaders);
  }

  /** `ref.name` names a prompt, `ref.uri` a resource template (requirement 58). */
  async #completionTarget(request: CallRequest, view: View): Promise<Target> {
    const params = JSON.parse(request.params.toString('utf8')) as { ref?: { type?: unknown } };
    if (params.ref?.type === 'ref/prompt')
      return found(view.resolvePrompt(request.name), 'prompt', request.name);
    const server = await this.#options.catalog.resourceOwner(view, request.name, callerOf(request));
    if (server === undefined) throw new BridgeError('INVALID_PARAMS', `Unknown resource: ${request.name}`);
    return { server, upstreamName: undefined };
  }

  async #readResource(call: ActiveCall, view: View): Promise<void> {
    const { request } = call;
    const server = await this.#options.catalog.resourceOwner(view, request.name, callerOf(request));
    if (server === undefined || !view.allowsResource(request.name, server)) {
      throw resourceNotFound(request);
    }
    await this.#exchange(call, { server, upstreamName: undefined });
  }

  #sessionOf(request: CallRequest): Session | undefined {
    return request.session === '' ? undefined : this.#options.sessions.get(request.session);
  }
}

export function scopeOf(request: CallRequest): ChannelScope {
  return {
    tenant: request.principal.tenant,
    principal: request.principal.id,
    session: request.session,
    capabilities: request.capabilities,
    clientInfo: request.clientInfo,
    preferredEra: isModernVersion(request.protocolVersion) ? 'modern' : 'legacy',
  };
}

/** Whose lists to look at for this request, and in which revision to answer. */
export function callerOf(request: CallRequest): CatalogCaller {
  return {
    tenant: request.principal.tenant,
    principal: request.principal.id,
    session: request.session,
    protocolVersion: request.protocolVersion,
    deadlineAt: request.timeoutMs === 0 ? 0 : performance.now() + request.timeoutMs,
  };
}

export function ownerOf(request: CallRequest): string {
  return `${request.principal.tenant}\0${request.principal.id}`;
}

/** Requirement 61: -32602 for modern clients, -32002 before. */
export function resourceNotFound(request: CallRequest): BridgeError {
  const code = isModernVersion(request.protocolVersion) ? 'INVALID_PARAMS' : 'RESOURCE_NOT_FOUND';
  return new BridgeError(code, `Resource not found: ${request.name}`, {
    data: JSON.stringify({ uri: request.name }),
  });
}

/** Why a call must not run on the channel that it was given. */
function refusalOf(
  request: CallRequest,
  lease: ChannelLease,
  state: 'none' | 'foreign',
): BridgeError | undefined {
  // The list would hold the tasks of everybody who uses this connection (requirement 64).
  if (request.method === 'tasks/list' && !lease.owned) {
    const message = 'This server is shared by several clients; ask for tasks by their ids';
    return new BridgeError('METHOD_NOT_FOUND', message);
  }
  // Legacy servers make no states: it is forged, or of a router that is gone with the call that it held.
  return state === 'foreign' && lease.channel.info.era === 'legacy' ? refusedState() : undefined;
}

function onlyServer(view: View): string | undefined {
  return view.prefixed ? undefined : view.servers[0];
}

/** Requirement 60: an unknown name is a protocol error. */
function found<T>(target: T | undefined, kind: string, name: string): T {
  if (target === undefined) throw new BridgeError('INVALID_PARAMS', `Unknown ${kind}: ${name}`);
  return target;
}

function argumentsOf(request: CallRequest): string {
  // The gateway validated the params as a JSON object.
  const params = JSON.parse(request.params.toString('utf8')) as { arguments?: unknown };
  return params.arguments === undefined ? '' : JSON.stringify(params.arguments);
}
