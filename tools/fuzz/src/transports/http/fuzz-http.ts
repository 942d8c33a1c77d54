import { CALL_TIMEOUT_MS } from '../../target/target.js';
import { ANSWER_SLACK_MS, type FuzzJob } from '../../run/fuzz-job.js';
import { type ConnectionListener, HttpConnection, type HttpOutcome } from './http-connection.js';
import type { HttpInput } from './http-input.js';
import { HttpSessions } from './http-sessions.js';
import { judge } from './judge.js';
import { makeInput } from './make-input.js';

/** Inputs on their way at once. */
const CONCURRENCY = 64;
/** Slow answers and streams that may be open beside them. */
const MAX_ASIDE = 512;
const TICK_MS = 20;

/** Streamable HTTP: every step is one request, or what is left of one, on one of many connections. */
export async function fuzzHttp(job: FuzzJob): Promise<void> {
  const sessions = await HttpSessions.open(job.target);
  await new Promise<void>((resolve) => new HttpFuzzer(job, sessions, resolve).launch());
}

class HttpFuzzer implements ConnectionListener {
  readonly #job: FuzzJob;
  readonly #sessions: HttpSessions;
  readonly #onEnd: () => void;
  readonly #idle: HttpConnection[] = [];
  readonly #busy = new Set<HttpConnection>();
  /** Busy ones that no longer keep the next step waiting. */
  readonly #aside = new Set<HttpConnection>();
  readonly #ticker: NodeJS.Timeout;
  #more = true;

  constructor(job: FuzzJob, sessions: HttpSessions, onEnd: () => void) {
    this.#job = job;
    this.#sessions = sessions;
    this.#onEnd = onEnd;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  launch(): void {
    while (this.#more && this.#busy.size - this.#aside.size < CONCURRENCY) {
      const step = this.#job.nextStep();
      if (step === undefined) this.#more = false;
      else this.#send(makeInput(this.#job, this.#sessions, step));
    }
    if (!this.#more && this.#busy.size === 0) this.#end();
  }

  onSlow(connection: HttpConnection): void {
    const { input } = connection;
    if (input === undefined || this.#aside.has(connection) || this.#aside.size >= MAX_ASIDE) return;
    this.#aside.add(connection);
    // Not from within the parser of this connection.
    setImmediate(() => this.launch());
  }

  onStreamPiece(connection: HttpConnection, text: string): void {
    const { input } = connection;
    for (const [, id] of text.matchAll(/^id: (\S+)$/gm))
      this.#job.material.addEventId({ id: id ?? '', session: input?.session ?? '' });
    // Questions of the router: they are requests with ids of its own.
    for (const [, id] of text.matchAll(/^data: \{"jsonrpc":"2\.0","id":("[^"]+"|\d+),"method":/gm))
      this.#job.material.addQuestion({ id: id ?? '', session: input?.session ?? '' });
  }

  onOutcome(connection: HttpConnection, outcome: HttpOutcome): void {
    const { input } = connection;
    if (input === undefined) return;
    connection.input = undefined;
    this.#busy.delete(connection);
    this.#aside.delete(connection);
    this.#settle(input, outcome, connection.history.slice(1));
    if (connection.usable) this.#idle.push(connection);
    setImmediate(() => this.launch());
  }

  #send(input: HttpInput): void {
    let connection = this.#idle.pop();
    while (connection !== undefined && !connection.usable) {
      connection.destroy();
      connection = this.#idle.pop();
    }
    connection ??= new HttpConnection(this.#job.target.port, CALL_TIMEOUT_MS + ANSWER_SLACK_MS, this);
    this.#busy.add(connection);
    connection.send(input, performance.now());
  }

  #settle(input: HttpInput, outcome: HttpOutcome, before: readonly string[]): void {
    const job = this.#job;
    const { answer, why, answers } = judge(input, outcome);
    job.tally.add(answer, outcome.tookMs);
    if (why !== undefined) {
      const sent = Buffer.concat(input.pieces);
      const what = before.length === 0 ? input.what : `${input.what} (after ${before.join(', ')})`;
      job.fault({ step: input.step, why, what, sent, received: outcome.partial });
    }
    const [reply] = outcome.replies;
    const token = /\r\nmcp-session-id: (\S+)/i.exec(reply?.head ?? '')?.[1];
    for (const { kind, value } of answers) {
      if (kind !== 'result') continue;
      // Results are objects.
      const result = value['result'] as { requestState?: unknown; protocolVersion?: unknown };
      if (typeof result.requestState === 'string' && input.tool !== undefined)
        job.material.addState({ requestState: result.requestState, tool: input.tool });
      if (token !== undefined && typeof result.protocolVersion === 'string')
        this.#sessions.opened({ token, version: result.protocolVersion });
    }
    if (reply?.status === 404 && input.session !== '') this.#sessions.lost(input.session);
  }

  #tick(): void {
    const now = performance.now();
    for (const connection of this.#busy) connection.tick(now);
    if (!this.#more && this.#busy.size === 0) this.#end();
  }

  #end(): void {
    clearInterval(this.#ticker);
    for (const connection of this.#idle) connection.destroy();
    this.#onEnd();
  }
}
