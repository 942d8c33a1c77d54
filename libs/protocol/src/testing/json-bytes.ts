import fc from 'fast-check';
import { BridgeError, type ErrorCode } from '../errors.js';

/** What JSON.parse makes of the bytes, read as strict UTF-8 with a byte order mark kept; undefined if it refuses. */
export function reference(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** The code that `act` is refused with; `undefined` when it is not. Other errors than BridgeError pass through. */
export function refusal(act: () => unknown): ErrorCode | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof BridgeError) return error.code;
    throw error;
  }
}

/** Strings with what matters to a scanner: quotes, escapes, controls, every UTF-8 length, and great length. */
export const anyString: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      '"',
      '\\',
      '\n',
      'é',
      '日本',
      '😀',
      '\u2028',
      '\u0000',
      '/',
      '\ud83d',
      '\ude00',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat({ max: 700 }), fc.string({ unit: 'binary', maxLength: 6 }), fc.nat({ max: 300 }))
      .map(([before, middle, after]) => 'x'.repeat(before) + middle + 'y'.repeat(after)),
  },
);

/** A JSON text for a string in which any character may be written as an escape. */
export const stringText: fc.Arbitrary<{ value: string; text: string }> = fc
  .tuple(anyString, fc.infiniteStream(fc.nat({ max: 9 })))
  .map(([value, choices]) => {
    let text = '"';
    for (let i = 0; i < value.length; i++) {
      const plain = JSON.stringify(value[i]).slice(1, -1);
      const isSurrogate = /[\ud800-\udfff]/.test(value[i] ?? '');
      const wantsEscape = choices.next().value === 0;
      if (isSurrogate && !wantsEscape) {
        // Halves of a pair are written together or both escaped; a lone half only as an escape.
        const pair = value.slice(i, i + 2);
        if (/^[\ud800-\udbff][\udc00-\udfff]$/.test(pair)) {
          text += pair;
          i++;
          continue;
        }
      }
      text += isSurrogate || wantsEscape ? escapeUnit(value.charCodeAt(i)) : plain;
    }
    return { value, text: `${text}"` };
  });

function escapeUnit(unit: number): string {
  const hex = unit.toString(16).padStart(4, '0');
  return `\\u${unit % 2 === 0 ? hex : hex.toUpperCase()}`;
}

const blanks = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
const numberText = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
  fc.constantFrom('-0', '0', '0.0', '1e5', '1E+5', '-1.5e-7', '1e400', '123456789012345678901234567890'),
);

/** JSON texts of every shape, with blanks wherever they may be and keys that may repeat. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; padded: string; member: string }>(
  (tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('true', 'false', 'null', '{}', '[]', '""'),
      numberText,
      stringText.map(({ text }) => text),
      fc.array(tie('padded'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
      fc.array(tie('member'), { maxLength: 4 }).map((members) => `{${members.join(',')}}`),
    ),
    padded: fc.tuple(blanks, tie('value'), blanks).map((parts) => parts.join('')),
    member: fc
      .tuple(blanks, stringText, blanks, tie('padded'))
      .map(([before, key, after, value]) => `${before}${key.text}${after}:${value}`),
  }),
).padded;

/** Bytes one small accident away from a JSON text. */
export const damagedJson: fc.Arbitrary<Buffer> = fc
  .tuple(
    jsonText,
    fc.array(
      fc.record({
        at: fc.nat(),
        drop: fc.nat({ max: 2 }),
        add: fc.oneof(
          fc.uint8Array({ maxLength: 2 }),
          fc
            .constantFrom(
              ...['"', '\\', ',', ':', '{', '}', '[', ']', '0', '-', 'e', '.', ' ', '\u0001', '\\u12'],
            )
            .map((text) => new Uint8Array(Buffer.from(text))),
        ),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  )
  .map(([text, accidents]) => {
    let bytes = Buffer.from(text);
    for (const { at, drop, add } of accidents) {
      const place = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes.subarray(0, place), add, bytes.subarray(place + drop)]);
    }
    return bytes;
  });

/** The same bytes at another alignment: the word-wise part of the scan depends on it. */
export function shifted(bytes: Uint8Array, by: number): Buffer {
  const room = Buffer.alloc(bytes.length + by + 5, 0x22);
  room.set(bytes, by);
  return room.subarray(by, by + bytes.length);
}
