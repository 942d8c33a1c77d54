import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createKeyring, createLiveKeyring } from './keyring.js';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const alice = { id: 'alice', sha256: sha256('alice-secret'), tenant: 'acme' };
const bob = { id: 'bob', sha256: sha256('bob-secret'), tenant: 'acme' };

describe('keyring', () => {
  it('knows a key as bearer token and as bare key, again and again', () => {
    const keyring = createKeyring({ keys: [alice, bob] });
    for (let round = 0; round < 3; round += 1) {
      expect(keyring.authenticate('Bearer alice-secret', '')).toEqual({ tenant: 'acme', id: 'alice' });
      expect(keyring.authenticate('bearer   alice-secret ', '')).toEqual({ tenant: 'acme', id: 'alice' });
      expect(keyring.authenticate('', 'bob-secret')).toEqual({ tenant: 'acme', id: 'bob' });
    }
  });

  it.each([
    ['Bearer wrong', ''],
    ['Bearer ', ''],
    ['Basic YWxpY2U6eA==', ''],
    ['alice-secret', ''],
    ['Bearer alice-secret extra', ''],
    [`Bearer ${alice.sha256}`, ''],
    ['', 'wrong'],
    ['', `Bearer alice-secret`],
    ['Bearer alice-secret', 'bob-secret'],
    ['Bearer wrong', 'alice-secret'],
    ['Bearer alice-secret', 'wrong'],
    [`Bearer ${'x'.repeat(100_000)}`, ''],
  ])('refuses %j with %j, also where anonymous callers are allowed', (authorization, apiKey) => {
    const keyring = createKeyring({ keys: [alice, bob], anonymous: { tenant: 'public' } });
    expect(keyring.authenticate(authorization, apiKey)).toBeUndefined();
  });

  it('lets both headers name the same principal', () => {
    const keyring = createKeyring({ keys: [alice] });
    expect(keyring.authenticate('Bearer alice-secret', 'alice-secret')?.id).toBe('alice');
  });

  it('lets callers without a credential in only where that is configured', () => {
    expect(createKeyring({ keys: [alice] }).authenticate('', '')).toBeUndefined();
    const open = createKeyring({ keys: [], anonymous: { tenant: 'public' } });
    expect(open.authenticate('', '')).toEqual({ tenant: 'public', id: 'anonymous' });
  });

  it('makes one principal of two keys with one id, so that keys rotate', () => {
    const keyring = createKeyring({ keys: [alice, { ...alice, sha256: sha256('next-secret') }] });
    expect(keyring.authenticate('', 'alice-secret')).toEqual(keyring.authenticate('', 'next-secret'));
    expect(keyring.authenticate('Bearer alice-secret', 'next-secret')).toEqual({
      tenant: 'acme',
      id: 'alice',
    });
  });

  it('tells which principals are proved by what was taken away, when keys change', () => {
    const next = { ...alice, sha256: sha256('next-secret') };
    const keyring = createLiveKeyring({ keys: [alice, next, bob], anonymous: { tenant: 'public' } });
    const credentials = ['alice-secret', 'next-secret', 'bob-secret', ''];
    const before = credentials.map((key) => keyring.authenticate('', key));
    const inForce = () => before.map((principal) => principal !== undefined && keyring.isInForce(principal));
    const commit = keyring.prepare({
      keys: [next, { ...bob, tenant: 'other' }],
      anonymous: { tenant: 'public' },
    });
    expect(inForce()).toEqual([true, true, true, true]);
    commit();
    expect(inForce()).toEqual([false, true, false, true]);
    expect(keyring.authenticate('', 'alice-secret')).toBeUndefined();
    expect(keyring.authenticate('', 'next-secret')).toBe(before[1]);
    expect(keyring.authenticate('', 'bob-secret')).toEqual({ tenant: 'other', id: 'bob' });
    keyring.prepare({ keys: [next] })();
    expect(inForce()).toEqual([false, true, false, false]);
    expect(() => keyring.prepare({ keys: [next, next] })).toThrow(/same sha256/);
    expect(keyring.authenticate('', 'next-secret')).toBe(before[1]);
  });

  it('refuses a configuration in which a key would be ambiguous', () => {
    expect(() => createKeyring({ keys: [alice, { ...bob, sha256: alice.sha256 }] })).toThrow(/same sha256/);
    expect(() => createKeyring({ keys: [{ ...alice, id: 'anonymous' }] })).toThrow(/reserved/);
    expect(() => createKeyring({ keys: [{ ...alice, sha256: 'abc' }] })).toThrow(/64 hex/);
  });
});
