import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FrameReader } from './frame-reader.js';
import { FRAME, MAX_BATCH_BYTES } from './frames.js';
import { framesOf } from './link-method.js';
import { Outbox } from './outbox.js';
import { callRequest } from './testing/recorded-call.js';

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytes = (size: number): Buffer => Buffer.alloc(size, 'x');

/** A stream that takes batches when told to, and what a peer would have read of them. */
let batches: number[];
let heard: string[];
let pending: (() => void)[];
/** What was handed over, and what it held then. */
let handedOver: { readonly batch: Buffer; readonly then: Buffer }[];
let outbox: Outbox;

beforeEach(() => {
  batches = [];
  heard = [];
  pending = [];
  handedOver = [];
  const reader = new FrameReader(
    {
      onHello: () => heard.push('hello'),
      onCall: (id, request) => heard.push(`call ${id} ${request.params.length} ${request.timeoutMs}`),
      onReply: (kind, id, payload) => heard.push(`${kind} ${id} ${payload.length}`),
      onLargeResult: (id, parts) =>
        heard.push(`4 ${id} ${parts.reduce((sum, part) => sum + part.length, 0)}`),
      onInput: (message) => heard.push(`input ${message.message.length}`),
      onCancel: (id) => heard.push(`cancel ${id}`),
      onDrain: () => heard.push('drain'),
      onStale: (epoch) => heard.push(`stale ${epoch}`),
      onSessionStale: (session) => heard.push(`session ${session} stale`),
      onCredit: (credit) => heard.push(`credit ${credit}`),
    },
    100_000_000,
  );
  outbox = new Outbox({
    write: (batch, done) => {
      const frames = framesOf(batch);
      batches.push(frames.length);
      reader.read(frames);
      pending.push(done);
      handedOver.push({ batch, then: Buffer.from(batch) });
    },
    now: () => 0,
    maxBufferedBytesPerCall: 1_000_000,
    maxBufferedBytes: 3_000_000,
  });
});

afterEach(async () => {
  outbox.close();
  await settle();
});

/** Lets the stream take everything until nothing more comes. */
async function settle(): Promise<void> {
  for (let idle = 0; idle < 2; idle++) {
    await turn();
    if (pending.length > 0) idle = -1;
    for (const done of pending.splice(0)) done();
  }
}

describe('batches', () => {
  test('frames of one turn leave as one message, at the end of the turn', async () => {
    outbox.addCredit(1_000_000);
    for (let id = 1; id <= 31; id++) outbox.reply(FRAME.RESULT, id, bytes(100));
    expect(batches).toHaveLength(0);
    await turn();
    expect(batches).toHaveLength(1);
    expect(heard).toHaveLength(31);
  });

  test('of many frames the first leave before the turn is over', async () => {
    outbox.addCredit(1_000_000);
    for (let id = 1; id <= 100; id++) outbox.reply(FRAME.RESULT, id, bytes(100));
    expect(heard).toHaveLength(96);
    await turn();
    expect(batches).toHaveLength(4);
    expect(heard).toHaveLength(100);
  });

  test('stay below the cap', async () => {
    outbox.addCredit(100_000_000);
    for (let id = 1; id <= 100; id++) outbox.reply(FRAME.RESULT, id, bytes(10_000));
    outbox.reply(FRAME.RESULT, 101, bytes(2_000_000));
    await settle();
    expect(heard).toHaveLength(101);
    expect(Math.max(...batches)).toBeLessThan(MAX_BATCH_BYTES + 64 * 1024 + 100);
  });

  test('a buffer is written to again only after the stream is done with it', async () => {
    outbox.addCredit(1_000_000);
    for (let id = 1; id <= 8; id++) {
      outbox.reply(FRAME.RESULT, id, bytes(id));
      await turn();
    }
    expect(handedOver).toHaveLength(8);
    for (const { batch, then } of handedOver) expect(batch).toEqual(then);
    const [first] = handedOver;
    pending.shift()?.();
    // The second from here on gets the first one's memory back.
    for (const id of [9, 10]) {
      outbox.reply(FRAME.RESULT, id, bytes(id));
      await turn();
    }
    expect(first?.batch).not.toEqual(first?.then);
    for (const { batch, then } of handedOver.slice(1)) expect(batch).toEqual(then);
    expect(heard).toHaveLength(10);
  });

  test('wait while the stream has not taken the last ones', async () => {
    outbox.addCredit(100_000_000);
    for (let id = 1; id <= 20; id++) outbox.reply(FRAME.RESULT, id, bytes(60_000));
    await turn();
    const total = batches.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(MAX_BATCH_BYTES);
    expect(total).toBeLessThan(3 * MAX_BATCH_BYTES);
    await settle();
    expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => `4 ${at + 1} 60000`));
  });
});

describe('credit', () => {
  test('nothing but HELLO and CREDIT leaves without it', async () => {
    outbox.hello({ version: 1, window: 1, maxPayloadBytes: 1, maxInFlight: 1, routerId: '' });
    outbox.reply(FRAME.RESULT, 1, bytes(10));
    outbox.grant(7);
    await settle();
    expect(heard).toEqual(['hello', 'credit 7']);
    outbox.addCredit(1);
    await settle();
    expect(heard).toEqual(['hello', 'credit 7', '4 1 10']);
    outbox.reply(FRAME.RESULT, 2, bytes(10));
    await settle();
    expect(heard).toHaveLength(3); // one batch may overdraw; the next waits
    outbox.addCredit(100);
    await settle();
    expect(heard).toHaveLength(4);
  });

  test('bounds what is under way to a window and one batch', async () => {
    outbox.addCredit(1_000_000);
    for (let id = 1; id <= 20; id++) outbox.reply(FRAME.RESULT, id, bytes(140_000));
    await settle();
    const underWay = batches.reduce((sum, batch) => sum + batch, 0);
    expect(underWay).toBeGreaterThanOrEqual(1_000_000);
    expect(underWay).toBeLessThan(1_000_000 + MAX_BATCH_BYTES + 70_000);
  });
});

describe('congestion', () => {
  test('large payloads take turns, and small frames do not wait for them', async () => {
    outbox.addCredit(100_000_000);
    outbox.reply(FRAME.RESULT, 1, bytes(900_000));
    outbox.reply(FRAME.RESULT, 2, bytes(300_000));
    await turn();
    outbox.reply(FRAME.RESULT, 3, bytes(10));
    await settle();
    expect(heard).toEqual(['4 3 10', '4 2 300000', '4 1 900000']);
  });

  test('many small frames do not starve a large payload', async () => {
    outbox.addCredit(100_000_000);
    outbox.reply(FRAME.RESULT, 1, bytes(900_000));
    // Each turn brings more small frames than a batch holds, and the stream takes one batch.
    for (let at = 0; at < 40; at++) {
      for (let each = 0; each < 60; each++) outbox.reply(FRAME.RESULT, 2 + at * 60 + each, bytes(5000));
      await turn();
      pending.shift()?.();
    }
    expect(heard).toContain('4 1 900000');
  });

  test('messages of one call keep their order, large before small', async () => {
    outbox.addCredit(100_000_000);
    outbox.reply(FRAME.NOTE, 1, bytes(1));
    outbox.reply(FRAME.NOTE, 1, bytes(200_000));
    outbox.reply(FRAME.NOTE, 1, bytes(2));
    outbox.reply(FRAME.NOTE, 1, bytes(100_000));
    outbox.reply(FRAME.RESULT, 1, bytes(3));
    await settle();
    expect(heard).toEqual(['6 1 1', '6 1 200000', '6 1 2', '6 1 100000', '4 1 3']);
  });

  test('bounds what waits for one call, and for all', () => {
    expect(outbox.reply(FRAME.NOTE, 1, bytes(900_000))).toBe(true);
    expect(outbox.reply(FRAME.NOTE, 1, bytes(200_000))).toBe(false);
    expect(outbox.reply(FRAME.NOTE, 2, bytes(1_900_000))).toBe(true); // one message alone may be larger
    expect(outbox.reply(FRAME.NOTE, 3, bytes(900_000))).toBe(false);
    expect(outbox.call(4, callRequest({ method: 'm', params: bytes(900_000) }), 0)).toBe(-1);
    outbox.drop(2);
    expect(outbox.reply(FRAME.NOTE, 3, bytes(900_000))).toBe(true);
  });

  test('counts what waits exactly: it is nothing again when all has left', async () => {
    for (let id = 1; id <= 5; id++) {
      outbox.reply(FRAME.NOTE, id, bytes(100_000));
      outbox.reply(FRAME.NOTE, id, bytes(0));
      outbox.reply(FRAME.NOTE, id, bytes(70_000));
    }
    expect(outbox.bufferedBytes).toBeGreaterThan(800_000);
    outbox.drop(3);
    outbox.addCredit(100_000_000);
    await settle();
    expect(heard).toHaveLength(12);
    expect(outbox.bufferedBytes).toBe(0);
  });

  test('bounds a flood of empty messages too', () => {
    outbox.reply(FRAME.NOTE, 1, bytes(100_000));
    let taken = 0;
    while (outbox.reply(FRAME.NOTE, 1, bytes(0))) taken++;
    expect(taken).toBeLessThan(10_000);
  });
});

describe('calls', () => {
  const large = callRequest({ method: 'm', params: bytes(500_000) });

  test('have not left while they wait, nor while a part of them does', async () => {
    outbox.addCredit(1);
    const small = outbox.call(1, callRequest({ method: 'm' }), 0);
    const big = outbox.call(2, large, 0);
    expect(outbox.mayHaveLeft(1, small)).toBe(false);
    await settle();
    expect(heard).toEqual(['call 1 2 0']);
    expect(outbox.mayHaveLeft(1, small)).toBe(true);
    expect(outbox.mayHaveLeft(2, big)).toBe(false);
    outbox.addCredit(10_000_000);
    await settle();
    expect(outbox.mayHaveLeft(2, big)).toBe(true);
  });

  test('that are cancelled before any of them left never reach the peer; others are cancelled there', async () => {
    outbox.call(1, large, 0);
    outbox.cancel(1, 'client');
    outbox.addCredit(1);
    outbox.call(2, large, 0);
    await settle();
    outbox.cancel(2, 'client');
    outbox.addCredit(10_000_000);
    await settle();
    expect(heard).toEqual(['cancel 2']);
  });

  test('carry the time that is left when they leave, and never none', async () => {
    outbox.addCredit(10_000_000);
    outbox.call(1, callRequest({ method: 'm' }), 1234.5);
    outbox.call(2, callRequest({ method: 'm' }), -5);
    outbox.call(3, callRequest({ method: 'm' }), 0);
    await settle();
    expect(heard).toEqual(['call 1 2 1235', 'call 2 2 1', 'call 3 2 0']);
  });
});

test('whenEmpty waits for what is written in the same turn', async () => {
  outbox.addCredit(10_000_000);
  let empty = false;
  outbox.whenEmpty(() => (empty = true));
  outbox.reply(FRAME.RESULT, 1, bytes(500_000));
  expect(empty).toBe(false);
  await settle();
  expect(empty).toBe(true);
  expect(heard).toEqual(['4 1 500000']);
});
