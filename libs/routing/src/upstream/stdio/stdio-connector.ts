import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { StdioServerConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { Era } from '../channel.js';
import type { Connector, OpenOptions, Refusal } from '../connector.js';
import {
  callForReply,
  discoverRequest,
  EMPTY_PARAMS,
  INITIALIZED,
  initializeRequest,
  judgeDiscoverError,
  judgeDiscoverResult,
  readInitializeResult,
  versionToRetry,
  within,
} from '../handshake.js';
import type { HandshakeCall, ProbeVerdict } from '../handshake.js';
import type { UpstreamMeters } from '../upstream-meters.js';
import type { ServerProcesses } from './server-processes.js';
import { StdioChannel } from './stdio-channel.js';

export interface StdioConnectorOptions {
  readonly server: string;
  readonly config: StdioServerConfig;
  readonly log: Logger;
  readonly meters: UpstreamMeters;
  readonly processes: ServerProcesses;
  readonly now: () => number;
  /** How long a silent server may keep us from trying `initialize`. */
  readonly probeTimeoutMs: number;
}

type Handshake = 'ready' | 'again-legacy' | 'again-modern' | Refusal;

/** Starts processes of one configured command and shakes hands with them. */
export class StdioConnector implements Connector {
  readonly #options: StdioConnectorOptions;

  constructor(options: StdioConnectorOptions) {
    this.#options = options;
  }

  /**
   * 2026-07-28 basic/transports/stdio, "Backward Compatibility": `server/discover` first; any answer that is not
   * modern, or silence, means `initialize` on the same process. A process that exits on the unknown request is
   * started again and initialized directly.
   */
  async probe(options: OpenOptions): Promise<StdioChannel> {
    const opened = await this.#start(options, async (channel) => {
      const discovery = callForReply(channel, discoverRequest());
      const verdict = await this.#judge(channel, discovery, this.#options.probeTimeoutMs);
      if (verdict === 'gone') return 'again-legacy';
      if (verdict === 'silent') return this.#initializeSilent(channel, discovery, options);
      if (verdict.era === 'legacy') return this.#initialize(channel, options);
      return establishModern(channel, verdict);
    });
    if ('refusal' in opened) throw opened.refusal;
    return opened;
  }

  open(era: Era, options: OpenOptions): Promise<StdioChannel | Refusal> {
    return this.#start(options, async (channel) => {
      if (era === 'legacy') return this.#initialize(channel, options);
      const discovery = callForReply(channel, discoverRequest());
      const verdict = await this.#judge(channel, discovery, this.#options.config.startTimeout);
      if (verdict === 'gone' || verdict === 'silent')
        throw this.#unavailable('did not answer server/discover');
      if (verdict.era === 'legacy') return { refusal: this.#unavailable('no longer speaks 2026-07-28') };
      return establishModern(channel, verdict);
    });
  }

  close(): Promise<void> {
    return this.#options.processes.close();
  }

  async #start(
    options: OpenOptions,
    shakeHands: (channel: StdioChannel) => Promise<Handshake>,
    mayBeWarm = true,
  ): Promise<StdioChannel | Refusal> {
    const startedAt = performance.now();
    const { child, wasWarm } = await this.#options.processes.take(options.tenant, mayBeWarm);
    let ready = false;
    const channel = new StdioChannel({
      ...this.#options,
      ...options,
      child,
      // Before it is ready, the failed handshake tells.
      onLost: (reason) => (ready ? options.onLost(reason) : undefined),
    });
    let outcome: Handshake;
    try {
      outcome = await shakeHands(channel);
      if (outcome === 'ready' && channel.closed) throw this.#unavailable('ended during the handshake');
    } catch (error) {
      const hadEnded = channel.closed;
      await abandon(channel);
      // It ended while it waited, or for having waited: says nothing of one that is started now.
      if (wasWarm && hadEnded) return this.#start(options, shakeHands, false);
      this.#options.meters.failed('handshake');
      throw this.#startError(BridgeError.from(error));
    }
    if (outcome === 'ready') {
      ready = true;
      this.#options.meters.establishment.observe((performance.now() - startedAt) / 1000);
      return channel;
    }
    await abandon(channel);
    if (typeof outcome === 'object') return outcome;
    return this.open(outcome === 'again-legacy' ? 'legacy' : 'modern', options);
  }

  async #judge(
    channel: StdioChannel,
    discovery: HandshakeCall,
    timeoutMs: number,
    mayAskAgain = true,
  ): Promise<ProbeVerdict | 'gone' | 'silent'> {
    try {
      return judgeDiscoverResult(await within(discovery.reply, timeoutMs, 'server/discover'));
    } catch (error) {
      const failure = BridgeError.from(error);
      if (failure.code === 'DEADLINE_EXCEEDED') return 'silent';
      if (failure.code === 'OUTCOME_UNKNOWN') return 'gone';
      if (failure.code === 'UPSTREAM_UNAVAILABLE') throw failure;
      const version = mayAskAgain ? versionToRetry(failure) : undefined;
      if (version === undefined) return judgeDiscoverError(failure);
      return this.#judge(channel, callForReply(channel, discoverRequest(version)), timeoutMs, false);
    }
  }

  async #initialize(channel: StdioChannel, options: OpenOptions): Promise<Handshake> {
    const { reply } = callForReply(channel, initializeRequest(options.declaration));
    let answer: Envelope;
    try {
      answer = await within(reply, this.#options.config.startTimeout, 'initialize');
    } catch (error) {
      const failure = BridgeError.from(error);
      if (failure.code === 'UPSTREAM_ERROR') return { refusal: this.#startError(failure) };
      throw failure;
    }
    return establishLegacy(channel, answer);
  }

  /**
   * The probe got no answer in time: the server is legacy and silent, or merely slow to start. It reads its input
   * in order, so a slow modern one answers the probe before it answers `initialize`; as that may have put it
   * into its legacy mode, it is started again.
   */
  async #initializeSilent(
    channel: StdioChannel,
    discovery: HandshakeCall,
    options: OpenOptions,
  ): Promise<Handshake> {
    let late: ProbeVerdict | undefined;
    discovery.reply.then(
      (reply) => (late = judgeDiscoverResult(reply)),
      () => undefined,
    );
    let outcome: Handshake;
    try {
      outcome = await this.#initialize(channel, options);
    } catch (error) {
      if (BridgeError.from(error).code === 'OUTCOME_UNKNOWN') return 'again-legacy';
      throw error;
    }
    if (isModern(late)) return 'again-modern';
    discovery.cancel();
    return outcome;
  }

  /** Whatever failed in a handshake, no call of anybody has run: it is safe to try again. */
  #startError(failure: BridgeError): BridgeError {
    if (failure.code === 'UPSTREAM_UNAVAILABLE') return failure;
    const message = `Server "${this.#options.server}" did not start: ${failure.message}`;
    return new BridgeError('UPSTREAM_UNAVAILABLE', message, { cause: failure });
  }

  #unavailable(what: string): BridgeError {
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${this.#options.server}" ${what}`);
  }
}

function establishModern(channel: StdioChannel, verdict: ProbeVerdict): Handshake {
  if (verdict.era === 'unusable') throw verdict.error;
  if (verdict.era === 'modern') channel.establish(verdict.info);
  return 'ready';
}

/** A server that chooses a revision which we do not speak has answered: it is a refusal, no failure. */
function establishLegacy(channel: StdioChannel, reply: Envelope): Handshake {
  try {
    channel.establish(readInitializeResult(reply));
  } catch (error) {
    return { refusal: BridgeError.from(error) };
  }
  channel.notify(INITIALIZED, EMPTY_PARAMS);
  return 'ready';
}

function isModern(verdict: ProbeVerdict | undefined): boolean {
  return verdict?.era === 'modern';
}

async function abandon(channel: StdioChannel): Promise<void> {
  channel.kill();
  await channel.close();
}
