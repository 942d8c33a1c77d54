import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSealer } from './sealer.js';

const oldKey = randomBytes(32);
const newKey = randomBytes(32);
const secret = Buffer.from('the plaintext');

describe('sealer', () => {
  it('opens what it sealed, and hides it', () => {
    const sealer = createSealer({ keys: [newKey], purpose: 'test' });
    const token = sealer.seal(secret);
    expect(sealer.open(token)).toEqual(secret);
    expect(Buffer.from(token, 'base64url').includes(secret)).toBe(false);
    expect(token).toMatch(/^[\x21-\x7e]+$/);
  });

  it('never makes the same token twice', () => {
    const sealer = createSealer({ keys: [newKey], purpose: 'test' });
    expect(sealer.seal(secret)).not.toBe(sealer.seal(secret));
  });

  it('refuses a token with any single bit flipped', () => {
    const sealer = createSealer({ keys: [newKey], purpose: 'test' });
    const bytes = Buffer.from(sealer.seal(secret), 'base64url');
    let opened = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const altered = Buffer.from(bytes);
      altered[bit >> 3]! ^= 1 << (bit & 7);
      if (sealer.open(altered.toString('base64url')) !== undefined) opened += 1;
    }
    expect(opened).toBe(0);
  });

  it('refuses truncated, extended and respelled tokens', () => {
    const sealer = createSealer({ keys: [newKey], purpose: 'test' });
    const token = sealer.seal(secret);
    for (const bad of [
      '',
      'x',
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      '💥',
    ]) {
      expect(sealer.open(bad)).toBeUndefined();
    }
  });

  it('opens tokens of an older key, and none of a removed one', () => {
    const before = createSealer({ keys: [oldKey], purpose: 'test' }).seal(secret);
    const rotated = createSealer({ keys: [newKey, oldKey], purpose: 'test' });
    expect(rotated.open(before)).toEqual(secret);
    expect(createSealer({ keys: [newKey], purpose: 'test' }).open(rotated.seal(secret))).toEqual(secret);
    expect(createSealer({ keys: [newKey], purpose: 'test' }).open(before)).toBeUndefined();
  });

  it('opens for no other purpose and no other context', () => {
    const token = createSealer({ keys: [newKey], purpose: 'test' }).seal(secret, 'alice');
    expect(createSealer({ keys: [newKey], purpose: 'other' }).open(token, 'alice')).toBeUndefined();
    const sealer = createSealer({ keys: [newKey], purpose: 'test' });
    expect(sealer.open(token, 'bob')).toBeUndefined();
    expect(sealer.open(token)).toBeUndefined();
    expect(sealer.open(token, 'alice')).toEqual(secret);
  });

  it('refuses weak keys', () => {
    expect(() => createSealer({ keys: [], purpose: 'test' })).toThrow(/at least one key/);
    expect(() => createSealer({ keys: [randomBytes(31)], purpose: 'test' })).toThrow(/32 bytes/);
  });
});
