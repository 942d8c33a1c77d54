import { createMetrics } from '@mcp-bridge/metrics';
import { scanEnvelope } from '@mcp-bridge/protocol';
import type { BridgeError } from '@mcp-bridge/protocol';
import type { CallHandle, CallRequest, KeepResult } from '@mcp-bridge/link';
import { configSchema } from '@mcp-bridge/service';
import { pino } from 'pino';
import { createRouting } from './create-routing.js';
import type { Routing } from './create-routing.js';

type Json = Record<string, unknown>;

/** What came back of one call. */
export interface Outcome {
  readonly result?: Json;
  readonly error?: BridgeError;
  /** What gateways are told of the result. */
  readonly keep?: KeepResult | undefined;
  readonly messages: readonly Json[];
}

export interface CallInFlight {
  readonly handle: CallHandle;
  readonly ended: Promise<Outcome>;
  readonly messages: Json[];
  /** Resolves with the first message that passes. */
  next(test: (message: Json) => boolean): Promise<Json>;
}

/** A routing half in this process, called as a gateway would call it; for the tests of this library. */
export function startRoutingHarness(servers: Json, more: Json = {}): Routing {
  const config = configSchema.parse({ servers, ...more });
  return createRouting({ config, log: pino({ level: 'silent' }), metrics: createMetrics() });
}

/** Sends one message the way the edge does: scanned, with the spans that it found. */
export function send(
  routing: Routing,
  method: string,
  params: Json,
  overrides: Partial<CallRequest> = {},
): CallInFlight {
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  const envelope = scanEnvelope(bytes);
  const from = envelope.params.start;
  const at = (position: number): number => (position < 0 ? -1 : position - from);
  const request: CallRequest = {
    principal: { tenant: 'test', id: 'alice' },
    view: '',
    method,
    name: envelope.name ?? '',
    params: bytes.subarray(envelope.params.start, envelope.params.end),
    spans: {
      nameStart: at(envelope.nameSpan.start),
      nameEnd: at(envelope.nameSpan.end),
      metaStart: at(envelope.meta.start),
      metaEnd: at(envelope.meta.end),
      progressTokenStart: at(envelope.progressToken.start),
      progressTokenEnd: at(envelope.progressToken.end),
    },
    clientRequestId: '1',
    protocolVersion: '2025-11-25',
    capabilities: '{}',
    clientInfo: '',
    session: 'session-1',
    logLevel: envelope.logLevel ?? '',
    timeoutMs: 20_000,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: '',
    ...overrides,
  };
  const messages: Json[] = [];
  const waiting = new Set<() => void>();
  let handle: CallHandle = { cancel: () => undefined };
  const ended = new Promise<Outcome>((resolve) => {
    handle = routing.handler.call(request, {
      onMessage: (message) => {
        messages.push(JSON.parse(message.toString('utf8')) as Json);
        for (const look of waiting) look();
      },
      onResult: (result, keep) =>
        resolve({ result: JSON.parse(result.toString('utf8')) as Json, keep, messages }),
      onError: (error) => resolve({ error, messages }),
    });
  });
  const next = (test: (message: Json) => boolean): Promise<Json> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = messages.find(test);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { handle, ended, messages, next };
}

/** Params of a stateless client. */
export function modern(params: Json, capabilities: Json = {}): Json {
  return {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    },
  };
}

export function asModern(capabilities: Json = {}): Partial<CallRequest> {
  return { protocolVersion: '2026-07-28', session: '', capabilities: JSON.stringify(capabilities) };
}
