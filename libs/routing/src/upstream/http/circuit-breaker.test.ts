import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.js';

function breakerAt(options: { failures?: number; openMs?: number } = {}): {
  breaker: CircuitBreaker;
  pass: (ms: number) => void;
  fail: (times: number) => void;
} {
  let now = 1_000_000;
  const breaker = new CircuitBreaker({ failures: 5, openMs: 1_000, ...options, now: () => now });
  return {
    breaker,
    pass: (ms) => (now += ms),
    fail: (times) => {
      for (let index = 0; index < times; index += 1) breaker.failed(breaker.enter());
    },
  };
}

describe('CircuitBreaker', () => {
  it('opens after so many failures in a row, and not before', () => {
    const { breaker, fail } = breakerAt();
    fail(4);
    breaker.succeeded(false);
    fail(4);
    expect([breaker.state, breaker.admits, breaker.waitMs]).toEqual(['closed', true, 0]);
    fail(1);
    expect([breaker.state, breaker.admits, breaker.waitMs]).toEqual(['open', false, 1_000]);
    expect(breaker.openings).toBe(1);
  });

  it('opens when half of what came back within ten seconds failed, never in a row', () => {
    const { breaker, pass } = breakerAt();
    for (let index = 0; index < 9; index += 1) {
      breaker.succeeded(false);
      breaker.failed(false);
    }
    pass(4_000);
    breaker.succeeded(false);
    expect(breaker.state).toBe('closed');
    breaker.failed(false);
    expect(breaker.state).toBe('open');
  });

  it('forgets failures of more than ten seconds ago', () => {
    const { breaker, pass } = breakerAt();
    for (let index = 0; index < 9; index += 1) {
      breaker.succeeded(false);
      breaker.failed(false);
    }
    pass(10_000);
    breaker.succeeded(false);
    breaker.failed(false);
    expect(breaker.state).toBe('closed');
  });

  it('lets one trial through when the time is over, and closes when it succeeds', () => {
    const { breaker, pass, fail } = breakerAt();
    fail(5);
    pass(999);
    expect([breaker.enter(), breaker.admits]).toEqual([false, false]);
    pass(1);
    expect([breaker.state, breaker.admits]).toEqual(['half-open', true]);
    expect(breaker.enter()).toBe(true);
    expect([breaker.state, breaker.admits, breaker.enter()]).toEqual(['half-open', false, false]);
    expect(breaker.waitMs).toBe(1_000);
    breaker.succeeded(true);
    expect([breaker.state, breaker.admits]).toEqual(['closed', true]);
    fail(4);
    expect(breaker.state).toBe('closed');
  });

  it('stays open twice as long after each failed trial, up to 30 s', () => {
    const { breaker, pass, fail } = breakerAt();
    fail(5);
    const waits = [];
    for (let index = 0; index < 7; index += 1) {
      waits.push(breaker.waitMs);
      pass(breaker.waitMs);
      breaker.failed(breaker.enter());
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('remembers how long it was open until it was closed for 30 s', () => {
    const { breaker, pass, fail } = breakerAt();
    const recover = (): void => {
      pass(breaker.waitMs);
      breaker.succeeded(breaker.enter());
    };
    fail(5);
    recover();
    pass(29_999);
    fail(5);
    expect(breaker.waitMs).toBe(2_000);
    recover();
    pass(30_000);
    fail(5);
    expect(breaker.waitMs).toBe(1_000);
  });

  it('offers the next trial when one proved nothing', () => {
    const { breaker, pass, fail } = breakerAt();
    fail(5);
    pass(1_000);
    breaker.enter();
    breaker.abandoned();
    expect([breaker.state, breaker.enter()]).toEqual(['half-open', true]);
  });

  it('heeds no outcome of calls that were sent before it opened', () => {
    const { breaker, pass, fail } = breakerAt();
    fail(5);
    breaker.succeeded(false);
    expect(breaker.state).toBe('open');
    pass(1_000);
    breaker.enter();
    breaker.failed(false);
    breaker.succeeded(false);
    expect(breaker.state).toBe('half-open');
  });

  it('opens at once when probes failed, and closes at once when one succeeds', () => {
    const { breaker } = breakerAt();
    breaker.probesFailed();
    expect(breaker.state).toBe('open');
    breaker.probeSucceeded();
    expect(breaker.state).toBe('closed');
  });

  it('does not let probes that succeed cut short what failed calls opened', () => {
    const { breaker, pass, fail } = breakerAt();
    fail(5);
    breaker.probeSucceeded();
    expect(breaker.state).toBe('open');
    pass(1_000);
    breaker.probeSucceeded();
    expect(breaker.state).toBe('closed');
  });

  it('opens again when probes fail while half-open, whatever the trial does', () => {
    const { breaker, pass, fail } = breakerAt();
    fail(5);
    pass(1_000);
    breaker.enter();
    breaker.probesFailed();
    expect([breaker.state, breaker.waitMs]).toEqual(['open', 2_000]);
  });
});
