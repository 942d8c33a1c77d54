import { RECENT_STEPS, stepOf } from '../../corpus/message.js';
import { unescaped } from '../../mutate/unescaped.js';
import { type Answer, classOf, readAnswers } from '../../oracle.js';

/** What must come back for an input. */
export type Due =
  /** A reply with the id of the input. */
  | { readonly kind: 'own'; readonly id: string }
  /** That, or an error without an id: the bridge may find more fault with it than the fuzzer does. */
  | { readonly kind: 'own-or-error'; readonly id: string }
  /** Some reply or error. */
  | { readonly kind: 'error' }
  | { readonly kind: 'nothing' };

/** An input that was sent on a connection. */
export interface SentInput {
  readonly step: number;
  readonly what: string;
  readonly bytes: Buffer;
  readonly due: Due;
  /** The text that its result must hold. */
  readonly echoes: string | undefined;
  readonly sentAt: number;
}

/** How an input ended. */
export interface Settled {
  readonly input: SentInput;
  readonly answer: string;
  readonly why: string | undefined;
  readonly received: string;
}

interface Open {
  readonly input: SentInput;
  /** Errors without an id that came while its turn was. */
  errors: string[];
  replies: number;
}

/**
 * What was sent on one connection and is not answered yet. Each input is followed by a ping of ours, the barrier: what
 * the bridge refuses it refuses in order, so errors without an id before the barrier's reply belong to the input.
 */
export class Ledger {
  readonly #firstStep: number;
  #lastStep: number;
  readonly #onSettled: (settled: Settled) => void;
  /** Before their barriers' replies, in order. */
  readonly #turns: Open[] = [];
  /** By id, after it. */
  readonly #waiting = new Map<string, SentInput>();
  /** That were sent although they are not of steps of this connection. */
  readonly #changedIds = new Set<string>();
  readonly #answered = new Set<string>();

  /** @param firstStep - of the connection; it makes the steps after it too */
  constructor(firstStep: number, onSettled: (settled: Settled) => void) {
    this.#firstStep = firstStep;
    this.#lastStep = firstStep;
    this.#onSettled = onSettled;
  }

  /** Inputs whose barrier has not been answered. */
  get inTurn(): number {
    return this.#turns.length;
  }

  get empty(): boolean {
    return this.#turns.length === 0 && this.#waiting.size === 0;
  }

  /** The message that must be sent right after an input. */
  static barrierOf(step: number): Buffer {
    return Buffer.from(`{"jsonrpc":"2.0","id":"barrier-${step}","method":"ping"}`);
  }

  sent(input: SentInput): void {
    this.#turns.push({ input, errors: [], replies: 0 });
    this.#lastStep = Math.max(this.#lastStep, input.step);
    for (const [id] of input.bytes.toString('latin1').matchAll(/7\d{9,14}/g))
      if (!this.#isInRange(id)) this.#changedIds.add(id);
    // No reply is due to what was cancelled.
    const text = unescaped(input.bytes.toString('utf8'));
    if (text.includes('cancelled')) this.#excuse(input, text);
  }

  /**
   * Takes what the bridge wrote; returns its requests.
   * @throws {Error} when it must not have written that
   */
  heard(text: string): Answer[] {
    const questions: Answer[] = [];
    for (const answer of readAnswers(text)) {
      if (answer.kind === 'request') questions.push(answer);
      else if (answer.kind !== 'notification') this.#reply(answer, text);
    }
    return questions;
  }

  /** Inputs that have waited since before this time; they are forgotten. */
  overdue(before: number): SentInput[] {
    const late = [...this.#waiting.values()].filter(({ sentAt }) => sentAt < before);
    for (const [id, input] of this.#waiting) if (input.sentAt < before) this.#waiting.delete(id);
    for (const { input } of this.#turns) if (input.sentAt < before) late.push(input);
    return late;
  }

  /** Everything that is open, because the connection has ended. */
  abandon(): SentInput[] {
    const left = [...this.#turns.splice(0).map(({ input }) => input), ...this.#waiting.values()];
    this.#waiting.clear();
    return left;
  }

  #reply(answer: Answer, text: string): void {
    const { id: value = null } = answer.value;
    // A number that is too big for JavaScript would look like no id.
    const id = typeof value === 'number' && !Number.isFinite(value) ? answer.id : JSON.stringify(value);
    if (id.startsWith('"barrier-')) {
      this.#endTurn(id);
    } else if (id === 'null') {
      const [turn] = this.#turns;
      if (turn === undefined) throw new Error('an error without an id that nothing has caused');
      turn.errors.push(classOf(answer));
    } else {
      this.#own(id, answer, text);
    }
  }

  #own(id: string, answer: Answer, text: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      this.#waiting.delete(id);
      this.#settle(waiting, answer, text);
      if (waiting.due.kind === 'own-or-error') this.#mayRefuseFirst(answer);
      return;
    }
    const turn = this.#turns.find(({ input }) => 'id' in input.due && input.due.id === id);
    if (turn !== undefined) {
      if (turn.replies > 0 && turn.input.due.kind === 'own') throw new Error(`a second reply to ${id}`);
      if (turn.replies === 0) this.#settle(turn.input, answer, text);
      turn.replies += 1;
      if (turn.input.due.kind === 'own-or-error' && turn !== this.#turns[0]) this.#mayRefuseFirst(answer);
      return;
    }
    const [first] = this.#turns;
    // A mutated id may be that of an earlier step by chance.
    if (this.#answered.has(id) && first?.input.bytes.includes(id) !== true)
      throw new Error(`a second reply to ${id}`);
    // Refusals come in order, so it is for the first, whichever of its ids the bridge took for the id.
    first?.errors.push(classOf(answer));
    if (this.#isInRange(answer.id) || this.#changedIds.has(answer.id)) return;
    throw new Error(`a reply has the id ${answer.id}, which was not sent here`);
  }

  /** Mutations give several inputs one id: a refusal with it may be for the input whose turn it is. */
  #mayRefuseFirst(answer: Answer): void {
    if (answer.kind === 'error') this.#turns[0]?.errors.push(classOf(answer));
  }

  #endTurn(barrier: string): void {
    const turn = this.#turns.shift();
    if (turn === undefined || barrier !== `"barrier-${turn.input.step}"`)
      throw new Error(`the ping ${barrier} was answered out of order`);
    if (turn.replies > 0) return;
    const { input, errors } = turn;
    const { due } = input;
    const [error] = errors;
    if (due.kind === 'own' || (due.kind === 'own-or-error' && error === undefined))
      this.#waiting.set(due.id, input);
    else if (due.kind === 'error' && error === undefined)
      this.#end(input, 'nothing', 'no error came back', '');
    else this.#end(input, error ?? 'nothing', undefined, '');
  }

  #settle(input: SentInput, answer: Answer, text: string): void {
    if (input.due.kind === 'own') this.#answered.add(input.due.id);
    const fails = input.echoes !== undefined && !text.includes(input.echoes);
    this.#end(
      input,
      classOf(answer),
      fails ? `the result must hold ${String(input.echoes)}` : undefined,
      text,
    );
  }

  #end(input: SentInput, answer: string, why: string | undefined, received: string): void {
    this.#onSettled({ input, answer, why, received });
  }

  /** False when the corpus has made this id for a step that is not of this connection. */
  #isInRange(id: string): boolean {
    const step = stepOf(id);
    return step === undefined || (step >= this.#firstStep - RECENT_STEPS && step <= this.#lastStep);
  }

  #excuse(cancelling: SentInput, text: string): void {
    for (const [id, input] of this.#waiting) {
      if (!text.includes(id)) continue;
      this.#waiting.delete(id);
      this.#end(input, 'cancelled', undefined, '');
    }
    for (const [index, turn] of this.#turns.entries()) {
      const { due } = turn.input;
      if (!('id' in due) || turn.input === cancelling || !text.includes(due.id)) continue;
      const input: SentInput = { ...turn.input, due: { kind: 'nothing' } };
      this.#turns[index] = { ...turn, input };
    }
  }
}
