import type { UpstreamRequest } from '../channel.js';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;

/** The params as parts of one line, with the progress token replaced by the request's own id. */
export function paramsWithToken(request: UpstreamRequest, id: number): Buffer[] {
  const { progressTokenStart: start, progressTokenEnd: end } = request;
  const params = oneLine(request.params);
  if (start < 0) return [params];
  return [params.subarray(0, start), Buffer.from(String(id)), params.subarray(end)];
}

/**
 * A message must not contain a newline (stdio transport). In valid JSON one can stand only between tokens,
 * where a space means the same; lengths and positions stay as they are.
 */
export function oneLine(json: Buffer): Buffer {
  if (!json.includes(NEWLINE) && !json.includes(CARRIAGE_RETURN)) return json;
  const copy = Buffer.from(json);
  for (let at = 0; at < copy.length; at += 1) {
    if (copy[at] === NEWLINE || copy[at] === CARRIAGE_RETURN) copy[at] = SPACE;
  }
  return copy;
}
