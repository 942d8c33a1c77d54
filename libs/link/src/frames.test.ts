import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BridgeError } from '@mcp-bridge/protocol';
import { ContextTable } from './context-table.js';
import { decodeError, encodeError } from './error-payload.js';
import { FrameReader, type FrameReceiver } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { FRAME, MIN_CHUNK_BYTES } from './frames.js';
import { ConnectRequest, ConnectResponse } from './gen/mcp_bridge/link/v1/link.js';
import { framesOf } from './link-method.js';
import type { CallRequest } from './link.js';
import { callRequest } from './testing/recorded-call.js';

/** Keeps what a reader reports. */
function recorder(): FrameReceiver & { readonly heard: unknown[][] } {
  const heard: unknown[][] = [];
  const hear =
    (name: string) =>
    (...values: unknown[]): void =>
      void heard.push([name, ...values]);
  return {
    heard,
    onHello: hear('hello'),
    onCall: hear('call'),
    onReply: hear('reply'),
    onLargeResult: hear('large result'),
    onInput: hear('input'),
    onCancel: hear('cancel'),
    onDrain: hear('drain'),
    onStale: hear('stale'),
    onSessionStale: hear('session stale'),
    onCredit: hear('credit'),
  };
}

function read(batch: Buffer, maxPayloadBytes = 1_000_000): unknown[][] {
  const receiver = recorder();
  new FrameReader(receiver, maxPayloadBytes).read(batch);
  return receiver.heard;
}

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const position = fc.integer({ min: 0, max: 0x7fff_ffff });
const span = fc.oneof(fc.constant([-1, -1] as const), fc.tuple(position, position));
const anyCall = fc
  .record({
    tenant: text,
    principal: text,
    method: fc.oneof(fc.constant('tools/call'), text),
    texts: fc.array(text, { minLength: 10, maxLength: 10 }),
    spans: fc.tuple(span, span, span),
    params: fc.uint8Array({ maxLength: 300 }),
  })
  .map(({ tenant, principal, method, texts, spans, params }): CallRequest => {
    const [view, name, session, logLevel, paramHeaders, traceparent, replayStream, caps, info, id] = texts;
    return callRequest({
      principal: { tenant, id: principal },
      method,
      view: view!,
      name: name!,
      session: session!,
      logLevel: logLevel!,
      paramHeaders: paramHeaders!,
      traceparent: traceparent!,
      home: '',
      replayStream: replayStream!,
      capabilities: caps!,
      clientInfo: info!,
      clientRequestId: id!,
      spans: {
        nameStart: spans[0][0],
        nameEnd: spans[0][1],
        metaStart: spans[1][0],
        metaEnd: spans[1][1],
        progressTokenStart: spans[2][0],
        progressTokenEnd: spans[2][1],
      },
      params: Buffer.from(params),
    });
  });

describe('frames', () => {
  test('any call reads back as it was written', () => {
    fc.assert(
      fc.property(fc.array(anyCall, { minLength: 1, maxLength: 5 }), (requests) => {
        const writer = new FrameWriter();
        const contexts = new ContextTable();
        requests.forEach((request, id) =>
          writer.call(id, contexts.ofCall(request, writer), request.timeoutMs, request, false),
        );
        const heard = read(framesOf(writer.finish()));
        expect(heard).toEqual(requests.map((request, id) => ['call', id, request]));
      }),
      { numRuns: 300 },
    );
  });

  test('every other frame reads back as it was written', () => {
    const writer = new FrameWriter();
    const hello = { version: 1, window: 0xffff_ffff, maxPayloadBytes: 7, maxInFlight: 9, routerId: 'r' };
    writer.hello(hello);
    writer.reply(FRAME.RESULT, 0x7fff_ffff, Buffer.from('"r"'), false);
    writer.reply(FRAME.NOTE, 2, Buffer.from('{}'), false);
    writer.reply(FRAME.RESULT, 3, Buffer.from('1'), false, { forMs: 5, epoch: 6 });
    writer.stale(7);
    writer.sessionStale('s');
    writer.cancel(3, 'link');
    writer.cancel(4, 'client');
    writer.drain();
    writer.credit(0x8000_0001);
    expect(read(framesOf(writer.finish()))).toEqual([
      ['hello', hello],
      ['reply', FRAME.RESULT, 0x7fff_ffff, Buffer.from('"r"'), undefined],
      ['reply', FRAME.NOTE, 2, Buffer.from('{}'), undefined],
      ['reply', FRAME.RESULT, 3, Buffer.from('1'), { forMs: 5, epoch: 6 }],
      ['stale', 7],
      ['session stale', 's'],
      ['cancel', 3, 'link'],
      ['cancel', 4, 'client'],
      ['drain'],
      ['credit', 0x8000_0001],
    ]);
  });

  test('the bytes are those of the README', () => {
    const writer = new FrameWriter();
    writer.cancel(0x01020304, 'link');
    expect(writer.finish().toString('hex')).toBe('0a0a' + '06000000' + '09' + '04030201' + '01');
    writer.clear();
    const request = callRequest({ method: 'tools/call', name: 't', clientRequestId: '7' });
    writer.call(5, 6, 1000, request, false);
    expect(framesOf(writer.finish()).toString('hex')).toBe(
      '1a000000' +
        '03' +
        '05000000' +
        '0600' +
        'e8030000' +
        '1100' +
        '01' +
        '0100000074' +
        '0100000037' +
        '7b7d',
    );
  });

  test('a batch is the serialized message that the generated code reads, and the other way round', () => {
    for (const size of [1, 100, 130, 20_000, 300_000, 3_000_000]) {
      const writer = new FrameWriter();
      writer.reply(FRAME.NOTE, 1, Buffer.alloc(size, 'n'), false);
      const message = writer.finish();
      const frames = framesOf(message);
      expect(frames.length).toBe(writer.length);
      expect(ConnectRequest.decode(message).frames.equals(frames)).toBe(true);
      const generated = Buffer.from(ConnectResponse.encode({ frames }).finish());
      expect(generated.equals(message)).toBe(true);
    }
  });

  test('a field that a later version adds to the message is skipped', () => {
    const writer = new FrameWriter();
    writer.drain();
    const unknownField = Buffer.from([0x10, 0x01]);
    expect(read(framesOf(Buffer.concat([writer.finish(), unknownField])))).toEqual([['drain']]);
    expect(read(framesOf(Buffer.concat([unknownField, writer.finish()])))).toEqual([['drain']]);
  });

  test('a mutated batch is read or refused with UPSTREAM_PROTOCOL, nothing else', () => {
    const writer = new FrameWriter();
    const contexts = new ContextTable();
    const request = callRequest({ method: 'x/y', name: 'name', session: 's', traceparent: 't' });
    writer.call(1, contexts.ofCall(request, writer), 1000, request, false);
    writer.call(2, contexts.ofCall(request, writer), 1000, request, true);
    writer.chunk(2, request.params, 0, 2);
    writer.input(3, 1, 's', Buffer.from('{}'), false);
    writer.reply(FRAME.RESULT, 9, Buffer.from('{}'), true);
    const good = Buffer.from(framesOf(writer.finish()));
    const mutation = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(mutation, fc.nat(good.length), (changes, length) => {
        const bad = Buffer.from(good.subarray(0, length));
        for (const [at, value] of changes) if (at < length) bad[at] = value;
        try {
          read(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(BridgeError);
          expect(error).toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('a small payload does not pin a large batch in memory, a large one is not copied', () => {
    const writer = new FrameWriter();
    writer.reply(FRAME.RESULT, 1, Buffer.alloc(100), false);
    writer.reply(FRAME.RESULT, 2, Buffer.alloc(60_000), false);
    const batch = framesOf(writer.finish());
    const [small, large] = read(batch).map((heard) => heard[3] as Buffer);
    expect(small!.buffer).not.toBe(batch.buffer);
    expect(large!.buffer).toBe(batch.buffer);
  });
});

describe('payloads in chunks', () => {
  /** A reader that has heard the head of a RESULT in chunks, and what it reports. */
  function begun(total: number): { chunk: (bytes: Buffer, besides?: number) => void; heard: unknown[][] } {
    const receiver = recorder();
    const reader = new FrameReader(receiver, 1_000_000);
    const send = (write: (writer: FrameWriter) => void): void => {
      const writer = new FrameWriter();
      write(writer);
      reader.read(framesOf(writer.finish()));
    };
    send((writer) => writer.reply(FRAME.RESULT, 1, Buffer.alloc(total), true));
    const chunk = (bytes: Buffer, besides = 0): void =>
      send((writer) => {
        writer.chunk(1, bytes, 0, bytes.length);
        if (besides > 0) writer.reply(FRAME.NOTE, 2, Buffer.alloc(besides), false);
      });
    return { chunk, heard: receiver.heard };
  }
  const partsOf = (heard: unknown[][]): Buffer[] =>
    heard.find(([name, id]) => name === 'large result' && id === 1)![2] as Buffer[];

  test('of a result are handed over as they came', () => {
    const { chunk, heard } = begun(40_000);
    chunk(Buffer.alloc(20_000, 'a'));
    expect(heard).toEqual([]);
    chunk(Buffer.alloc(20_000, 'b'));
    const parts = partsOf(heard);
    expect(parts.map((part) => part.length)).toEqual([20_000, 20_000]);
    expect(Buffer.concat(parts).toString()).toBe('a'.repeat(20_000) + 'b'.repeat(20_000));
  });

  test('do not pin far larger batches', () => {
    const { chunk, heard } = begun(40_000);
    chunk(Buffer.alloc(20_000), 100_000);
    chunk(Buffer.alloc(20_000), 100);
    const [copied, viewed] = partsOf(heard).map((part) => part.buffer.byteLength);
    expect(copied).toBe(20_000);
    expect(viewed).toBeGreaterThan(20_000);
  });

  test('may not be small before the last, because each costs more than its bytes', () => {
    const { chunk } = begun(2 * MIN_CHUNK_BYTES);
    chunk(Buffer.alloc(MIN_CHUNK_BYTES));
    expect(() => chunk(Buffer.alloc(MIN_CHUNK_BYTES - 1))).toThrow('chunk of 16383 bytes');
  });

  test('may not be more than was announced', () => {
    const { chunk } = begun(MIN_CHUNK_BYTES);
    expect(() => chunk(Buffer.alloc(MIN_CHUNK_BYTES + 1))).toThrow('more chunks than announced');
  });
});

describe('contexts', () => {
  /** Sends each request through one table and reader; returns the bytes that each took. */
  function send(requests: readonly CallRequest[]): number[] {
    const contexts = new ContextTable();
    const receiver = recorder();
    const reader = new FrameReader(receiver, 1_000_000);
    const sizes = requests.map((request) => {
      const writer = new FrameWriter();
      writer.call(1, contexts.ofCall(request, writer), request.timeoutMs, request, false);
      reader.read(framesOf(writer.finish()));
      return writer.length;
    });
    expect(receiver.heard.map((heard) => heard[2])).toEqual(requests);
    return sizes;
  }
  const by = (tenant: string, id: string, fields: Partial<CallRequest> = {}): CallRequest =>
    callRequest({ method: 'tools/call', name: 'n', principal: { tenant, id }, ...fields });

  test('cross the link once, and differ by every part', () => {
    const sizes = send([
      by('t', 'p'),
      by('t', 'p'),
      by('u', 'p'),
      by('t', 'p', { view: 'v' }),
      by('t', 'p', { protocolVersion: '2026-07-28' }),
      by('t', 'p', { capabilities: '{"a":1}' }),
      by('t', 'p', { clientInfo: '{"b":1}' }),
      by('t', 'p'),
    ]);
    expect(sizes[1]).toBeLessThan(sizes[0]! / 1.5);
    for (const size of sizes.slice(2, 7)) expect(size).toBeGreaterThan(sizes[1]!);
    expect(sizes[7]).toBe(sizes[1]);
  });

  test('stay right when more clients come than are remembered', () => {
    const many = Array.from({ length: 3000 }, (_, at) => by('t', `p${at}`));
    const siblings = Array.from({ length: 40 }, (_, at) => by('t', 'p', { clientInfo: `{"n":${at}}` }));
    send([...many, ...siblings, ...siblings, ...many.slice(0, 10), ...many.slice(2990)]);
  });

  test('too large to be remembered go with each call', () => {
    const large = by('t', 'p', { capabilities: `{"x":"${'y'.repeat(10_000)}"}` });
    const sizes = send([large, by('t', 'p'), large, by('t', 'p')]);
    expect(sizes[2]).toBe(sizes[0]);
    expect(sizes[3]).toBeLessThan(200);
  });
});

describe('errors', () => {
  test('keep code, number, message and data, and leave the cause behind', () => {
    const error = new BridgeError('UPSTREAM_ERROR', 'naïve', {
      rpcCode: -5,
      data: '{"a":1}',
      cause: 'secret',
    });
    const arrived = decodeError(encodeError(error));
    expect(arrived).toMatchObject({ code: 'UPSTREAM_ERROR', rpcCode: -5, message: 'naïve', data: '{"a":1}' });
    expect(arrived.cause).toBeUndefined();
    expect(decodeError(encodeError(new BridgeError('DENIED', 'no'))).data).toBeUndefined();
  });

  test('of a code that this side does not know become INTERNAL and keep their number', () => {
    const payload = encodeError(new BridgeError('DENIED', 'no'));
    payload.write('NOVEL_', payload.indexOf('DENIED'));
    expect(decodeError(payload)).toMatchObject({ code: 'INTERNAL', rpcCode: -31007 });
  });
});
