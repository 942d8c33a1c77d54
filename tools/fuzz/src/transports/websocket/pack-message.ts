import { mutateBytes } from '../../mutate/mutate-bytes.js';
import type { Random } from '../../random.js';
import type { Packed } from '../channel/fuzz-channel.js';
import { cut } from '../channel/piece-writer.js';
import { clientFrame, OPCODE } from './client-frame.js';

/** A message in frames: in some rare but valid form, or in one that ends the connection. */
export function packMessage(message: Buffer, random: Random): Packed {
  if (random.oneIn(6)) return { pieces: [brokenFrames(message, random)], how: 'broken frames', breaks: true };
  switch (random.below(4)) {
    case 0:
      return { pieces: cut(clientFrame(OPCODE.TEXT, message), random), how: 'split', breaks: false };
    case 1:
      return { pieces: fragments(message, random, false), how: 'fragments', breaks: false };
    case 2:
      return { pieces: fragments(message, random, true), how: 'fragments and pings', breaks: false };
    default:
      return {
        pieces: [clientFrame(OPCODE.PONG, Buffer.from('x')), clientFrame(OPCODE.TEXT, message)],
        how: 'pong',
        breaks: false,
      };
  }
}

function fragments(message: Buffer, random: Random, pings: boolean): Buffer[] {
  const parts = cut(message, random);
  if (parts.length === 0) return [clientFrame(OPCODE.TEXT, message)];
  const frames = parts.map((part, index) =>
    clientFrame(index === 0 ? OPCODE.TEXT : OPCODE.CONTINUATION, part, { more: index + 1 < parts.length }),
  );
  return pings
    ? frames.flatMap((frame) => [frame, clientFrame(OPCODE.PING, Buffer.from('p'))]).slice(0, -1)
    : frames;
}

function brokenFrames(message: Buffer, random: Random): Buffer {
  const text = clientFrame(OPCODE.TEXT, message);
  switch (random.below(11)) {
    case 0:
      return clientFrame(random.pick([OPCODE.BINARY, 3, 7, 0xb, 0xf]), message);
    case 1:
      return clientFrame(OPCODE.TEXT, message, { reserved: random.pick([0x40, 0x20, 0x10, 0x70]) });
    case 2:
      return clientFrame(OPCODE.TEXT, message, { isMasked: false });
    case 3:
      return clientFrame(OPCODE.CONTINUATION, message, { more: random.oneIn(2) });
    case 4:
      return Buffer.concat([clientFrame(OPCODE.TEXT, message, { more: true }), text]);
    case 5:
      return clientFrame(random.pick([OPCODE.PING, OPCODE.CLOSE, OPCODE.PONG]), Buffer.alloc(200, 'x'));
    case 6:
      return clientFrame(random.pick([OPCODE.PING, OPCODE.CLOSE]), Buffer.from('x'), { more: true });
    case 7: {
      const saidLength = random.pick([message.length + 1, 65_535, 2 ** 31, 2 ** 32, 2 ** 53 - 1]);
      return clientFrame(OPCODE.TEXT, message, { saidLength });
    }
    case 8:
      return clientFrame(OPCODE.TEXT, message, {
        lengthBytes: message.length < 65_536 ? random.pick([2, 8]) : 8,
      });
    case 9: {
      const code = Buffer.alloc(2);
      code.writeUInt16BE(
        random.pick([0, 999, 1000, 1001, 1004, 1005, 1006, 1012, 1015, 1016, 2999, 3000, 4999, 5000, 65_535]),
      );
      const reason = Buffer.from(random.pick(['', 'bye', 'x'.repeat(123)]));
      const bad = random.oneIn(4) ? Buffer.from([0xff, 0xfe]) : Buffer.alloc(0);
      const payload = Buffer.concat([code.subarray(0, random.pick([0, 1, 2, 2, 2])), reason, bad]).subarray(
        0,
        125,
      );
      return Buffer.concat([clientFrame(OPCODE.CLOSE, payload), random.oneIn(2) ? text : Buffer.alloc(0)]);
    }
    default:
      return mutateBytes(text, random).bytes;
  }
}
