import { mutateBytes } from '../../mutate/mutate-bytes.js';
import type { Random } from '../../random.js';
import { headOf, type HttpDraft } from './http-input.js';
import { mutateHeaders } from './header-mutations.js';

/** A request as bytes. */
export interface Wire {
  readonly pieces: readonly Buffer[];
  readonly expects: 'reply' | 'anything';
  /** What was done to the transport, '' for nothing. */
  readonly how: string;
}

const METHODS = [
  'PUT',
  'PATCH',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'HEAD',
  'PRI',
  'post',
  'GET',
  'DELETE',
  'X'.repeat(300),
];
const PATHS = [
  '/',
  '/mcp/',
  '/mcp/echo',
  '/mcp/none',
  '/mcp/__proto__',
  '/mcp/../mcp',
  '//mcp',
  '/mcp%00',
  '/mcp?x=1',
  '/mcp?',
  '/%6dcp',
  '/mcp#x',
  '/MCP',
  '/sse',
  '/messages',
  '/livez',
  '/metrics',
  `/${'a'.repeat(3_000)}`,
];
/** What no request line should have. */
const ODD_TARGETS = [
  '*',
  'http://127.0.0.1/mcp',
  'mcp',
  '/m cp',
  '/mcp\x00',
  '/mc\xffp',
  '',
  `/${'a'.repeat(20_000)}`,
];
const ODD_VERSIONS = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1x', 'http/1.1', ''];

/** Writes a draft as it should be. */
export function plainWire(draft: HttpDraft): Wire {
  return { pieces: [wholeOf(draft)], expects: 'reply', how: '' };
}

/** Writes a draft with some fault, or some rare but valid form, of HTTP. */
export function mutatedWire(draft: HttpDraft, random: Random): Wire {
  switch (random.below(13)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const { how, isFraming } = mutateHeaders(draft, random);
      return { pieces: [wholeOf(draft)], expects: isFraming ? 'anything' : 'reply', how };
    }
    case 4: {
      draft.method = random.pick(METHODS);
      // uWebSockets.js reads no body of methods that have none by its lights.
      return { pieces: [wholeOf(draft)], expects: 'anything', how: `method ${draft.method.slice(0, 10)}` };
    }
    case 5:
      draft.path = random.pick(PATHS);
      return { pieces: [wholeOf(draft)], expects: 'reply', how: `path ${draft.path.slice(0, 20)}` };
    case 6:
      return requestLine(draft, random);
    case 7:
    case 8:
      return split(wholeOf(draft), random);
    case 9:
      return chunked(draft, random);
    case 10:
      return wrongLength(draft, random);
    case 11:
      return pipelined(draft, random);
    default: {
      const { bytes, name } = mutateBytes(wholeOf(draft), random);
      return { pieces: [bytes], expects: 'anything', how: `raw ${name}` };
    }
  }
}

function wholeOf(draft: HttpDraft): Buffer {
  if (hasBody(draft)) draft.headers.push(['Content-Length', String(draft.body.length)]);
  return Buffer.concat([Buffer.from(headOf(draft), 'latin1'), draft.body]);
}

function hasBody({ method, body }: HttpDraft): boolean {
  return body.length > 0 || method === 'POST';
}

function requestLine(draft: HttpDraft, random: Random): Wire {
  if (random.oneIn(2)) draft.path = random.pick(ODD_TARGETS);
  draft.headers.push(['Content-Length', String(draft.body.length)]);
  const head = headOf(draft, random.oneIn(2) ? random.pick(ODD_VERSIONS) : 'HTTP/1.1');
  return {
    pieces: [Buffer.concat([Buffer.from(head, 'latin1'), draft.body])],
    expects: 'anything',
    how: 'request line',
  };
}

/** The same bytes in several writes: whatever the bridge makes of it, it must say something. */
function split(bytes: Buffer, random: Random): Wire {
  const cuts = Array.from({ length: random.between(1, 5) }, () => random.below(bytes.length)).sort(
    (a, b) => a - b,
  );
  const pieces = [0, ...cuts].map((start, index) => bytes.subarray(start, cuts[index] ?? bytes.length));
  return { pieces: pieces.filter(({ length }) => length > 0), expects: 'reply', how: 'split' };
}

/** Some would be valid: uWebSockets.js takes no chunk extensions. */
const BAD_CHUNKS = [
  '5;a=b',
  '-1',
  'g',
  '0x5',
  '',
  ' 5',
  '5 ',
  'ffffffff',
  'ffffffffffffffff',
  '+5',
  '5;'.padEnd(5_000, 'x'),
];

function chunked(draft: HttpDraft, random: Random): Wire {
  const isBad = random.oneIn(2);
  draft.headers.push(['Transfer-Encoding', isBad && random.oneIn(8) ? 'gzip, chunked' : 'chunked']);
  const parts: (string | Buffer)[] = [headOf(draft)];
  for (let at = 0; at < draft.body.length;) {
    const size = random.between(1, 200);
    const piece = draft.body.subarray(at, at + size);
    const line = isBad && random.oneIn(4) ? random.pick(BAD_CHUNKS) : piece.length.toString(16);
    parts.push(`${line}\r\n`, piece, isBad && random.oneIn(8) ? random.pick(['\n', '', '\r\r\n']) : '\r\n');
    at += size;
  }
  parts.push(
    random.pick(isBad ? ['0\r\n', '', '0\r\n\r', '00000\r\n\r\n', '0\r\nTrailer: x\r\n\r\n'] : ['0\r\n\r\n']),
  );
  const bytes = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  return { pieces: [bytes], expects: isBad ? 'anything' : 'reply', how: isBad ? 'bad chunks' : 'chunks' };
}

function wrongLength(draft: HttpDraft, random: Random): Wire {
  const { length } = draft.body;
  const lengths = [
    String(length + random.between(1, 100)),
    String(Math.max(length - random.between(1, 100), 0)),
    '0',
    '-1',
    `+${length}`,
    `0${length}`,
    `0x${length.toString(16)}`,
    `${length}, ${length}`,
    '9'.repeat(10),
    '9'.repeat(30),
    '18446744073709551616',
    'x',
    '',
  ];
  draft.headers.push(['Content-Length', random.pick(lengths)]);
  if (random.oneIn(4)) draft.headers.push(['Content-Length', String(length)]);
  if (random.oneIn(6)) draft.headers.push(['Transfer-Encoding', 'chunked']);
  return {
    pieces: [Buffer.concat([Buffer.from(headOf(draft), 'latin1'), draft.body])],
    expects: 'anything',
    how: 'wrong length',
  };
}

/** Several requests in one write. The bridge may refuse to take one while another has no reply yet. */
function pipelined(draft: HttpDraft, random: Random): Wire {
  const bytes = wholeOf(draft);
  const times = random.between(2, 8);
  return {
    pieces: [Buffer.concat(Array.from({ length: times }, () => bytes))],
    expects: 'anything',
    how: 'pipelined',
  };
}
