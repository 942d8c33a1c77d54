import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusal } from '../testing/json-bytes.js';
import { FrameDecoder } from './frame-decoder.js';
import { encodeFrame, FRAME_ENCODING, FRAME_KIND, type FrameEncoding, type FrameKind } from './frames.js';

interface Frame {
  readonly kind: FrameKind;
  readonly encoding: FrameEncoding;
  readonly payload: string;
}

function record(maxFrameBytes = 1024) {
  const frames: Frame[] = [];
  const decoder: FrameDecoder = new FrameDecoder(
    {
      onFrame: (kind, encoding, payload) => {
        frames.push({ kind, encoding, payload: payload.toString('latin1') });
      },
    },
    maxFrameBytes,
  );
  return { frames, decoder };
}

const message = (payload: string): Frame => ({
  kind: FRAME_KIND.MESSAGE,
  encoding: FRAME_ENCODING.JSON,
  payload,
});
const encode = ({ kind, encoding, payload }: Frame) =>
  encodeFrame(kind, encoding, Buffer.from(payload, 'latin1'));

const anyPayload = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: fc.constant(FRAME_KIND.MESSAGE),
    encoding: fc.constantFrom(FRAME_ENCODING.JSON, FRAME_ENCODING.MSGPACK),
    payload: anyPayload(1, 200),
  }),
  fc.record({
    kind: fc.constantFrom(FRAME_KIND.HELLO, FRAME_KIND.WELCOME, FRAME_KIND.GOAWAY, FRAME_KIND.ERROR),
    encoding: fc.constant(FRAME_ENCODING.JSON),
    payload: anyPayload(1, 200),
  }),
  fc.record({
    kind: fc.constant(FRAME_KIND.CREDIT),
    encoding: fc.constant(FRAME_ENCODING.BINARY),
    payload: anyPayload(4, 4),
  }),
  fc.record({
    kind: fc.constantFrom(FRAME_KIND.PING, FRAME_KIND.PONG),
    encoding: fc.constant(FRAME_ENCODING.BINARY),
    payload: anyPayload(8, 8),
  }),
);

/** Cuts bytes into chunks at the given places, empty ones included. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe('FrameDecoder', () => {
  it('finds the same frames however the bytes are cut', () => {
    const places = fc.array(fc.nat(), { maxLength: 30 });
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 8 }), places, (frames, at) => {
        const { frames: found, decoder } = record();
        for (const chunk of cut(Buffer.concat(frames.map(encode)), at)) decoder.push(chunk);
        expect(found).toEqual(frames);
        expect(decoder.pendingBytes).toBe(0);
      }),
    );
  });

  it('takes any bytes without any other end than a refusal', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (chunks) => {
        const { decoder } = record();
        const code = refusal(() => {
          for (const chunk of chunks) decoder.push(Buffer.from(chunk));
        });
        expect([undefined, 'INVALID_REQUEST', 'PAYLOAD_TOO_LARGE']).toContain(code);
      }),
    );
  });

  it('gives a payload that lies in one chunk without a copy', () => {
    const chunk = encode(message('abc'));
    let view: Buffer | undefined;
    const receiver = { onFrame: (_kind: number, _encoding: number, payload: Buffer) => (view = payload) };
    new FrameDecoder(receiver, 1024).push(chunk);
    chunk[6] = 0x7a;
    expect(view?.toString()).toBe('zbc');
  });

  it('takes a payload of exactly the limit and refuses one byte more at its header', () => {
    const { frames, decoder } = record(10);
    decoder.push(encode(message('0123456789')));
    expect(frames).toEqual([message('0123456789')]);
    expect(refusal(() => decoder.push(encode(message('0123456789a')).subarray(0, 6)))).toBe(
      'PAYLOAD_TOO_LARGE',
    );
  });

  it('delivers what came before a fault, and nothing after it', () => {
    const { frames, decoder } = record();
    const bad = Buffer.from('000000010901', 'hex');
    const good = encode(message('a'));
    expect(refusal(() => decoder.push(Buffer.concat([good, bad, good])))).toBe('INVALID_REQUEST');
    decoder.push(good);
    expect(frames).toEqual([message('a')]);
  });

  it('stops in the middle of a chunk when it is told to', () => {
    const frames: string[] = [];
    const decoder: FrameDecoder = new FrameDecoder(
      {
        onFrame: (_kind, _encoding, payload) => {
          frames.push(payload.toString());
          decoder.stop();
        },
      },
      1024,
    );
    decoder.push(Buffer.concat([encode(message('a')), encode(message('b'))]));
    expect(frames).toEqual(['a']);
  });

  it('holds no more than about what has arrived, whatever the header announces', () => {
    const announced = 64 * 1024 * 1024;
    const decoders = Array.from({ length: 50 }, () => record(announced).decoder);
    const header = Buffer.from([announced >>> 24, 0, 0, 0, FRAME_KIND.MESSAGE, FRAME_ENCODING.JSON]);
    const before = process.memoryUsage().arrayBuffers;
    for (const decoder of decoders) decoder.push(Buffer.concat([header, Buffer.alloc(2000)]));
    const held = process.memoryUsage().arrayBuffers - before;
    expect(decoders.map((decoder) => decoder.pendingBytes)).toEqual(decoders.map(() => 2006));
    expect(held).toBeLessThan(50 * 16 * 1024);
  });

  it('copies a long payload that comes byte by byte only a few times', () => {
    const payload = 'x'.repeat(1024 * 1024);
    const bytes = encode(message(payload));
    const { frames, decoder } = record(payload.length);
    // Copying all that is there for every byte would move 512 GiB, and time out.
    for (let at = 0; at < bytes.length; at++) decoder.push(bytes.subarray(at, at + 1));
    expect(frames[0]?.payload.length).toBe(payload.length);
  });
});
