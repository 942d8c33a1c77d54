/** The version byte of this framing. */
export const FRAMING_VERSION = 1;

const MAGIC = Buffer.from('MCPB', 'latin1');

/** What a client that wants frames sends before its first one. */
export const FRAMING_PREFACE: Uint8Array = Buffer.concat([MAGIC, Buffer.of(FRAMING_VERSION)]);

/**
 * What the first bytes of a connection ask for: `lines` of JSON, `frames` of version 1, frames of another
 * `version`, or nothing that is served here (`unknown`). `incomplete`: more bytes are needed.
 *
 * HTTP methods, TLS records and SSH banners are all `unknown` within four bytes, so a web page cannot make a
 * browser talk to this port.
 */
export type Framing = 'lines' | 'frames' | 'version' | 'unknown' | 'incomplete';

export function detectFraming(bytes: Uint8Array): Framing {
  if (bytes.length === 0) return 'incomplete';
  if (bytes[0] === 0x7b) return 'lines';
  for (let at = 0; at < MAGIC.length; at++) {
    if (at === bytes.length) return 'incomplete';
    if (bytes[at] !== MAGIC[at]) return 'unknown';
  }
  if (bytes.length === MAGIC.length) return 'incomplete';
  return bytes[MAGIC.length] === FRAMING_VERSION ? 'frames' : 'version';
}
