import { createHash } from 'node:crypto';
import { arrayItems, objectMembers, rawText } from '@mcp-bridge/protocol';

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const QUOTE = 0x22;

/**
 * SHA-256, in hex, of what a definition says: name, description, schemas, annotations, everything but `_meta`. The
 * order of members and the spelling of strings do not count; repeated members do, since parsers read different ones.
 *
 * @param definition - raw JSON object, valid
 */
export function pinDigest(definition: Buffer): string {
  const hash = createHash('sha256');
  const members = objectMembers(definition, 0).filter(({ key }) => key !== '_meta');
  return hash.update(joined(definition, members)).digest('hex');
}

function canonical(bytes: Buffer, start: number, end: number): string {
  switch (bytes[start]) {
    case OPEN_BRACE:
      return joined(bytes, objectMembers(bytes, start));
    case OPEN_BRACKET:
      return `[${arrayItems(bytes, start)
        .map((item) => canonical(bytes, item.start, item.end))
        .join()}]`;
    case QUOTE:
      return JSON.stringify(JSON.parse(rawText(bytes, { start, end })));
    default:
      return rawText(bytes, { start, end });
  }
}

function joined(bytes: Buffer, members: ReturnType<typeof objectMembers>): string {
  const sorted = members.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const texts = sorted.map(
    ({ key, value }) => `${JSON.stringify(key)}:${canonical(bytes, value.start, value.end)}`,
  );
  return `{${texts.join()}}`;
}
