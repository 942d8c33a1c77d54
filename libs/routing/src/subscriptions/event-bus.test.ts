import { expect, test } from 'vitest';
import { EventBus } from './event-bus.js';

const listener = (log: string[], name: string, principal: string, session: string) => ({
  audience: { tenant: 't', principal, session },
  onListChanged: () => log.push(name),
});

test('brings a change to everybody who sees the server', () => {
  const bus = new EventBus();
  const log: string[] = [];
  bus.subscribe(['a', 'b'], listener(log, 'x', 'p', ''));
  bus.subscribe(['b'], listener(log, 'y', 'q', 's'));
  bus.emit({ server: 'b', kind: 'tools', audience: undefined });
  bus.emit({ server: 'a', kind: 'tools', audience: undefined });
  expect(log).toEqual(['x', 'y', 'x']);
});

test("brings a change on a client's own channel to that client alone", () => {
  const bus = new EventBus();
  const log: string[] = [];
  bus.subscribe(['a'], listener(log, 'mine', 'p', 's'));
  bus.subscribe(['a'], listener(log, 'other session', 'p', 't'));
  bus.subscribe(['a'], listener(log, 'other principal', 'q', 's'));
  bus.emit({ server: 'a', kind: 'tools', audience: { tenant: 't', principal: 'p', session: 's' } });
  expect(log).toEqual(['mine']);
});

test('says nothing more after undo', () => {
  const bus = new EventBus();
  const log: string[] = [];
  bus.subscribe(['a'], listener(log, 'x', 'p', ''))();
  bus.emit({ server: 'a', kind: 'tools', audience: undefined });
  expect(log).toEqual([]);
});
