import { describe, expect, it } from 'vitest';
import { hashText } from '@mcp-bridge/link';
import { createBalancer } from './balance.js';

interface Url {
  readonly name: string;
  readonly hash: number;
  inFlight: number;
}

function urls(): [Url, Url, Url] {
  const make = (name: string): Url => ({ name, hash: hashText(`https://${name}.example/mcp`), inFlight: 0 });
  return [make('a'), make('b'), make('c')];
}

describe('createBalancer', () => {
  it('takes turns in round-robin, also when there are fewer to take turns', () => {
    const balancer = createBalancer('round-robin');
    const [a, b, c] = urls();
    const chosen = Array.from({ length: 4 }, () => balancer.choose([a, b, c], '').name);
    expect(chosen).toEqual(['a', 'b', 'c', 'a']);
    expect([balancer.choose([a, c], '').name, balancer.choose([a, c], '').name]).toEqual(['c', 'a']);
  });

  it('prefers the least busy in least-connections, and takes turns among equals', () => {
    const balancer = createBalancer('least-connections');
    const all = urls();
    all[0].inFlight = 2;
    all[1].inFlight = 1;
    all[2].inFlight = 1;
    const chosen = Array.from({ length: 4 }, () => balancer.choose(all, '').name);
    expect(chosen).toEqual(['b', 'c', 'b', 'c']);
    all[0].inFlight = 0;
    expect(balancer.choose(all, '').name).toBe('a');
  });

  it('spreads callers by session-hash, and moves those of a lost one alone', () => {
    const balancer = createBalancer('session-hash');
    const [a, b, c] = urls();
    const keys = Array.from({ length: 3_000 }, (_, index) => `session-${index}`);
    const before = keys.map((key) => balancer.choose([a, b, c], key).name);
    expect(keys.map((key) => balancer.choose([c, a, b], key).name)).toEqual(before);
    for (const { name } of [a, b, c]) {
      const share = before.filter((one) => one === name).length;
      expect(share).toBeGreaterThan(850);
      expect(share).toBeLessThan(1_150);
    }
    const after = keys.map((key) => balancer.choose([a, c], key).name);
    expect(after.filter((name, index) => before[index] !== 'b' && name !== before[index])).toEqual([]);
  });
});
