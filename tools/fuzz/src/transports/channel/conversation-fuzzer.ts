import { initializeMessage, legacyEcho, legacyMessage, LEGACY_VERSIONS } from '../../corpus/legacy.js';
import { Material } from '../../corpus/material.js';
import type { Message } from '../../corpus/message.js';
import { modernEcho, modernMessage } from '../../corpus/modern.js';
import { mutated, type MutatedMessage } from '../../corpus/mutated.js';
import { Random } from '../../random.js';
import { ANSWER_SLACK_MS, type FuzzJob } from '../../run/fuzz-job.js';
import { CALL_TIMEOUT_MS, MAX_MESSAGE_BYTES } from '../../target/target.js';
import { dueOf } from './due.js';
import type { ChannelKind, ChannelListener, FuzzChannel, Packed } from './fuzz-channel.js';
import { type Due, Ledger, type SentInput, type Settled } from './ledger.js';

const WINDOW = 8;
/** Silence after which the bridge has said what it has to say to a broken transport. */
const QUIET_MS = 100;

/** The steps of one block over one connection. */
export class ConversationFuzzer implements ChannelListener {
  /** It sends no more, but waits for answers. */
  lingering = false;
  readonly #job: FuzzJob;
  readonly #kind: ChannelKind;
  readonly #onEnd: (fuzzer: ConversationFuzzer) => void;
  readonly #onLingering: () => void;
  readonly #channel: FuzzChannel;
  readonly #ledger: Ledger;
  /** What was asked on this connection is answered on it. */
  readonly #material = new Material();
  readonly #version: string;
  readonly #isLegacy: boolean;
  readonly #to: number;
  #next: number;
  #isOpen = false;
  /** Sent when nothing else is in turn, because the bridge may end the connection for it. */
  #last: (SentInput & { readonly packed: Packed }) | undefined;
  #doomedAt = 0;
  #over = false;
  #heardAt = performance.now();

  constructor(
    job: FuzzJob,
    kind: ChannelKind,
    block: { readonly from: number; readonly to: number },
    hooks: { readonly onEnd: (fuzzer: ConversationFuzzer) => void; readonly onLingering: () => void },
  ) {
    this.#job = job;
    this.#kind = kind;
    this.#onEnd = hooks.onEnd;
    this.#onLingering = hooks.onLingering;
    this.#next = block.from;
    this.#ledger = new Ledger(block.from, (settled) => this.#settled(settled));
    this.#to = block.to;
    const persona = new Random(job.seed, 2 ** 40 + Math.floor(block.from / kind.blockSteps));
    this.#version = persona.pick(LEGACY_VERSIONS);
    // A few never begin a session, and send its messages all the same.
    this.#isLegacy = !persona.oneIn(8);
    this.#channel = kind.connect(persona, this);
  }

  onOpen(): void {
    this.#isOpen = true;
    this.#heardAt = performance.now();
    if (this.#isLegacy) this.#send(this.#initialize());
    this.#pump();
  }

  onMessage(text: string): void {
    if (this.#over) return;
    this.#heardAt = performance.now();
    if (this.#doomedAt > 0) return;
    try {
      for (const { id } of this.#ledger.heard(text)) this.#material.addQuestion({ id, session: '' });
      const state = /"requestState":"([^"]+)"/.exec(text)?.[1];
      if (state !== undefined)
        this.#job.material.addState({ requestState: state, tool: 'old__test_elicitation' });
    } catch (error) {
      this.#fault(this.#next - 1, String(error), 'a message of the bridge', undefined, text);
    }
    this.#pump();
  }

  onClosed(why: string): void {
    if (this.#over) return;
    if (this.#doomedAt > 0) {
      this.#finish('ended for it');
      return;
    }
    const [first] = this.#ledger.abandon();
    this.#fault(
      first?.step ?? this.#next - 1,
      `the bridge ended the connection: ${why}`,
      first?.what ?? '',
      first?.bytes,
    );
    this.#finish('ended');
  }

  onFault(why: string): void {
    if (this.#over) return;
    this.#fault(this.#next - 1, why, 'the transport', undefined);
    this.#finish('ended');
  }

  /** The steps of its block that it did not come to; a further connection makes them. */
  get left(): { readonly from: number; readonly to: number } | undefined {
    return this.#next < this.#to ? { from: this.#next, to: this.#to } : undefined;
  }

  /** To be called every now and then. */
  tick(now: number): void {
    if (this.#over) return;
    if (this.#doomedAt > 0) {
      if (now - Math.max(this.#heardAt, this.#doomedAt) > QUIET_MS) this.#finish('silent');
      return;
    }
    const lateMs = CALL_TIMEOUT_MS + (this.#kind.slackMs ?? ANSWER_SLACK_MS);
    if (!this.#isOpen && now - this.#heardAt > lateMs) {
      this.onFault('the connection was not opened in time');
      return;
    }
    const late = this.#ledger.overdue(now - lateMs);
    for (const { step, what, bytes } of late) this.#fault(step, 'no answer by the deadline', what, bytes);
    if (late.length > 0) this.#finish('ended');
    else this.#pump();
  }

  #pump(): void {
    if (!this.#isOpen || this.#over || this.#doomedAt > 0) return;
    while (
      this.#last === undefined &&
      this.#next < this.#to &&
      this.#ledger.inTurn < (this.#kind.window ?? WINDOW)
    ) {
      this.#make(this.#next);
      this.#next += 1;
    }
    if (this.#last === undefined && this.#next < this.#to) return;
    if (!this.lingering) {
      this.lingering = true;
      this.#onLingering();
    }
    if (this.#last === undefined) {
      if (this.#ledger.empty) this.#finish('');
      return;
    }
    // What is slow is left behind: a client that goes away in mid-call.
    if (this.#ledger.inTurn > 0) return;
    for (const { step } of this.#ledger.abandon()) if (step >= 0) this.#job.tally.add('left behind', 0);
    this.#doomedAt = performance.now();
    this.#channel.send(this.#last.packed);
  }

  #make(step: number): void {
    const random = new Random(this.#job.seed, step);
    const isControl = random.oneIn(16);
    const message = isControl ? this.#control(random, step) : this.#message(random, step);
    const changed: MutatedMessage = isControl
      ? { bytes: Buffer.from(JSON.stringify(message.value)), how: '' }
      : mutated(message, random, { oversizeBytes: this.#kind.oversizeBytes ?? MAX_MESSAGE_BYTES });
    const packed = this.#channel.pack(changed.bytes, !isControl && random.oneIn(5) ? random : undefined);
    const how = [changed.how, packed.how === '' ? '' : `[${packed.how}]`]
      .filter((part) => part !== '')
      .join(' ');
    const input: SentInput = {
      step,
      what: how === '' ? message.name : `${message.name} ${how}`,
      bytes: changed.bytes,
      due: this.#dueOf(message, changed),
      echoes: isControl && (this.#isLegacy || message.era === 'modern') ? message.echoes : undefined,
      sentAt: performance.now(),
    };
    if (packed.breaks) this.#last = { ...input, packed };
    else this.#send(input, packed);
  }

  #dueOf(message: Message, changed: MutatedMessage): Due {
    // What is cut into lines is several messages, or none.
    if (this.#kind.linewise && changed.bytes.includes('\n')) return { kind: 'nothing' };
    return dueOf(message, changed, MAX_MESSAGE_BYTES);
  }

  #message(random: Random, step: number): Message {
    if (random.oneIn(40)) return initializeMessage(random, step);
    if (random.oneIn(2)) return modernMessage(random, step, this.#job.material);
    return legacyMessage(random, step, this.#material, this.#version);
  }

  #control(random: Random, step: number): Message {
    return random.oneIn(2) ? legacyEcho(step, this.#version) : modernEcho(random, step);
  }

  #initialize(): SentInput {
    const params = {
      protocolVersion: this.#version,
      capabilities: { sampling: {}, elicitation: {}, roots: {} },
    };
    const value = {
      jsonrpc: '2.0',
      id: 'begin',
      method: 'initialize',
      params: { ...params, clientInfo: FUZZ },
    };
    const bytes = Buffer.from(JSON.stringify(value));
    const due = { kind: 'own', id: '"begin"' } as const;
    return { step: -1, what: 'initialize', bytes, due, echoes: this.#version, sentAt: performance.now() };
  }

  #send(input: SentInput, packed: Packed = this.#channel.pack(input.bytes, undefined)): void {
    this.#ledger.sent(input);
    this.#channel.send(packed);
    this.#channel.send(this.#channel.pack(Ledger.barrierOf(input.step), undefined));
  }

  #settled({ input, answer, why, received }: Settled): void {
    if (input.step >= 0) this.#job.tally.add(answer, performance.now() - input.sentAt);
    if (why !== undefined) this.#fault(input.step, why, input.what, input.bytes, received);
  }

  #fault(step: number, why: string, what: string, sent: Buffer | undefined, received = ''): void {
    const receivedBytes = Buffer.from(received);
    this.#job.fault({ step, why, what, received: receivedBytes, ...(sent === undefined ? {} : { sent }) });
  }

  /** @param last - what came of the input that broke the transport, or of all that were left */
  #finish(last: string): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#last !== undefined && this.#doomedAt > 0) this.#job.tally.add(`transport: ${last}`, 0);
    this.#channel.close(this.#doomedAt === 0 && this.#next % 4 > 0);
    this.#onEnd(this);
  }
}

const FUZZ = { name: 'fuzz', version: '1' };
