/** One busy connection of a closed loop: what one `send` sends is under way on it at a time. */
export interface LoadConnection {
  /** Requests of one `send`, each with an answer of its own; default 1. */
  readonly requestsPerSend?: number;
  /** Set by the loop: hears of each answer, and whether it was right. */
  onReply: (ok: boolean) => void;
  /** Set by the loop: the connection is lost; an answer that is due will not come. */
  onClose: () => void;
  /** Before each run: opens anew what a server may have closed as idle. */
  prepare?(): Promise<void>;
  send(): void;
  close(): void;
}
