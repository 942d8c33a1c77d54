import type { Message } from '../../corpus/message.js';

/** A header as it is written; order and repetition matter. */
export type Header = [name: string, value: string];

/** A request before it is written to bytes. */
export interface HttpDraft {
  method: string;
  path: string;
  headers: Header[];
  body: Buffer;
  /** The message that the body was made of, when there is one. */
  readonly message: Message | undefined;
  /** How it was made. */
  what: string;
  /** The status that it must get; undefined for any. */
  status: number | undefined;
  /** The text that its reply must hold. */
  echoes: string | undefined;
  /** Its reply is a stream that only the client ends. */
  endless: boolean;
  /** It resumes a stream of its own session, whose messages answer earlier requests. */
  replays: boolean;
  slow: boolean;
}

/** One input: bytes for a connection, and what must come back. */
export interface HttpInput {
  readonly step: number;
  readonly what: string;
  /** Written one after the other, with a turn of the event loop between them. */
  readonly pieces: readonly Buffer[];
  /** `reply`: one whole reply is due. `anything`: replies, the end of the connection, or silence. */
  readonly expects: 'reply' | 'anything';
  readonly status: number | undefined;
  readonly echoes: string | undefined;
  readonly endless: boolean;
  readonly replays: boolean;
  readonly slow: boolean;
  /** It was a HEAD request. */
  readonly bodyless: boolean;
  /** The session that its stream may ask questions in. */
  readonly session: string;
  /** The tool that a `requestState` in the reply belongs to. */
  readonly tool: string | undefined;
}

/** The bytes of a draft with a right Content-Length. */
export function headOf(draft: HttpDraft, version = 'HTTP/1.1'): string {
  const lines = draft.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${draft.method} ${draft.path} ${version}\r\n${lines}\r\n`;
}
