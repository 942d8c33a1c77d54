import type { BridgeError } from '@mcp-bridge/protocol';
import type { CallHandle, CallRequest, CallSink, Link } from '../link.js';

export type Outcome = { readonly result: Buffer } | { readonly error: BridgeError };

/** A call that keeps all that its sink hears. */
export class RecordedCall implements CallSink {
  readonly messages: string[] = [];
  readonly outcomes: Outcome[] = [];
  readonly outcome: Promise<Outcome>;
  readonly handle: CallHandle;
  #onOutcome: (outcome: Outcome) => void = () => {};

  constructor(link: Link, request: CallRequest) {
    this.outcome = new Promise((resolve) => (this.#onOutcome = resolve));
    this.handle = link.call(request, this);
  }

  onMessage(message: Buffer): void {
    this.messages.push(message.toString());
  }

  onResult(result: Buffer): void {
    this.#end({ result: Buffer.from(result) });
  }

  onError(error: BridgeError): void {
    this.#end({ error });
  }

  /** The result's text, or `code: message` of the error. */
  async text(): Promise<string> {
    const outcome = await this.outcome;
    return 'result' in outcome
      ? outcome.result.toString()
      : `${outcome.error.code}: ${outcome.error.message}`;
  }

  /** `ok` or the error's code. */
  async code(): Promise<string> {
    const outcome = await this.outcome;
    return 'result' in outcome ? 'ok' : outcome.error.code;
  }

  #end(outcome: Outcome): void {
    this.outcomes.push(outcome);
    this.#onOutcome(outcome);
  }
}

export function callRequest(fields: Partial<CallRequest> & { readonly method: string }): CallRequest {
  return {
    principal: { tenant: 'acme', id: 'alice' },
    view: '',
    name: '',
    params: Buffer.from('{}'),
    spans: {
      nameStart: -1,
      nameEnd: -1,
      metaStart: -1,
      metaEnd: -1,
      progressTokenStart: -1,
      progressTokenEnd: -1,
    },
    clientRequestId: '1',
    protocolVersion: '2025-11-25',
    capabilities: '{}',
    clientInfo: '',
    session: '',
    logLevel: '',
    timeoutMs: 30_000,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: '',
    ...fields,
  };
}
