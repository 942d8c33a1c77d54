import { BridgeError, resultReply, scanEnvelope } from '@mcp-bridge/protocol';
import { expect, test } from 'vitest';
import type { ChannelLease, UpstreamChannel } from '../upstream/channel.js';
import { ResourceSubscriptions } from './resource-subscriptions.js';

/** A legacy server's channel in this process; `requests` is what it was sent. */
function legacyChannel(refuse = false): { channel: UpstreamChannel; requests: string[] } {
  const requests: string[] = [];
  const channel: UpstreamChannel = {
    info: {
      era: 'legacy',
      protocolVersion: '2025-11-25',
      capabilities: {},
      serverInfo: undefined,
      instructions: undefined,
    },
    closed: false,
    inFlight: 0,
    request({ method, params }, sink) {
      requests.push(`${method} ${(JSON.parse(params.toString()) as { uri: string }).uri}`);
      queueMicrotask(() => {
        if (refuse) sink.onError(new BridgeError('UPSTREAM_ERROR', 'No', { rpcCode: -32602 }));
        else sink.onResult(scanEnvelope(resultReply('1', Buffer.from('{}'))));
      });
      return { cancel: () => undefined };
    },
    notify: () => undefined,
    listen: () => undefined,
    close: () => Promise.resolve(),
  };
  return { channel, requests };
}

function leaseOf(channel: UpstreamChannel): ChannelLease & { released: number } {
  const lease = { channel, owned: false, released: 0, release: () => void (lease.released += 1) };
  return lease;
}

const updated = (uri: string) =>
  scanEnvelope(
    Buffer.from(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"${uri}"}}`),
  );

function subscriber(log: string[], name: string) {
  return { onUpdated: (uri: string) => log.push(`${name} ${uri}`), onLost: () => log.push(`${name} lost`) };
}

test('the first subscriber subscribes, the last one unsubscribes, and nobody in between', async () => {
  const { channel, requests } = legacyChannel();
  const resources = new ResourceSubscriptions();
  const log: string[] = [];
  const leases = [leaseOf(channel), leaseOf(channel), leaseOf(channel)];
  const [one, two, other] = await Promise.all([
    resources.subscribe(leases[0]!, 'p', 'x://1', subscriber(log, 'one')),
    resources.subscribe(leases[1]!, 'q', 'x://1', subscriber(log, 'two')),
    resources.subscribe(leases[2]!, 'q', 'x://2', subscriber(log, 'other')),
  ]);
  expect(requests).toEqual(['resources/subscribe x://1', 'resources/subscribe x://2']);
  resources.dispatch(channel, updated('x://1'));
  expect(log).toEqual(['one x://1', 'two x://1']);
  one();
  one();
  resources.dispatch(channel, updated('x://1'));
  expect(log.slice(2)).toEqual(['two x://1']);
  expect(requests).toHaveLength(2);
  two();
  expect(requests.slice(2)).toEqual(['resources/unsubscribe x://1']);
  resources.dispatch(channel, updated('x://1'));
  expect(log).toHaveLength(3);
  await resources.subscribe(leaseOf(channel), 'p', 'x://1', subscriber(log, 'again'));
  expect(requests.slice(3)).toEqual(['resources/subscribe x://1']);
  other();
  expect(leases.every((lease) => lease.released > 0)).toBe(true);
});

test('a refusal reaches everybody who waited, and counts nobody', async () => {
  const { channel, requests } = legacyChannel(true);
  const resources = new ResourceSubscriptions();
  const lease = leaseOf(channel);
  const both = ['one', 'two'].map((name) => resources.subscribe(lease, 'p', 'x://1', subscriber([], name)));
  for (const each of await Promise.allSettled(both)) expect(each.status).toBe('rejected');
  expect(lease.released).toBe(2);
  await expect(resources.subscribe(lease, 'p', 'x://1', subscriber([], 'x'))).rejects.toThrow('No');
  expect(requests).toEqual(['resources/subscribe x://1', 'resources/subscribe x://1']);
});

test('a lost channel is told to those who still subscribe', async () => {
  const { channel } = legacyChannel();
  const resources = new ResourceSubscriptions();
  const log: string[] = [];
  await resources.subscribe(leaseOf(channel), 'p', 'x://1', subscriber(log, 'stays'));
  const leave = await resources.subscribe(leaseOf(channel), 'p', 'x://1', subscriber(log, 'leaves'));
  leave();
  resources.lost(channel);
  resources.lost(channel);
  expect(log).toEqual(['stays lost']);
});
