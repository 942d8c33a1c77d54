import { randomBytes } from 'node:crypto';
import type { Principal } from '@mcp-bridge/link';

/** A reply that stays open until somebody ends it. */
export interface OpenStream {
  /** `''` for the stream of a modern client. */
  readonly session: string;
  /** Who opened it, as its key proved. */
  readonly principal: Principal;
  /** Ends it in the way its client understands; the client may come back elsewhere. */
  endGracefully(): void;
}

/** GET streams and listens that are open now, and the ids of event streams. */
export interface OpenStreams {
  add(stream: OpenStream): void;
  remove(stream: OpenStream): void;
  /** Open streams of a session here. */
  countOf(session: string): number;
  endSession(session: string): void;
  /** Ends the streams of these clients: what let them in is valid no more. */
  revoke(isRevoked: (principal: Principal) => boolean): void;
  endAll(): void;
  /**
   * An id for an event stream, unique over all gateways. It is no secret: a stream is resumed only with the
   * token of its session. GET streams begin with `g`, streams of a request with `p`.
   */
  nextId(kind: 'g' | 'p'): string;
}

export function createOpenStreams(): OpenStreams {
  const open = new Set<OpenStream>();
  const bySession = new Map<string, Set<OpenStream>>();
  const gateway = randomBytes(8).toString('hex');
  let count = 0;
  return {
    add(stream) {
      open.add(stream);
      if (stream.session === '') return;
      const others = bySession.get(stream.session) ?? new Set();
      bySession.set(stream.session, others.add(stream));
    },
    remove(stream) {
      open.delete(stream);
      const others = bySession.get(stream.session);
      others?.delete(stream);
      if (others?.size === 0) bySession.delete(stream.session);
    },
    countOf(session) {
      return bySession.get(session)?.size ?? 0;
    },
    endSession(session) {
      for (const stream of [...(bySession.get(session) ?? [])]) stream.endGracefully();
    },
    revoke(isRevoked) {
      for (const stream of [...open]) if (isRevoked(stream.principal)) stream.endGracefully();
    },
    endAll() {
      for (const stream of [...open]) stream.endGracefully();
    },
    nextId(kind) {
      count += 1;
      return `${kind}${gateway}${count.toString(36)}`;
    },
  };
}
