import type { Random } from '../random.js';

/** Bytes at which decoders stumble: ends of strings, overlong forms, surrogates, what UTF-8 never has. */
const ODD_BYTES: readonly (readonly number[])[] = [
  [0x00],
  [0xff],
  [0xfe, 0xff],
  [0xc0, 0x80],
  [0xe0, 0x80, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xe2, 0x82],
  [0x80],
  [0x0d],
  [0x0a],
  [0x0d, 0x0a, 0x0d, 0x0a],
  [0x22],
  [0x5c],
  [0x7b],
  [0x7d],
  [0x5d],
  [0x7f],
];

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  truncate: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  'flip-bits': (bytes, random) => {
    const changed = Buffer.from(bytes);
    for (let flips = random.between(1, 8); flips > 0 && changed.length > 0; flips -= 1) {
      const at = random.below(changed.length);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    }
    return changed;
  },
  'insert-odd': (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(ODD_BYTES)), bytes.subarray(at)]);
  },
  'overwrite-odd': (bytes, random) => {
    const changed = Buffer.from(bytes);
    const odd = random.pick(ODD_BYTES);
    changed.set(odd.slice(0, changed.length), random.below(Math.max(changed.length - odd.length, 0) + 1));
    return changed;
  },
  'delete-range': (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 32))]);
  },
  'double-range': (bytes, random) => {
    const at = random.below(bytes.length + 1);
    const range = bytes.subarray(at, at + random.between(1, 64));
    return Buffer.concat([bytes.subarray(0, at), range, bytes.subarray(at)]);
  },
  'byte-order-mark': (bytes) => Buffer.concat([BOM, bytes]),
  concatenate: (bytes, random) =>
    Buffer.concat([bytes, Buffer.from(random.pick(['', '\n', ' ', ',', '\u0000'])), bytes]),
  'random-bytes': (_bytes, random) => {
    const garbage = Buffer.allocUnsafe(random.between(1, 200));
    for (let at = 0; at < garbage.length; at += 1) garbage[at] = random.below(256);
    return garbage;
  },
};

const NAMES = Object.keys(MUTATIONS);

/** Changes a message as bytes; returns them (new ones, or a view) and what was done. */
export function mutateBytes(
  bytes: Buffer,
  random: Random,
): { readonly bytes: Buffer; readonly name: string } {
  const name = random.pick(NAMES);
  return { bytes: MUTATIONS[name]?.(bytes, random) ?? bytes, name };
}
