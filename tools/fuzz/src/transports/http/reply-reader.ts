/** What an HTTP reply said, when it is whole. */
export interface HttpReply {
  readonly status: number;
  /** Status line and headers, as they came. */
  readonly head: string;
  /** Without chunk framing. */
  readonly body: Buffer;
  /** The connection ends with it. */
  readonly last: boolean;
}

export interface ReplyListener {
  /** The head is there; the body may take its time. */
  onHead(status: number, head: string): void;
  /** A piece of the body of an event stream. */
  onPiece(bytes: Buffer): void;
  onReply(reply: HttpReply): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads the replies on one connection. Strict: what it cannot read, no client can.
 *
 * `push` and `end` throw an Error that says what is wrong with the framing.
 */
export class ReplyReader {
  /** The next reply has no body, whatever its head says (RFC 9110, HEAD). */
  bodyless = false;
  readonly #listener: ReplyListener;
  #rest: Buffer = NOTHING;
  #state: 'head' | 'length' | 'chunks' | 'chunk-end' | 'last-chunk-end' | 'until-end' = 'head';
  #status = 0;
  #head = '';
  #streams = false;
  #length = 0;
  #chunks: Buffer[] = [];

  constructor(listener: ReplyListener) {
    this.#listener = listener;
  }

  /** In the middle of a reply. */
  get within(): boolean {
    return this.#state !== 'head' || this.#rest.length > 0;
  }

  /** Bytes that belong to no reply, so far. */
  get stray(): Buffer {
    return this.#state === 'head' ? this.#rest : NOTHING;
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** The connection has ended. */
  end(): void {
    if (this.#state === 'until-end') {
      this.#chunks.push(this.#rest);
      this.#rest = NOTHING;
      this.#finish(Buffer.concat(this.#chunks));
    } else if (this.within) throw new Error('the connection ended within a reply');
  }

  /** False when more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'length': {
        if (this.#rest.length < this.#length) return false;
        const body = this.#rest.subarray(0, this.#length);
        this.#rest = this.#rest.subarray(this.#length);
        this.#finish(body);
        return true;
      }
      case 'chunks':
        return this.#readChunk();
      case 'chunk-end':
      case 'last-chunk-end':
        return this.#readChunkEnd();
      default:
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#rest.length > 64 * 1024) throw new Error('the head of a reply does not end');
      return false;
    }
    this.#head = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + 4);
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.#head);
    if (status === null) throw new Error(`no status line: ${this.#head.slice(0, 80)}`);
    this.#status = Number(status[1]);
    // An interim reply, such as 100 Continue.
    if (this.#status < 200) return true;
    this.#chunks = [];
    const lower = this.#head.toLowerCase();
    this.#streams = lower.includes('\r\ncontent-type: text/event-stream');
    this.#listener.onHead(this.#status, this.#head);
    const length = /\r\ncontent-length: (\d+)(?:\r\n|$)/.exec(lower);
    if (this.bodyless || this.#status === 204 || this.#status === 304) this.#finish(NOTHING);
    else if (lower.includes('\r\ntransfer-encoding: chunked')) this.#state = 'chunks';
    else if (length !== null) {
      this.#length = Number(length[1]);
      this.#state = 'length';
    } else if (lower.includes('\r\nconnection: close')) this.#state = 'until-end';
    else throw new Error('the reply says nothing of its length');
    return true;
  }

  #readChunk(): boolean {
    const lineEnd = this.#rest.indexOf('\r\n');
    if (lineEnd < 0) return false;
    const line = this.#rest.toString('latin1', 0, lineEnd);
    if (!/^[0-9A-Fa-f]{1,8}$/.test(line)) throw new Error(`bad chunk size: ${line.slice(0, 40)}`);
    const size = Number.parseInt(line, 16);
    const end = lineEnd + 2 + size;
    if (this.#rest.length < end) return false;
    const piece = this.#rest.subarray(lineEnd + 2, end);
    this.#rest = this.#rest.subarray(end);
    this.#state = size === 0 ? 'last-chunk-end' : 'chunk-end';
    if (size === 0) return true;
    this.#chunks.push(piece);
    // uWebSockets.js ends a chunk when it writes the next one: what is in it must not wait for that.
    if (this.#streams) this.#listener.onPiece(piece);
    return true;
  }

  #readChunkEnd(): boolean {
    if (this.#rest.length < 2) return false;
    if (this.#rest[0] !== 0x0d || this.#rest[1] !== 0x0a) throw new Error('a chunk does not end in CRLF');
    this.#rest = this.#rest.subarray(2);
    if (this.#state === 'last-chunk-end') this.#finish(Buffer.concat(this.#chunks));
    else this.#state = 'chunks';
    return true;
  }

  #finish(body: Buffer): void {
    const last = this.#state === 'until-end' || /\r\nconnection: close/i.test(this.#head);
    this.#state = 'head';
    this.bodyless = false;
    this.#listener.onReply({ status: this.#status, head: this.#head, body, last });
  }
}
