import type { LookupAddress } from 'node:dns';
import { describe, expect, it } from 'vitest';
import { addressKind, guardedLookup, urlRefusal } from './address-guard.js';

describe('addressKind', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1'])(
    'knows %s for this machine',
    (address) => {
      expect(addressKind(address)).toBe('loopback');
    },
  );

  it.each([
    [
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '169.254.169.254',
      '172.31.0.1',
      '192.168.1.1',
      '198.18.0.1',
      '224.0.0.1',
    ],
    [
      '255.255.255.255',
      '::',
      'fe80::1',
      'fe80::1%eth0',
      'fd00::1',
      'ff02::1',
      '::ffff:10.0.0.1',
      '::ffff:a9fe:a9fe',
    ],
    ['2002:0a00:0001::', '2002:c0a8:101::1', '64:ff9b::10.0.0.1', '2001::1', '2001:db8::1', 'localhost', ''],
  ])('knows %s and others for internal', (...addresses) => {
    expect(addresses.map(addressKind)).toEqual(addresses.map(() => 'internal'));
  });

  it.each([
    '1.1.1.1',
    '172.32.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '2002:0101:0101::',
    '64:ff9b::101:101',
  ])('lets %s pass as public', (address) => {
    expect(addressKind(address)).toBe('public');
  });
});

describe('urlRefusal', () => {
  it.each([
    'http://localhost:1/mcp',
    'http://127.0.0.1/mcp',
    'http://[::1]:8/mcp',
    'https://example.com/mcp',
    'https://1.1.1.1/',
    'http://0x7f.1/',
  ])('lets %s pass', (url) => {
    expect(urlRefusal(new URL(url), false)).toBeUndefined();
  });

  it.each([
    'http://example.com/',
    'https://10.0.0.1/',
    'https://0xa000001/',
    'https://0251.0376.0251.0376/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fe80::1]/',
  ])('refuses %s, unless private networks are allowed', (url) => {
    expect(urlRefusal(new URL(url), false)).toBeDefined();
    expect(urlRefusal(new URL(url), true)).toBeUndefined();
  });
});

describe('guardedLookup', () => {
  function lookUp(hostname: string, addresses: LookupAddress[], allowPrivate = false): Promise<unknown> {
    const lookup = guardedLookup(allowPrivate, (_hostname, _options, callback) => callback(null, addresses));
    return new Promise((resolve) => {
      lookup(hostname, { all: true }, (error, found) => resolve(error?.code ?? found));
    });
  }
  const publicAddress = { address: '1.1.1.1', family: 4 };
  const privateAddress = { address: '10.0.0.1', family: 4 };
  const loopback = { address: '127.0.0.1', family: 4 };

  it('gives only the addresses that may be connected to', async () => {
    expect(await lookUp('example.com', [privateAddress, publicAddress, loopback])).toEqual([publicAddress]);
  });

  it('refuses a name that leads only to private addresses or, without saying so, to this machine', async () => {
    expect(await lookUp('example.com', [privateAddress])).toBe('EPRIVATE');
    expect(await lookUp('example.com', [loopback])).toBe('EPRIVATE');
    expect(await lookUp('localhost', [loopback])).toEqual([loopback]);
    expect(await lookUp('example.com', [privateAddress], true)).toEqual([privateAddress]);
  });

  it('answers with one address when one is asked for', async () => {
    const lookup = guardedLookup(false, (_hostname, _options, callback) => callback(null, [publicAddress]));
    const found = await new Promise((resolve) => {
      lookup('example.com', {}, (error, address, family) => resolve([error, address, family]));
    });
    expect(found).toEqual([null, '1.1.1.1', 4]);
  });
});
