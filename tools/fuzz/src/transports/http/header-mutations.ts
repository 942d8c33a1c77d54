import type { Random } from '../../random.js';
import type { HttpDraft } from './http-input.js';

const ODD_VALUES: readonly string[] = [
  '',
  ' ',
  'x',
  '0',
  '-1',
  'null',
  '*/*',
  'text/html',
  'application/json;q=0, text/event-stream',
  'application/json; charset=utf-16',
  'application/json; charset="utf-8"; boundary=x',
  'https://evil.example',
  'null, null',
  '127.0.0.1:0',
  '[::1]:x',
  'localhost@evil.example',
  '2026-07-28',
  '1900-01-01',
  'tools/call',
  '=?base64?eA==?=',
  '=?base64?%%%?=',
  'Bearer none',
  'Bearer ',
  'Basic eDp4',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'ä'.repeat(3),
  'x'.repeat(3_000),
];

/** Bytes that no field value may have, or that end it. */
const BROKEN_VALUES: readonly string[] = [
  '\x00',
  'a\x00b',
  'a\rb',
  'a\nb',
  'a\r\nX-Injected: 1',
  '\x7f',
  '\xff\xfe',
  'x'.repeat(70_000),
];
const BROKEN_NAMES: readonly string[] = ['', ' x', 'x ', 'x:y', 'ä', 'x\x00', '(x)', '\t'];
const EXTRA: readonly (readonly [string, string])[] = [
  ['Origin', 'https://evil.example'],
  ['Origin', 'null'],
  ['Authorization', 'Bearer none'],
  ['X-Api-Key', 'none'],
  ['Last-Event-ID', 'x-1'],
  ['Expect', '100-continue'],
  ['Connection', 'close'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'h2c'],
  ['Content-Encoding', 'gzip'],
  ['Transfer-Encoding', 'identity'],
  ['traceparent', 'x'.repeat(200)],
  ['Mcp-Param-__proto__', 'x'],
  ['Mcp-Session-Id', 'x'],
  ['Access-Control-Request-Headers', '*'],
];

/**
 * Headers after which the connection may not be used as before. uWebSockets.js does not take names with other
 * characters than letters, digits and hyphens: it waits.
 */
const FRAMING = /^(?:host|content-length|transfer-encoding|connection|upgrade|expect)$|[^A-Za-z0-9-]/i;

/** Changes the headers of a draft, except its length. `isFraming`: the reply may be the end of the connection. */
export function mutateHeaders(
  draft: HttpDraft,
  random: Random,
): { readonly how: string; readonly isFraming: boolean } {
  const { headers } = draft;
  const at = random.below(headers.length);
  const header = headers[at] ?? ['X', 'x'];
  const isFraming = FRAMING.test(header[0]);
  switch (random.below(9)) {
    case 0:
      headers.splice(at, 1);
      return { how: `no ${header[0]}`, isFraming };
    case 1:
      headers.splice(random.below(headers.length), 0, [
        header[0],
        random.oneIn(2) ? header[1] : random.pick(ODD_VALUES),
      ]);
      return { how: `two ${header[0]}`, isFraming };
    case 2:
    case 3:
      header[1] = random.pick(ODD_VALUES);
      return { how: `odd ${header[0]}`, isFraming };
    case 4:
      header[1] = random.oneIn(2) ? header[1] + random.pick(BROKEN_VALUES) : random.pick(BROKEN_VALUES);
      return { how: `broken ${header[0]}`, isFraming: true };
    case 5:
      header[0] = random.pick(BROKEN_NAMES);
      return { how: 'broken name', isFraming: true };
    case 6: {
      const count = random.pick([50, 90, 200, 2_000]);
      for (let extra = 0; extra < count; extra += 1) headers.push([`X-${extra}`, 'x']);
      return { how: `${count} headers`, isFraming: true };
    }
    case 7:
      header[0] = random.oneIn(2) ? header[0].toUpperCase() : header[0].toLowerCase();
      return { how: 'case', isFraming };
    default: {
      const [name, value] = random.pick(EXTRA);
      headers.push([name, value]);
      return { how: `${name} ${value.slice(0, 10)}`, isFraming: FRAMING.test(name) };
    }
  }
}
