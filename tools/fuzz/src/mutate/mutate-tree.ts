import type { Random } from '../random.js';
import { copyOf, type JsonTree, objectsOf, placesOf, raw } from './json-tree.js';
import { hugeValue, ODD_KEYS, ODD_VALUES } from './oddities.js';

type Mutation = (tree: JsonTree, random: Random) => void;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'drop-key': (tree, random) => {
    const { members } = someObject(tree, random);
    members.splice(random.below(members.length), 1);
  },
  'double-key': (tree, random) => {
    const { members } = someObject(tree, random);
    if (members.length === 0) return;
    const { key, value } = random.pick(members);
    const other = random.oneIn(2) ? copyOf(value) : raw(random.pick(ODD_VALUES));
    members.splice(random.below(members.length + 1), 0, { key, value: other });
  },
  'rename-key': (tree, random) => {
    const { members } = someObject(tree, random);
    if (members.length === 0) return;
    const member = random.pick(members);
    member.key = random.oneIn(2) ? random.pick(ODD_KEYS) : respelled(member.key, random);
  },
  'add-key': (tree, random) => {
    const { members } = someObject(tree, random);
    const value = raw(random.oneIn(8) ? hugeValue(random) : random.pick(ODD_VALUES));
    members.splice(random.below(members.length + 1), 0, { key: random.pick(ODD_KEYS), value });
  },
  'odd-value': (tree, random) => replaceSome(tree, random, raw(random.pick(ODD_VALUES))),
  'huge-value': (tree, random) => replaceSome(tree, random, raw(hugeValue(random))),
  'escaped-value': (tree, random) => {
    const strings = placesOf(tree).filter(
      (place) => place.tree.kind === 'raw' && place.tree.text.startsWith('"'),
    );
    if (strings.length === 0) return;
    const place = random.pick(strings);
    if (place.tree.kind === 'raw') place.replace(raw(escaped(place.tree.text, random)));
  },
  'wrap-value': (tree, random) => {
    const places = placesOf(tree);
    if (places.length === 0) return;
    const place = random.pick(places);
    place.replace(
      random.oneIn(2)
        ? { kind: 'array', items: [place.tree] }
        : { kind: 'object', members: [{ key: random.pick(ODD_KEYS), value: place.tree }] },
    );
  },
  'copy-value': (tree, random) => {
    const places = placesOf(tree);
    if (places.length < 2) return;
    const from = copyOf(random.pick(places).tree);
    random.pick(places).replace(from);
  },
};

const NAMES = Object.keys(MUTATIONS);

/** Changes a message as a tree of JSON; returns what was done. */
export function mutateTree(tree: JsonTree, random: Random): string {
  const name = random.pick(NAMES);
  MUTATIONS[name]?.(tree, random);
  return name;
}

function someObject(tree: JsonTree, random: Random): Extract<JsonTree, { kind: 'object' }> {
  const objects = objectsOf(tree);
  // The envelope is what the bridge reads most of.
  if (objects.length === 0) return { kind: 'object', members: [] };
  return (random.oneIn(2) ? objects[0] : undefined) ?? random.pick(objects);
}

function replaceSome(tree: JsonTree, random: Random, by: JsonTree): void {
  const places = placesOf(tree);
  if (places.length > 0) random.pick(places).replace(by);
}

function respelled(key: string, random: Random): string {
  switch (random.below(4)) {
    case 0:
      return escaped(key, random);
    case 1:
      return key.toUpperCase();
    case 2:
      return `${key.slice(0, -1)} "`;
    default:
      return `${key.slice(0, -1)}\\u0000"`;
  }
}

/** The same string with one character written as an escape. */
function escaped(text: string, random: Random): string {
  if (text.length < 3) return text;
  const at = random.between(1, text.length - 2);
  const before = text.slice(0, at);
  if (before.endsWith('\\') || text[at] === '\\') return text;
  const code = text.charCodeAt(at).toString(16).padStart(4, '0');
  return `${before}\\u${random.oneIn(2) ? code : code.toUpperCase()}${text.slice(at + 1)}`;
}
