import { register } from 'node:module';

/**
 * A loader hook, as Node wants it: a module of its own, which runs in a thread of its own. It hands out the texts
 * that it was given; imports inside them are resolved as from the file that they once stood in.
 */
const HOOK = `data:text/javascript,${encodeURIComponent(`
const sources = new Map();
export function initialize({ url, source }) {
  sources.set(url, source);
}
export function load(url, context, next) {
  const source = sources.get(url);
  return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
}
`)}`;

/** From now on this thread imports the URL as this text, whatever its file holds. ES modules only. */
export function keepSource(url: string, source: string): void {
  register(HOOK, { data: { url, source } });
}
