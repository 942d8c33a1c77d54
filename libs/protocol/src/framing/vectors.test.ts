import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { refusal } from '../testing/json-bytes.js';
import {
  encodeCredit,
  encodeFatalError,
  encodeGoaway,
  encodePing,
  encodePong,
  parseCredit,
  parseFatalError,
  parseGoaway,
} from './control-frames.js';
import { FrameDecoder } from './frame-decoder.js';
import { encodeFrame, FRAME_ENCODING, FRAME_KIND } from './frames.js';
import { encodeHello, encodeWelcome, parseHello, parseWelcome, type Welcome } from './handshake.js';
import { jsonToMsgpack } from './json-to-msgpack.js';
import { msgpackToJson } from './msgpack-to-json.js';
import { detectFraming } from './preface.js';

interface Vectors {
  readonly preface: readonly { hex: string; framing: string; meaning: string }[];
  readonly frames: readonly {
    name: string;
    kind: keyof typeof FRAME_KIND;
    encoding: 'binary' | 'json' | 'msgpack';
    payload: unknown;
    hex: string;
  }[];
  readonly refusedFrames: readonly { name: string; hex: string; code: string }[];
  readonly refusedPayloads: readonly { name: string; hex: string; code: string }[];
  readonly msgpackBothWays: readonly { json: string; hex: string }[];
  readonly msgpackReads: readonly { json: string; hex: string; meaning: string }[];
  readonly refusedMsgpack: readonly { hex: string; meaning: string; code: string }[];
}

const file = new URL('../../framing-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const bytesOf = (hex: string) => Buffer.from(hex, 'hex');
const MAX_FRAME_BYTES = 1024 * 1024;

interface Frame {
  readonly kind: number;
  readonly encoding: number;
  readonly payload: Buffer;
}

function decodeAll(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  const receiver = {
    onFrame: (kind: number, encoding: number, payload: Buffer) => frames.push({ kind, encoding, payload }),
  };
  new FrameDecoder(receiver, MAX_FRAME_BYTES).push(bytes);
  return frames;
}

/** What a vector's `payload` says, read from the bytes. */
function readPayload({ kind, encoding, payload }: Frame): unknown {
  switch (kind) {
    case FRAME_KIND.CREDIT:
      return parseCredit(payload);
    case FRAME_KIND.PING:
    case FRAME_KIND.PONG:
      return payload.toString('hex');
    case FRAME_KIND.MESSAGE: {
      const json = encoding === FRAME_ENCODING.MSGPACK ? msgpackToJson(payload) : payload;
      return JSON.parse(json.toString('utf8'));
    }
    case FRAME_KIND.HELLO:
      return parseHello(payload);
    case FRAME_KIND.WELCOME:
      return parseWelcome(payload);
    case FRAME_KIND.GOAWAY:
      return parseGoaway(payload);
    default: {
      const { code, message } = parseFatalError(payload);
      return { code, message };
    }
  }
}

/** The bytes that this library writes for a decoded payload. */
function writePayload({ kind, encoding, payload }: Frame, value: unknown): Buffer {
  switch (kind) {
    case FRAME_KIND.CREDIT:
      return encodeCredit(value as number);
    case FRAME_KIND.PING:
      return encodePing(payload);
    case FRAME_KIND.PONG:
      return encodePong(payload);
    case FRAME_KIND.MESSAGE: {
      const bytes = Buffer.from(JSON.stringify(value));
      return encodeFrame(
        FRAME_KIND.MESSAGE,
        encoding as 1 | 2,
        encoding === 2 ? jsonToMsgpack(bytes) : bytes,
      );
    }
    case FRAME_KIND.HELLO:
      return encodeHello(value as Parameters<typeof encodeHello>[0]);
    case FRAME_KIND.WELCOME:
      return encodeWelcome(value as Welcome);
    case FRAME_KIND.GOAWAY:
      return encodeGoaway(value as Parameters<typeof encodeGoaway>[0]);
    default:
      return encodeFatalError(parseFatalError(payload));
  }
}

const HELLO_DEFAULTS = { key: '', view: '', encodings: ['json'], maxFrameBytes: 1048576, credit: 1048576 };

describe('framing-vectors.json', () => {
  it.each(vectors.preface)('tells from $hex: $framing ($meaning)', ({ hex, framing }) => {
    expect(detectFraming(bytesOf(hex))).toBe(framing);
  });

  it.each(vectors.frames)('reads the frame "$name"', ({ hex, kind, encoding, payload }) => {
    const frames = decodeAll(bytesOf(hex));
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({
      kind: FRAME_KIND[kind],
      encoding: { binary: 0, json: 1, msgpack: 2 }[encoding],
    });
    const expected = kind === 'HELLO' ? { ...HELLO_DEFAULTS, ...(payload as object) } : payload;
    expect(readPayload(frames[0]!)).toEqual(expected);
  });

  it.each(vectors.frames)('writes the frame "$name"', ({ name, hex, payload }) => {
    const [frame] = decodeAll(bytesOf(hex));
    const written = writePayload(frame!, payload);
    // Maps in their shortest form are read, but not written.
    const expected = name.endsWith('MessagePack') ? hex.replace('0000001d030283', '0000001f0302de0003') : hex;
    expect(written.toString('hex')).toBe(expected);
  });

  it.each(vectors.refusedFrames)('refuses a header: $name', ({ hex, code }) => {
    expect(refusal(() => decodeAll(bytesOf(hex)))).toBe(code);
  });

  it.each(vectors.refusedPayloads)('refuses a payload: $name', ({ hex, code }) => {
    const [frame] = decodeAll(bytesOf(hex));
    expect(refusal(() => readPayload(frame!))).toBe(code);
  });

  it.each(vectors.msgpackBothWays)('$json is $hex in MessagePack', ({ json, hex }) => {
    expect(jsonToMsgpack(Buffer.from(json)).toString('hex')).toBe(hex);
    expect(msgpackToJson(bytesOf(hex)).toString()).toBe(json);
  });

  it.each(vectors.msgpackReads)('reads $hex as $json: $meaning', ({ json, hex }) => {
    expect(msgpackToJson(bytesOf(hex)).toString()).toBe(json);
  });

  it.each(vectors.refusedMsgpack)('refuses MessagePack: $meaning', ({ hex, code }) => {
    expect(refusal(() => msgpackToJson(bytesOf(hex)))).toBe(code);
  });
});
