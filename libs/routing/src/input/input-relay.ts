import { BridgeError } from '@mcp-bridge/protocol';
import type { Envelope } from '@mcp-bridge/protocol';
import type { ActiveCall } from '../dispatch/active-call.js';
import type { Exchange } from '../dispatch/exchange.js';
import type { Session } from '../sessions/session.js';
import { mayAsk } from './capabilities.js';
import { inputRequestsOf } from './input-requests.js';
import type { InputRequest } from './input-requests.js';

/** Rounds of `input_required` after which an upstream is taken to be looping. */
const MAX_ROUNDS = 32;

/**
 * A modern upstream wants input and the client is legacy: puts each of its questions as a request on the call's
 * stream, and sends the call again with the answers (requirement 48; 2026-07-28 basic/patterns/mrtr).
 */
export function relayInputRequired(
  exchange: Exchange,
  call: ActiveCall,
  session: Session | undefined,
  reply: Envelope,
): void {
  if (exchange.nextRound() > MAX_ROUNDS) {
    call.fail(
      new BridgeError('UPSTREAM_PROTOCOL', `The upstream asked for input more than ${MAX_ROUNDS} times`),
    );
    return;
  }
  const questions = inputRequestsOf(reply);
  const state = requestStateMember(reply);
  if (questions.length === 0) {
    exchange.retry(state);
    return;
  }
  const answers: string[] = [];
  const undos: ((reason: string) => void)[] = [];
  const giveUp = (error: BridgeError): void => {
    for (const undo of undos) undo(error.message);
    call.fail(error);
    exchange.abandon(error.message);
  };
  for (const [key, question] of questions) {
    const onAnswer = (raw: string): void => {
      answers.push(`${JSON.stringify(key)}:${raw}`);
      if (answers.length < questions.length) return;
      exchange.retry(`"inputResponses":{${answers.join(',')}}${state === '' ? '' : ','}${state}`);
    };
    if (!mayAsk(call.request.capabilities, question.method, question.params)) {
      giveUp(
        new BridgeError(
          'UPSTREAM_PROTOCOL',
          `The upstream asked for ${question.method}, undeclared by the client`,
        ),
      );
      return;
    }
    const undo = session?.ask(call, question.method, legacyParams(question), {
      onResult: (result) => onAnswer(result.toString('utf8')),
      onError: (error) => {
        // An elicitation that the client could not show counts as dismissed; for the others there is no such answer.
        if (question.method === 'elicitation/create') onAnswer('{"action":"cancel"}');
        else
          giveUp(
            new BridgeError('INTERNAL', `The client refused ${question.method}: ${error.toString('utf8')}`),
          );
      },
    });
    if (undo === undefined) {
      giveUp(new BridgeError('OVERLOADED', 'Too many requests wait for this client already'));
      return;
    }
    undos.push(undo);
  }
}

/** The state goes back byte for byte as it came (requirement 44). */
function requestStateMember(reply: Envelope): string {
  const { start, end } = reply.resultRequestState;
  return start < 0 ? '' : `"requestState":${reply.bytes.toString('utf8', start, end)}`;
}

/** Legacy URL elicitation needs an id that the modern shape does not have (2025-11-25 client/elicitation). */
function legacyParams(question: InputRequest): Buffer {
  const params = question.params;
  if (
    question.method === 'elicitation/create' &&
    typeof params === 'object' &&
    params !== null &&
    'mode' in params
  ) {
    if (params.mode === 'url' && !('elicitationId' in params)) {
      return Buffer.from(JSON.stringify({ ...params, elicitationId: crypto.randomUUID() }));
    }
  }
  return Buffer.from(JSON.stringify(params));
}
