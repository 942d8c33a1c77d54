import type { CallRequest } from '@mcp-bridge/link';
import type { Envelope } from '@mcp-bridge/protocol';
import { refuseToAsk } from '../input/capabilities.js';
import type { RespondToUpstream } from '../upstream/channel.js';
import type { Session } from './session.js';

/** How long any client may take for a question that belongs to no call. */
const ASK_TIMEOUT_MS = 60_000;

/** A question outside any call: goes to the one client whose channel it came on, if that client allows it. */
export function askSession(
  session: Session | undefined,
  request: CallRequest,
  question: Envelope,
  respond: RespondToUpstream,
): void {
  const refusal = refuseToAsk(request.capabilities, question);
  if (refusal !== undefined) {
    respond('error', refusal);
    return;
  }
  const params =
    question.params.start < 0
      ? Buffer.from('{}')
      : question.bytes.subarray(question.params.start, question.params.end);
  const settle = (member: 'result' | 'error', value: Buffer): void => {
    clearTimeout(timer);
    respond(member, value);
  };
  const timer = setTimeout(() => {
    undo?.('No answer in time');
    settle('error', Buffer.from('{"code":-32603,"message":"The client did not answer in time"}'));
  }, ASK_TIMEOUT_MS);
  timer.unref();
  const undo = session?.ask(undefined, question.method, params, {
    onResult: (result) => settle('result', result),
    onError: (error) => settle('error', error),
  });
  if (undo === undefined)
    settle('error', Buffer.from('{"code":-32603,"message":"The client cannot be asked now"}'));
}
