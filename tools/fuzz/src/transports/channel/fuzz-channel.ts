import type { Random } from '../../random.js';

/** What the fuzzer hears from one of its connections. */
export interface ChannelListener {
  /** Messages can be sent. */
  onOpen(): void;
  /** One JSON-RPC message, or batch, as JSON. */
  onMessage(text: string): void;
  /** The other side has ended it. */
  onClosed(why: string): void;
  /** The bridge broke a rule of the transport. */
  onFault(why: string): void;
}

/** A message as the transport carries it, in order or not. */
export interface Packed {
  /** Written one after the other, with a turn of the event loop between them. */
  readonly pieces: readonly Buffer[];
  /** What was done to the transport, '' for nothing. */
  readonly how: string;
  /** The bridge may end the connection for it, or wait for more. */
  readonly breaks: boolean;
}

/** One connection that carries whole messages both ways. */
export interface FuzzChannel {
  /**
   * Makes of a message what is sent.
   * @param random - undefined leaves the transport in order
   */
  pack(message: Buffer, random: Random | undefined): Packed;
  send(packed: Packed): void;
  /** Ends it, politely or not. Nothing is heard of it afterwards. */
  close(politely: boolean): void;
}

/** A transport over which conversations take place. */
export interface ChannelKind {
  /** Connections that send at the same time. */
  readonly concurrency: number;
  /** Steps that one connection makes. */
  readonly blockSteps: number;
  /** A newline ends a message. */
  readonly linewise: boolean;
  /** What an answer may take beyond the bridge's deadline, where it is not the usual. */
  readonly slackMs?: number;
  /** Inputs whose barrier may be on its way at once; 8 unless told. */
  readonly window?: number;
  /** The length of messages that are long on purpose; beyond the limit of the bridge unless told. */
  readonly oversizeBytes?: number;
  /** @param random - decides how the connection begins; the same for all steps of a block */
  connect(random: Random, listener: ChannelListener): FuzzChannel;
}
