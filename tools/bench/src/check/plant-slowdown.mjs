// For trying the regression check: node --import 'plant-slowdown.mjs?us=5' makes every scan of a request's envelope
// burn 5 microseconds more. Nothing on disk changes.
import { register } from 'node:module';

const burnMs = Number(new URL(import.meta.url).searchParams.get('us')) / 1000;
const hook = `
  const SCAN = /(export function scanEnvelope\\([^)]*\\)[^{]*\\{)/;
  export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (!url.endsWith('/libs/protocol/dist/scan-envelope.js')) return loaded;
    const source = String(loaded.source);
    if (!SCAN.test(source)) throw new Error('plant-slowdown.mjs does not find scanEnvelope');
    const burn = 'const until = performance.now() + ${burnMs}; while (performance.now() < until);';
    return { ...loaded, source: source.replace(SCAN, '$1 ' + burn) };
  }
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
