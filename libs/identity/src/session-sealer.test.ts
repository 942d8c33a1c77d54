import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSessionSealer } from './session-sealer.js';

const keys = [randomBytes(32)];
const named = {
  principal: { tenant: 'acme', id: 'alice' },
  view: 'files',
  version: '2025-11-25',
  capabilities: '{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true}}',
  clientInfo: '{"name":"ünïcode","version":"1"}',
};

describe('session sealer', () => {
  it('carries the claims to another replica with the same key', () => {
    const { token, claims } = createSessionSealer({ keys }).seal(named);
    expect(createSessionSealer({ keys }).open(token)).toEqual({
      ...named,
      id: claims.id,
      issuedAt: claims.issuedAt,
    });
    expect(token).toMatch(/^[\x21-\x7e]+$/);
    expect(token.length).toBeLessThan(400);
  });

  it('gives every session its own 128-bit id', () => {
    const sealer = createSessionSealer({ keys });
    const ids = new Set(Array.from({ length: 1000 }, () => sealer.seal(named).claims.id));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });

  it('yields the same object for a token that it opened before', () => {
    const { token } = createSessionSealer({ keys }).seal(named);
    const sealer = createSessionSealer({ keys });
    expect(sealer.open(token)).toBe(sealer.open(token));
  });

  it('still opens tokens that fell out of the cache', () => {
    const sealer = createSessionSealer({ keys, cacheEntries: 2 });
    const sealed = Array.from({ length: 10 }, () => sealer.seal(named));
    for (const { token, claims } of sealed) expect(sealer.open(token)).toEqual(claims);
  });

  it('refuses altered and foreign tokens', () => {
    const sealer = createSessionSealer({ keys });
    const { token } = sealer.seal(named);
    const foreign = createSessionSealer({ keys: [randomBytes(32)] }).seal(named).token;
    const at = token.length >> 1;
    const altered = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    for (const bad of [altered, foreign, token.toLowerCase(), '', 'x'.repeat(5000)]) {
      expect(sealer.open(bad)).toBeUndefined();
    }
  });

  it('refuses a token after its time, cached or not', () => {
    let now = 1_000_000;
    const options = { keys, now: () => now, maxAgeMs: 1000 };
    const sealer = createSessionSealer(options);
    const { token } = sealer.seal(named);
    now += 999;
    expect(sealer.open(token)?.view).toBe('files');
    now += 1;
    expect(sealer.open(token)).toBeUndefined();
    expect(createSessionSealer(options).open(token)).toBeUndefined();
  });

  it('refuses claims that make no header', () => {
    const capabilities = JSON.stringify({ experimental: { noise: randomBytes(3000).toString('hex') } });
    expect(() => createSessionSealer({ keys }).seal({ ...named, capabilities })).toThrow(/too large/);
  });
});
