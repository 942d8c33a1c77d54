/** A value to be written as a literal of JSON, or as a container of such. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * JSON text as a tree that can hold what no JSON value can: keys that come twice, keys written with escapes, numbers
 * that no double has, text that is no JSON at all.
 */
export type JsonTree =
  | { kind: 'object'; members: JsonMember[] }
  | { kind: 'array'; items: JsonTree[] }
  | { kind: 'raw'; text: string };

export interface JsonMember {
  /** With its quotes, as it is written. */
  key: string;
  value: JsonTree;
}

/** A value as a tree of its own, which may be changed. */
export function treeOf(value: JsonValue): JsonTree {
  if (typeof value !== 'object' || value === null) return raw(JSON.stringify(value));
  // Array.isArray does not narrow readonly arrays.
  if (Array.isArray(value)) return { kind: 'array', items: (value as readonly JsonValue[]).map(treeOf) };
  const members = Object.entries(value).map(([key, inner]) => ({
    key: JSON.stringify(key),
    value: treeOf(inner),
  }));
  return { kind: 'object', members };
}

export function raw(text: string): JsonTree {
  return { kind: 'raw', text };
}

export function copyOf(tree: JsonTree): JsonTree {
  if (tree.kind === 'raw') return { ...tree };
  if (tree.kind === 'array') return { kind: 'array', items: tree.items.map(copyOf) };
  const members = tree.members.map(({ key, value }) => ({ key, value: copyOf(value) }));
  return { kind: 'object', members };
}

export function printTree(tree: JsonTree): string {
  if (tree.kind === 'raw') return tree.text;
  if (tree.kind === 'array') return `[${tree.items.map(printTree).join(',')}]`;
  return `{${tree.members.map(({ key, value }) => `${key}:${printTree(value)}`).join(',')}}`;
}

/** A place in a tree whose value can be replaced. */
export interface Place {
  readonly tree: JsonTree;
  replace(by: JsonTree): void;
}

/** Every place of a tree but its root. */
export function placesOf(root: JsonTree): Place[] {
  const places: Place[] = [];
  collect(root, places);
  return places;
}

function collect(tree: JsonTree, places: Place[]): void {
  if (tree.kind === 'object') {
    for (const member of tree.members) {
      places.push({ tree: member.value, replace: (by) => (member.value = by) });
      collect(member.value, places);
    }
  } else if (tree.kind === 'array') {
    for (const [index, item] of tree.items.entries()) {
      places.push({ tree: item, replace: (by) => (tree.items[index] = by) });
      collect(item, places);
    }
  }
}

/** All objects of a tree, the root first. */
export function objectsOf(tree: JsonTree): Extract<JsonTree, { kind: 'object' }>[] {
  if (tree.kind === 'raw') return [];
  if (tree.kind === 'array') return tree.items.flatMap(objectsOf);
  return [tree, ...tree.members.flatMap(({ value }) => objectsOf(value))];
}
