import { type JsonTree, printTree, treeOf } from '../mutate/json-tree.js';
import { mutateBytes } from '../mutate/mutate-bytes.js';
import { mutateTree } from '../mutate/mutate-tree.js';
import type { Random } from '../random.js';
import type { Message } from './message.js';

/** A message as it is sent. */
export interface MutatedMessage {
  readonly bytes: Buffer;
  /** What was done to it, `''` for nothing. */
  readonly how: string;
}

/** Beyond the limit that the bridge under test has for one message. */
export interface MutationLimits {
  readonly oversizeBytes: number;
}

/** Changes a message in none, one or several ways. */
export function mutated(message: Message, random: Random, limits: MutationLimits): MutatedMessage {
  const kind = random.below(20);
  if (kind < 3) return { bytes: Buffer.from(JSON.stringify(message.value)), how: '' };
  if (kind < 13) return treeMutated(message, random);
  if (kind === 13 && random.oneIn(8)) return oversized(message, random, limits);
  const { bytes, how } =
    kind < 18 ? { bytes: Buffer.from(JSON.stringify(message.value)), how: '' } : treeMutated(message, random);
  const changed = mutateBytes(bytes, random);
  return { bytes: changed.bytes, how: join(how, changed.name) };
}

function treeMutated(message: Message, random: Random): MutatedMessage {
  const tree = treeOf(message.value);
  let how = '';
  for (let times = random.pick([1, 1, 1, 2, 3]); times > 0; times -= 1)
    how = join(how, mutateTree(tree, random));
  return { bytes: Buffer.from(spaced(tree, random)), how };
}

/** The text of a tree, now and then with white space in front and behind. */
function spaced(tree: JsonTree, random: Random): string {
  const text = printTree(tree);
  return random.oneIn(10)
    ? `${random.pick([' ', '\t', '\r\n', '\n\n'])}${text}${random.pick([' ', '\n', ''])}`
    : text;
}

/** Too long by white space, by one string, or by many keys; valid JSON in all cases. */
function oversized(message: Message, random: Random, { oversizeBytes }: MutationLimits): MutatedMessage {
  const text = JSON.stringify(message.value);
  const room = oversizeBytes + random.pick([0, 1, 1_000]);
  const how = 'oversize';
  switch (random.below(3)) {
    case 0:
      return { bytes: Buffer.from(text + ' '.repeat(room)), how };
    case 1:
      return { bytes: Buffer.from(text.replace('{', `{"pad":"${'x'.repeat(room)}",`)), how };
    default:
      return { bytes: Buffer.from(text.replace('{', `{${'"k":0,'.repeat(Math.ceil(room / 6))}`)), how };
  }
}

function join(before: string, name: string): string {
  return before === '' ? name : `${before}+${name}`;
}
