import { Client, Metadata } from '@grpc/grpc-js';
import { backoffMs } from './backoff.js';
import { type LinkCredential, channelCredentials } from './credential.js';
import type { GatewayCall } from './gateway-call.js';
import { GatewayStream } from './gateway-stream.js';
import type { LinkLimits } from './link-limits.js';
import type { LinkLog } from './link-log.js';
import { linkMethod } from './link-method.js';
import { hashText } from './rendezvous.js';

export interface RouterConnectionOptions {
  readonly address: string;
  readonly credential: LinkCredential;
  readonly limits: LinkLimits;
  readonly connectTimeoutMs: number;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
  readonly log: LinkLog;
  readonly now: () => number;
  /** The state has changed; calls that wait may find a place now. */
  readonly onChange: () => void;
  readonly onUnsent: (calls: readonly GatewayCall[]) => void;
}

/** `waiting`: between two attempts. `draining`: the router leaves, calls in flight still end. */
export type RouterConnectionState = 'connecting' | 'ready' | 'draining' | 'waiting' | 'closed';

/** A stream that held this long was no accident: the next attempt after it starts at the shortest wait. */
const STABLE_AFTER_MS = 1000;

/** The lasting relation to one router: opens a stream, and another whenever that one has ended. */
export class RouterConnection {
  readonly address: string;
  readonly hash: number;
  readonly #options: RouterConnectionOptions;
  #stream: GatewayStream | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #failures = 0;
  #readyAt = 0;
  #state: RouterConnectionState = 'waiting';
  #attempted = false;

  constructor(options: RouterConnectionOptions) {
    this.address = options.address;
    this.hash = hashText(options.address);
    this.#options = options;
  }

  get state(): RouterConnectionState {
    return this.#state;
  }

  /** The stream while it carries calls: ready or draining. */
  get stream(): GatewayStream | undefined {
    return this.#stream;
  }

  get inFlight(): number {
    return this.#stream?.inFlight ?? 0;
  }

  /** True until the first attempt has come out: whether this router is up is not known yet. */
  get undecided(): boolean {
    return !this.#attempted;
  }

  connect(): void {
    this.#timer = undefined;
    this.#state = 'connecting';
    const { address, credential, limits } = this.#options;
    const client = new Client(address, channelCredentials(credential), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': limits.keepaliveIntervalMs,
      'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc-node.flow_control_window': limits.windowBytes,
      // One stream, one attempt, no proxy: reconnecting and resending are decided here, not in the channel.
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      ...(credential.tls?.serverName === undefined
        ? {}
        : { 'grpc.ssl_target_name_override': credential.tls.serverName }),
    });
    const metadata = new Metadata();
    if (credential.token !== undefined) metadata.set('authorization', `Bearer ${credential.token}`);
    const { path, requestSerialize, responseDeserialize } = linkMethod;
    this.#stream = new GatewayStream({
      client,
      stream: client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata),
      limits,
      now: this.#options.now,
      connectTimeoutMs: this.#options.connectTimeoutMs,
      onReady: () => this.#onReady(),
      onDraining: () => this.#onDraining(),
      onClosed: (_stream, reason, refused) => this.#onClosed(reason, refused),
      onUnsent: this.#options.onUnsent,
    });
  }

  /** Closes once everything has been written; the calls must have ended. */
  async close(timeoutMs: number): Promise<void> {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    await this.#stream?.close(timeoutMs);
  }

  #onReady(): void {
    this.#attempted = true;
    this.#state = 'ready';
    this.#readyAt = this.#options.now();
    this.#options.log.info({ router: this.address }, 'Linked to the router');
    this.#options.onChange();
  }

  #onDraining(): void {
    this.#state = 'draining';
    this.#options.log.info({ router: this.address }, 'The router drains; new calls go to others');
    this.#options.onChange();
  }

  #onClosed(reason: string, refused: boolean): void {
    this.#stream = undefined;
    if (this.#state === 'closed') return;
    const wasUp = this.#state !== 'connecting';
    const wasStable = wasUp && this.#options.now() - this.#readyAt >= STABLE_AFTER_MS;
    this.#attempted = true;
    this.#logLoss(reason, refused, wasUp);
    if (wasStable) this.#failures = 0;
    const delayMs = backoffMs(this.#failures++, this.#options.backoff);
    this.#state = 'waiting';
    this.#timer = setTimeout(() => this.connect(), delayMs);
    this.#options.onChange();
  }

  /** A router that stays away is logged once. */
  #logLoss(reason: string, refused: boolean, wasUp: boolean): void {
    const fields = { router: this.address, reason };
    if (wasUp) this.#options.log.warn(fields, 'Lost the link to the router; reconnecting');
    else if (this.#failures > 0) return;
    else if (refused) {
      this.#options.log.error(fields, 'The router refuses this gateway: both need the same link token or CA');
    } else this.#options.log.warn(fields, 'The router cannot be reached; trying on');
  }
}
