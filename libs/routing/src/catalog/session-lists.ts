import type { UpstreamChannel } from '../upstream/channel.js';
import type { ListEntry } from './list-entry.js';
import type { ListKind } from './list-kind.js';

/** Fetches a list over a session's own channel. */
type FetchEntry = (
  server: string,
  kind: ListKind,
  channel: UpstreamChannel,
  generation: number,
) => Promise<ListEntry>;

interface Flight {
  readonly promise: Promise<ListEntry>;
  readonly generation: number;
}

interface ChannelLists {
  readonly entries: Map<ListKind, ListEntry>;
  readonly flights: Map<ListKind, Flight>;
}

/** The lists of legacy sessions that have a channel of their own; they go when the channel goes. */
export class SessionLists {
  readonly #fetch: FetchEntry;
  readonly #channels = new WeakMap<UpstreamChannel, ChannelLists>();

  constructor(fetch: FetchEntry) {
    this.#fetch = fetch;
  }

  known(channel: UpstreamChannel, kind: ListKind): ListEntry | undefined {
    return this.#channels.get(channel)?.entries.get(kind);
  }

  /** Fetches the list, or joins the fetch under way if it began after the last change. */
  load(server: string, kind: ListKind, channel: UpstreamChannel, generation: number): Promise<ListEntry> {
    const { entries, flights } = this.#listsOf(channel);
    const flying = flights.get(kind);
    if (flying?.generation === generation) return flying.promise;
    const promise = this.#fetch(server, kind, channel, generation).then(
      (entry) => {
        // Not when a change was announced meanwhile: then this flight is no longer the one that counts.
        if (flights.get(kind) === flight) {
          flights.delete(kind);
          entries.set(kind, entry);
        }
        return entry;
      },
      (error: unknown) => {
        if (flights.get(kind) === flight) flights.delete(kind);
        throw error;
      },
    );
    const flight: Flight = { promise, generation };
    flights.set(kind, flight);
    return promise;
  }

  /** The channel said that this list changed. */
  forget(channel: UpstreamChannel, kind: ListKind): void {
    const lists = this.#channels.get(channel);
    lists?.entries.delete(kind);
    lists?.flights.delete(kind);
  }

  #listsOf(channel: UpstreamChannel): ChannelLists {
    let lists = this.#channels.get(channel);
    if (lists === undefined) {
      lists = { entries: new Map(), flights: new Map() };
      this.#channels.set(channel, lists);
    }
    return lists;
  }
}
