import { BridgeError } from '@mcp-bridge/protocol';
import type { Refusal } from '../connector.js';
import { callForReply, initializeRequest, readInitializeResult, within } from '../handshake.js';
import { isNoEvidence, startFailure } from './http-handshake.js';
import { SseChannel } from './sse-channel.js';
import type { SseChannelOptions } from './sse-channel.js';
import type { SseStart } from './sse-stream.js';

export interface ConnectSseOptions extends SseChannelOptions {
  /** For the stream to name its endpoint. */
  readonly streamTimeoutMs: number;
  /** For `initialize`. */
  readonly startTimeoutMs: number;
}

/**
 * Opens a session over HTTP+SSE (2024-11-05).
 * @throws {BridgeError} UPSTREAM_UNAVAILABLE when it cannot be said whether the server speaks it, or it fails
 */
export async function connectSse(options: ConnectSseOptions): Promise<SseChannel | Refusal> {
  const { endpoint, streamTimeoutMs } = options;
  const refused = endpoint.refusal();
  if (refused !== undefined) throw refused;
  let ready = false;
  const channel = new SseChannel({
    ...options,
    // Before it is ready, the failed handshake tells.
    onLost: (reason) => (ready ? options.onLost(reason) : undefined),
  });
  try {
    const start = await channel.open(streamTimeoutMs);
    const refusal = 'path' in start ? await initialize(channel, options) : refusalOf(options, start);
    if (refusal === undefined) {
      if (channel.closed) throw unavailable(endpoint.server, 'ended its event stream during the handshake');
      ready = true;
      return channel;
    }
    await channel.close();
    return { refusal };
  } catch (error) {
    await channel.close();
    const { cause } = BridgeError.from(error);
    // Of a channel that was lost meanwhile, the reason: no call of anybody has run, it is safe to try again.
    const failure = cause instanceof BridgeError ? cause : BridgeError.from(error);
    if (failure.code === 'UPSTREAM_UNAVAILABLE') throw failure;
    throw new BridgeError(
      'UPSTREAM_UNAVAILABLE',
      `Server "${endpoint.server}" did not start: ${failure.message}`,
      { cause: failure },
    );
  }
}

async function initialize(channel: SseChannel, options: ConnectSseOptions): Promise<BridgeError | undefined> {
  const { reply } = callForReply(channel, initializeRequest(options.declaration));
  try {
    const result = await within(reply, options.startTimeoutMs, 'initialize');
    await channel.establish(readInitializeResult(result));
    return undefined;
  } catch (error) {
    const failure = BridgeError.from(error);
    if (failure.code !== 'UPSTREAM_ERROR') throw failure;
    const message = `Server "${options.endpoint.server}" refused initialize: ${failure.message}`;
    return new BridgeError('UPSTREAM_UNAVAILABLE', message, { cause: failure });
  }
}

function refusalOf(
  { endpoint }: ConnectSseOptions,
  start: Exclude<SseStart, { readonly path: string }>,
): BridgeError {
  if ('problem' in start) return unavailable(endpoint.server, start.problem);
  const { end } = start;
  if (isNoEvidence(end)) throw startFailure(endpoint, end);
  const what = end.isStream
    ? 'ended its event stream before it named an endpoint'
    : `answered ${end.status} to GET`;
  return unavailable(endpoint.server, what);
}

function unavailable(server: string, what: string): BridgeError {
  const advice = `check servers.${server}.url and transport`;
  return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" ${what}; ${advice}`);
}
