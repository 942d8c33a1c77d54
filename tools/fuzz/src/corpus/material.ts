import type { Random } from '../random.js';

/** A `requestState` that the bridge gave out, with the call that it belongs to. */
export interface GivenState {
  readonly requestState: string;
  readonly tool: string;
}

/** A question that the bridge asked a legacy client, which an answer can name. */
export interface OpenQuestion {
  /** As it was written. */
  readonly id: string;
  /** The session that it was asked in. */
  readonly session: string;
}

/** An event of a stream that a client can ask to be resumed. */
export interface KnownEvent {
  readonly id: string;
  readonly session: string;
}

const KEPT = 64;

/** What the bridge has given out during a run and later messages use. The last few of each sort are kept. */
export class Material {
  readonly #states: GivenState[] = [];
  readonly #questions: OpenQuestion[] = [];
  readonly #eventIds: KnownEvent[] = [];

  addState(state: GivenState): void {
    keep(this.#states, state);
  }

  addQuestion(question: OpenQuestion): void {
    keep(this.#questions, question);
  }

  addEventId(event: KnownEvent): void {
    keep(this.#eventIds, event);
  }

  someState(random: Random): GivenState | undefined {
    return this.#states.length === 0 ? undefined : random.pick(this.#states);
  }

  /** Each question is given away once. */
  takeQuestion(session?: string): OpenQuestion | undefined {
    if (session === undefined) return this.#questions.shift();
    const at = this.#questions.findIndex((question) => question.session === session);
    return at < 0 ? undefined : this.#questions.splice(at, 1)[0];
  }

  someEventId(random: Random): KnownEvent | undefined {
    return this.#eventIds.length === 0 ? undefined : random.pick(this.#eventIds);
  }
}

function keep<Item>(items: Item[], item: Item): void {
  items.push(item);
  if (items.length > KEPT) items.shift();
}
