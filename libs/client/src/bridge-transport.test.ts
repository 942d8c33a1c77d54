import { BridgeError } from '@mcp-bridge/protocol';
import { describe, expect, test } from 'vitest';
import { BridgeTransport, type TransportOptions } from './bridge-transport.js';
import type { Wire, WireEvents } from './wire.js';
import type { WireMessage } from './wire-message.js';

/** A connection whose other end is the test. */
class TestWire implements Wire {
  readonly sent: WireMessage[] = [];
  finished = false;
  destroyed = false;
  readonly events: WireEvents;
  /** What the other end says to a message at once. */
  answer: (message: WireMessage) => WireMessage | undefined = () => undefined;

  constructor(events: WireEvents) {
    this.events = events;
  }

  send(message: WireMessage): void {
    this.sent.push(message);
    const reply = this.answer(message);
    if (reply !== undefined) queueMicrotask(() => this.events.onMessage(reply));
  }

  finish(): void {
    this.finished = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  lose(): void {
    this.events.onClosed(new BridgeError('UPSTREAM_UNAVAILABLE', 'lost'));
  }
}

const NOW: TransportOptions = { reconnect: { firstDelayMs: 0, maxDelayMs: 0 } };

function harness(options: TransportOptions = NOW, prepare: (wire: TestWire) => void = () => undefined) {
  const wires: TestWire[] = [];
  const messages: WireMessage[] = [];
  const errors: Error[] = [];
  const closed = { times: 0 };
  let release: (() => void) | undefined;
  let held = false;
  let onWire: (() => void) | undefined;
  const transport = new BridgeTransport(async (events) => {
    if (held) await new Promise<void>((resolve) => (release = resolve));
    const wire = new TestWire(events);
    prepare(wire);
    wires.push(wire);
    onWire?.();
    return wire;
  }, options);
  transport.onmessage = (message) => messages.push(message);
  transport.onerror = (error) => errors.push(error);
  transport.onclose = () => (closed.times += 1);
  return {
    ...{ transport, wires, messages, errors, closed },
    /** Connections are opened only after `release`. */
    hold: () => (held = true),
    release: () => {
      held = false;
      release?.();
    },
    /** Resolves when the transport is open on its nth connection. */
    async wire(index: number): Promise<TestWire> {
      while (wires[index] === undefined) await new Promise<void>((resolve) => (onWire = resolve));
      while (transport.state !== 'open') await new Promise(setImmediate);
      return wires[index];
    },
  };
}

const request = (id: number, method = 'tools/call'): WireMessage => ({ jsonrpc: '2.0', id, method });
const result = (id: number | string, value: object = {}): WireMessage => ({
  jsonrpc: '2.0',
  id,
  result: value,
});
const draining = (id: number): WireMessage => ({
  jsonrpc: '2.0',
  id,
  error: { code: -31006, message: 'bye' },
});

describe('a lost connection', () => {
  test('answers what is in flight, once, and holds what comes until the next one', async () => {
    const { transport, wires, messages, wire, hold, release } = harness();
    await transport.start();
    await transport.send(request(1));
    await transport.send(request(2));
    wires[0]!.events.onMessage(result(1));
    hold();
    wires[0]!.lose();
    expect(messages).toEqual([
      result(1),
      expect.objectContaining({ id: 2, error: expect.anything() as unknown }),
    ]);
    expect(messages[1]).toMatchObject({ error: { code: -31005 } });
    const sent = transport.send(request(3));
    await new Promise(setImmediate);
    release();
    await sent;
    expect((await wire(1)).sent).toEqual([request(3)]);
  });

  test('forgets who asked: answers to it go nowhere', async () => {
    const { transport, wires, wire } = harness();
    await transport.start();
    wires[0]!.events.onMessage(request(7, 'sampling/createMessage'));
    wires[0]!.lose();
    const second = await wire(1);
    await transport.send(result(7));
    second.events.onMessage(request(8, 'sampling/createMessage'));
    await transport.send(result(8));
    expect(second.sent).toEqual([result(8)]);
  });

  test('lets a waiting request be cancelled', async () => {
    const { transport, wires, wire, hold, release } = harness();
    await transport.start();
    hold();
    wires[0]!.lose();
    const sent = transport.send(request(1));
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    await transport.send(cancelled);
    await sent;
    await new Promise(setImmediate);
    release();
    expect((await wire(1)).sent).toEqual([]);
  });

  test('bounds what waits', async () => {
    const { transport, wires, hold } = harness();
    await transport.start();
    hold();
    wires[0]!.lose();
    const waiting = Array.from({ length: 1000 }, (_, id) =>
      transport.send(request(id)).catch((error: unknown) => error),
    );
    await expect(transport.send(request(1000))).rejects.toMatchObject({ code: 'OVERLOADED' });
    await transport.close();
    expect(await waiting[0]).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('a legacy session', () => {
  const initialize = { ...request(0, 'initialize'), params: { protocolVersion: '2025-11-25' } };
  const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
  const bridgeOf =
    (version: string) =>
    (message: WireMessage): WireMessage | undefined =>
      message.id === undefined
        ? undefined
        : result(String(message.id), message.method === 'initialize' ? { protocolVersion: version } : {});

  /** Opens a session of 2025-11-25 with a level and two subscriptions, one of which is ended. */
  async function open(nextVersion: string) {
    let version = '2025-11-25';
    const parts = harness(NOW, (wire) => (wire.answer = bridgeOf(version)));
    const { transport, wires } = parts;
    await transport.start();
    wires[0]!.answer = () => undefined;
    const ask = async (message: WireMessage, reply: object = {}): Promise<void> => {
      await transport.send(message);
      wires[0]!.events.onMessage(result(message.id as number, reply));
    };
    await ask(initialize, { protocolVersion: '2025-11-25' });
    await transport.send(initialized);
    await ask({ ...request(1, 'logging/setLevel'), params: { level: 'debug' } });
    await ask({ ...request(2, 'resources/subscribe'), params: { uri: 'a' } });
    await ask({ ...request(3, 'resources/subscribe'), params: { uri: 'b' } });
    await ask({ ...request(4, 'resources/unsubscribe'), params: { uri: 'a' } });
    version = nextVersion;
    return parts;
  }

  test('is begun again as it was, unseen by the client', async () => {
    const { wires, messages, wire } = await open('2025-11-25');
    const before = messages.length;
    wires[0]!.lose();
    const second = await wire(1);
    expect(second.sent).toEqual([
      { ...initialize, id: expect.any(String) as unknown },
      initialized,
      { ...request(3, 'resources/subscribe'), id: expect.any(String) as unknown, params: { uri: 'b' } },
      { ...request(1, 'logging/setLevel'), id: expect.any(String) as unknown, params: { level: 'debug' } },
    ]);
    expect(messages.length).toBe(before);
  });

  test('of another version cannot stand in for it', async () => {
    const { wires, errors, closed, transport } = await open('2025-03-26');
    wires[0]!.lose();
    while (transport.state !== 'closed') await new Promise(setImmediate);
    expect(errors.at(-1)).toMatchObject({ code: 'UNSUPPORTED_VERSION' });
    expect(closed.times).toBe(1);
    expect(wires[1]!.destroyed).toBe(true);
  });
});

describe('a gateway that leaves', () => {
  test('answers what it has, and what it refuses goes to the next one', async () => {
    const { transport, wires, messages, wire } = harness();
    await transport.start();
    const first = wires[0]!;
    await transport.send(request(1));
    await transport.send(request(2));
    first.events.onLeaving();
    const second = await wire(1);
    first.events.onMessage(draining(2));
    await new Promise(setImmediate);
    expect(second.sent).toEqual([request(2)]);
    expect(first.finished).toBe(false);
    first.events.onMessage(result(1));
    expect(first.finished).toBe(true);
    first.lose();
    second.events.onMessage(result(2));
    expect(messages).toEqual([result(1), result(2)]);
    expect(wires).toHaveLength(2);
  });

  test('is asked to cancel what it has, not the next one', async () => {
    const { transport, wires, wire } = harness();
    await transport.start();
    await transport.send(request(1));
    wires[0]!.events.onLeaving();
    const second = await wire(1);
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    await transport.send(cancelled);
    expect(wires[0]!.sent).toEqual([request(1), cancelled]);
    expect(second.sent).toEqual([]);
  });

  test('whose refusals mean nothing without GOAWAY', async () => {
    const { transport, wires, messages } = harness();
    await transport.start();
    await transport.send(request(1));
    wires[0]!.events.onMessage(draining(1));
    expect(messages).toEqual([draining(1)]);
    expect(wires[0]!.sent).toEqual([request(1)]);
  });
});

test('what follows a notification waits for the next turn, in order', async () => {
  const { transport, wires, messages, closed } = harness({ reconnect: false });
  await transport.start();
  const note = (n: number): WireMessage => ({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { n },
  });
  await transport.send(request(1));
  for (const message of [note(1), note(2), result(1), note(3)]) wires[0]!.events.onMessage(message);
  expect(messages).toEqual([note(1)]);
  await new Promise(setImmediate);
  expect(messages).toEqual([note(1), note(2)]);
  wires[0]!.lose();
  expect(messages).toEqual([note(1), note(2), result(1), note(3)]);
  expect(closed.times).toBe(1);
});

describe('the end', () => {
  test('comes once, after what was sent', async () => {
    const { transport, wires, closed, messages } = harness();
    await transport.start();
    await transport.close();
    await transport.close();
    wires[0]!.events.onMessage(result(1));
    wires[0]!.lose();
    expect(wires[0]!.finished).toBe(true);
    expect(closed.times).toBe(1);
    expect(messages).toEqual([]);
    await expect(transport.send(request(1))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await expect(transport.start()).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
