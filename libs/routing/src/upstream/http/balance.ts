import { hashText, rendezvousScore } from '@mcp-bridge/link';

/** How calls are spread over the URLs of one server. */
export type BalancePolicy = 'round-robin' | 'least-connections' | 'session-hash';

/** What a policy looks at. */
export interface Candidate {
  /** Of its URL. */
  readonly hash: number;
  /** Exchanges and streams under way. */
  readonly inFlight: number;
}

export interface Balancer {
  /**
   * @param candidates - those that may be called, never none, in the order of the configuration
   * @param key - who calls: a session, or a principal
   */
  choose<T extends Candidate>(candidates: readonly [T, ...T[]], key: string): T;
}

export function createBalancer(policy: BalancePolicy): Balancer {
  switch (policy) {
    case 'round-robin':
      return new RoundRobin();
    case 'least-connections':
      return new LeastConnections();
    case 'session-hash':
      return new SessionHash();
  }
}

class RoundRobin implements Balancer {
  #next = 0;

  choose<T extends Candidate>(candidates: readonly [T, ...T[]]): T {
    const index = this.#next % candidates.length;
    this.#next = index + 1;
    return candidates[index] ?? candidates[0];
  }
}

/** The one with the least under way; equal ones take turns. */
class LeastConnections implements Balancer {
  readonly #turns = new RoundRobin();

  choose<T extends Candidate>(candidates: readonly [T, ...T[]]): T {
    const least = Math.min(...candidates.map(({ inFlight }) => inFlight));
    const [first, ...others] = candidates.filter(({ inFlight }) => inFlight === least);
    return first === undefined ? candidates[0] : this.#turns.choose([first, ...others]);
  }
}

/** The same one for the same caller; when one goes only its own callers move. */
class SessionHash implements Balancer {
  choose<T extends Candidate>(candidates: readonly [T, ...T[]], key: string): T {
    const hash = hashText(key);
    let [best] = candidates;
    let highest = -1;
    for (const candidate of candidates) {
      const score = rendezvousScore(hash, candidate.hash);
      if (score > highest) {
        best = candidate;
        highest = score;
      }
    }
    return best;
  }
}
