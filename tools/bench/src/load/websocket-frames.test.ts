import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createServerFrameParser, maskedFrame, OPCODE } from './websocket-frames.js';

test('frames of every length class have the header of RFC 6455', () => {
  const header = (bytes: number): number[] => [
    ...maskedFrame(OPCODE.TEXT, Buffer.alloc(bytes)).subarray(0, 4),
  ];
  expect(header(125)).toEqual([0x81, 0x80 | 125, 0, 0]);
  expect(header(126)).toEqual([0x81, 0x80 | 126, 0, 126]);
  expect(header(65_536).slice(0, 2)).toEqual([0x81, 0x80 | 127]);
  expect(maskedFrame(OPCODE.TEXT, Buffer.alloc(65_536)).length).toBe(2 + 8 + 4 + 65_536);
});

test('a server’s frames are found however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 1, 125, 126, 65_535, 65_536), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
      (sizes, cuts) => {
        const bytes = Buffer.concat(sizes.map(serverFrame));
        const found: number[] = [];
        const parser = createServerFrameParser(({ payload }) => found.push(payload.length));
        let at = 0;
        for (let turn = 0; at < bytes.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          parser.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(found).toEqual(sizes);
      },
    ),
    { numRuns: 50 },
  );
});

/** What a server would send: the client's frame without mask. */
function serverFrame(size: number): Buffer {
  const masked = maskedFrame(OPCODE.TEXT, Buffer.alloc(size, 'y'));
  const head = Buffer.from(masked.subarray(0, masked.length - size - 4));
  head.writeUInt8(head.readUInt8(1) & 0x7f, 1);
  return Buffer.concat([head, Buffer.alloc(size, 'y')]);
}
