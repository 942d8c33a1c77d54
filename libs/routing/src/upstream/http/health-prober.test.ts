import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HealthProber } from './health-prober.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A prober of a URL that is as `alive` says, and what it did. */
function proberOf(intervalMs: number): {
  prober: HealthProber;
  url: { alive: boolean };
  probedAt: number[];
  heard: string[];
} {
  const url = { alive: true };
  const probedAt: number[] = [];
  const heard: string[] = [];
  const from = Date.now();
  const prober = new HealthProber({
    probe: () => {
      probedAt.push(Date.now() - from);
      return Promise.resolve(url.alive);
    },
    intervalMs,
    downPauseMs: 5_000,
    failures: 2,
    onDown: () => heard.push('down'),
    onUp: () => heard.push('up'),
    now: () => Date.now(),
  });
  return { prober, url, probedAt, heard };
}

describe('HealthProber', () => {
  it('never probes without cause when there is no interval', async () => {
    const { probedAt } = proberOf(0);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(probedAt).toEqual([]);
  });

  it('probes at its interval, and believes the failures that follow one another', async () => {
    const { prober, url, probedAt, heard } = proberOf(1_000);
    url.alive = false;
    await vi.advanceTimersByTimeAsync(1_000);
    url.alive = true;
    await vi.advanceTimersByTimeAsync(1_000);
    url.alive = false;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(probedAt).toEqual([1_000, 2_000, 3_000, 4_000]);
    expect(heard).toEqual(['up', 'down']);
    prober.close();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(probedAt).toHaveLength(4);
  });

  it('settles a doubt at once, and asks a URL that is down until it answers', async () => {
    const { prober, url, probedAt, heard } = proberOf(0);
    url.alive = false;
    prober.doubt();
    prober.doubt();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([probedAt, heard]).toEqual([[0, 100], ['down']]);
    await vi.advanceTimersByTimeAsync(5_000);
    url.alive = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(probedAt).toEqual([0, 100, 5_100, 10_100]);
    expect(heard).toEqual(['down', 'down', 'up']);
  });

  it('heeds no doubt for a second after the URL answered', async () => {
    const { prober, probedAt } = proberOf(0);
    prober.doubt();
    await vi.advanceTimersByTimeAsync(999);
    prober.doubt();
    await vi.advanceTimersByTimeAsync(1);
    prober.doubt();
    await vi.advanceTimersByTimeAsync(0);
    expect(probedAt).toEqual([0, 1_000]);
  });
});
