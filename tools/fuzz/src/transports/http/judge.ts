import { createSseParser } from '@mcp-bridge/testkit';
import { unescaped } from '../../mutate/unescaped.js';
import { type Answer, classOf, readAnswers } from '../../oracle.js';
import type { HttpOutcome } from './http-connection.js';
import type { HttpInput } from './http-input.js';
import type { HttpReply } from './reply-reader.js';

/** What an exchange comes to. */
export interface Verdict {
  /** For the tally. */
  readonly answer: string;
  /** Why it must not be; undefined when all is well. */
  readonly why: string | undefined;
  /** Everything that the bridge said in it. */
  readonly answers: readonly Answer[];
}

/** Statuses that the bridge, or uWebSockets.js before it, may send. */
const STATUSES = new Set([
  200, 202, 204, 400, 401, 403, 404, 405, 406, 409, 411, 413, 415, 417, 426, 431, 499, 501, 502, 503, 504,
  505,
]);

/** Holds what came back against what must. */
export function judge(input: HttpInput, outcome: HttpOutcome): Verdict {
  const [reply] = outcome.replies;
  if (outcome.fault !== undefined) return bad('unreadable', outcome.fault);
  if (outcome.end === 'late') return bad('late', 'no whole reply by the deadline');
  if (input.endless && reply === undefined && outcome.openStatus !== undefined)
    return good(`${outcome.openStatus} stream`, []);
  if (input.expects === 'reply' && reply === undefined)
    return bad('closed', 'the connection ended without a reply');

  const answers: Answer[] = [];
  for (const each of outcome.replies) {
    if (!STATUSES.has(each.status)) return bad(`${each.status}`, `status ${each.status}`);
    try {
      answers.push(...messagesOf(each));
    } catch (error) {
      return bad(`${each.status}`, `a reply cannot be read: ${String(error)}`);
    }
  }
  const strange = strangeId(input, answers);
  const last = answers.findLast(({ kind }) => kind === 'result' || kind === 'error');
  const name = reply === undefined ? outcome.end : `${reply.status} ${classOf(last)}`;
  if (strange !== undefined) return bad(name, `a reply has the id ${strange}, which was not sent`);
  if (input.status !== undefined && reply?.status !== input.status)
    return bad(name, `the status must be ${input.status}`);
  const mayFail = input.status === undefined && isCutShort(reply, answers);
  if (input.echoes !== undefined && !mayFail && !textOf(answers).includes(input.echoes))
    return bad(name, `the result must hold ${input.echoes}`);
  return good(name, answers);
}

/** Sessions and requests are open to all steps: another one may have ended the session, or cancelled this request. */
function isCutShort(reply: HttpReply | undefined, answers: readonly Answer[]): boolean {
  if (reply?.status === 404 || (reply?.status === 202 && answers.length === 0)) return true;
  return answers.some(({ value }) => JSON.stringify(value['error'])?.includes('Session ended'));
}

function good(answer: string, answers: readonly Answer[]): Verdict {
  return { answer, why: undefined, answers };
}

function bad(answer: string, why: string): Verdict {
  return { answer, why, answers: [] };
}

function messagesOf({ head, body }: HttpReply): Answer[] {
  if (body.length === 0) return [];
  if (/\r\ncontent-type: application\/json/i.test(head)) return readAnswers(body.toString('utf8'));
  if (!/\r\ncontent-type: text\/event-stream/i.test(head)) return [];
  return createSseParser()
    .push(body.toString('utf8'))
    .filter(({ event, data }) => event !== ':' && data !== '')
    .flatMap(({ data }) => readAnswers(data));
}

/** An id in a reply that the input does not hold; ids of requests are unique in a run. */
function strangeId(input: HttpInput, answers: readonly Answer[]): string | undefined {
  const ids = answers.filter(({ kind }) => kind === 'result' || kind === 'error').map(({ id }) => id);
  const named = ids.filter((id) => id !== 'null' && id !== '');
  if (named.length === 0) return undefined;
  // Chunk framing may cut an id in two.
  if (input.replays || input.what.includes('chunks')) return undefined;
  const sent = Buffer.concat(input.pieces).toString('utf8');
  // Of batches the ids are known as they are read, not as they are written.
  return named.find((id) => !sent.includes(id) && !unescaped(sent).includes(id));
}

function textOf(answers: readonly Answer[]): string {
  return JSON.stringify(answers.filter(({ kind }) => kind === 'result').map(({ value }) => value));
}
