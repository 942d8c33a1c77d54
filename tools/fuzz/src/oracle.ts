/** A JSON-RPC message that the bridge wrote. */
export interface Answer {
  /** As it was written; '' when there is none. */
  readonly id: string;
  readonly kind: 'result' | 'error' | 'request' | 'notification';
  /** Of an error. */
  readonly code: number | undefined;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * Reads one message, or batch of messages, of the bridge.
 * @throws {Error} when it is no JSON-RPC
 */
export function readAnswers(text: string): Answer[] {
  // Checked message by message.
  const value = JSON.parse(text) as unknown;
  if (!Array.isArray(value)) return [readAnswer(value, text)];
  return value.map((item) => readAnswer(item, ''));
}

function readAnswer(value: unknown, text: string): Answer {
  if (typeof value !== 'object' || value === null) throw new Error('a message is no object');
  // Any object can be read as a record.
  const message = value as Record<string, unknown>;
  if (message['jsonrpc'] !== '2.0') throw new Error('a message is not of JSON-RPC 2.0');
  const { id, error } = message;
  const idText = id === undefined ? '' : writtenId(text, id);
  if (message['method'] !== undefined) {
    return {
      id: idText,
      kind: id === undefined ? 'notification' : 'request',
      code: undefined,
      value: message,
    };
  }
  if ('result' in message === 'error' in message)
    throw new Error('a reply has both or neither of result and error');
  if ('result' in message) return { id: idText, kind: 'result', code: undefined, value: message };
  // Checked in the next line.
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'number') throw new Error('an error has no code');
  return { id: idText, kind: 'error', code, value: message };
}

/** The bridge writes the id right after the version, as the client wrote it. */
function writtenId(text: string, id: unknown): string {
  // Within a batch the text is not at hand: big numbers would come out as other ones.
  if (typeof id === 'number' && !Number.isSafeInteger(id) && text === '') return '';
  const match = /^\{"jsonrpc":"2\.0","id":("(?:[^"\\]|\\.)*"|[^,}"]+)/.exec(text);
  return match?.[1] ?? JSON.stringify(id);
}

/** `result`, or the code of the error. */
export function classOf(answer: Answer | undefined): string {
  if (answer === undefined) return '-';
  return answer.kind === 'error' ? String(answer.code) : answer.kind;
}
