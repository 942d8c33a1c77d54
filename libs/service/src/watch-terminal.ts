import { isatty } from 'node:tty';

const STANDARD_STREAMS = [0, 1, 2];

/** The terminal that the process was started in. */
export interface Terminal {
  /** There was one, and it is gone: closing a window sends SIGHUP, as operators do who want a reload. */
  isGone(): boolean;
}

/** Remembers whether there is a terminal. A standard stream is none any more once its terminal has hung up. */
export function watchTerminal(streams: readonly number[] = STANDARD_STREAMS): Terminal {
  const there = streams.filter((stream) => isatty(stream));
  return { isGone: () => there.length > 0 && !there.some((stream) => isatty(stream)) };
}
