import type { Readable } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import type { CounterChild } from '@mcp-bridge/metrics';
import type { Logger } from 'pino';
import { TokenBucket } from '../token-bucket.js';

const LINES_PER_SECOND = 100;
const BYTES_PER_SECOND = 16 * 1024;
const MAX_LINE_BYTES = 2 * 1024;
const NEWLINE = 0x0a;

/**
 * Copies a server's stderr into the log, at most 100 lines and 16 KiB a second; the rest is read and dropped, so
 * that a server which floods stderr neither blocks nor fills our memory. What was dropped is said in the log.
 * Writing to stderr is no sign of an error (2025-11-25 basic/transports, "stdio").
 */
export function pipeStderrToLog(
  stderr: Readable,
  log: Logger,
  now: () => number,
  dropped?: Pick<CounterChild, 'inc'>,
): void {
  const lines = new TokenBucket(LINES_PER_SECOND, now);
  const bytes = new TokenBucket(BYTES_PER_SECOND, now);
  let partial = '';
  let droppedBytes = 0;

  const drop = (size: number): void => {
    droppedBytes += size;
    dropped?.inc(size);
  };
  const emit = (text: string): void => {
    if (text.trim() === '') return;
    if (!lines.take(1)) {
      drop(text.length);
      return;
    }
    if (droppedBytes > 0) {
      log.warn({ droppedBytes }, 'the server wrote more to stderr than the log takes');
      droppedBytes = 0;
    }
    log.info({ stderr: text }, 'server stderr');
  };

  stderr.on('data', (chunk: Buffer) => {
    let start = 0;
    while (start < chunk.length) {
      const end = chunk.indexOf(NEWLINE, start);
      const stop = end < 0 ? chunk.length : end;
      const size = Math.min(stop - start, MAX_LINE_BYTES - partial.length);
      if (!bytes.take(Math.max(size, 1))) {
        // Over budget: not even scanned, so that a flood costs little more than reading it.
        drop(chunk.length - start);
        partial = '';
        freeNow(chunk);
        return;
      }
      if (size > 0) partial += chunk.toString('utf8', start, start + size);
      if (end < 0) return;
      emit(partial);
      partial = '';
      start = end + 1;
    }
  });
  stderr.on('end', () => {
    emit(partial);
    if (droppedBytes > 0) log.warn({ droppedBytes }, 'the server wrote more to stderr than the log takes');
  });
  // The pipe of a killed process may break; its exit is reported elsewhere.
  stderr.on('error', () => undefined);
}

const { port1: nowhere } = new MessageChannel();
nowhere.close();

/**
 * Frees a chunk that was read from a stream. Left to the garbage collector, which sees a small object and not the
 * 64 KiB outside of its heap, the chunks of a flood add up to 70 MiB; transferred to a closed port they are gone at
 * once, and reading costs half. Nobody may hold a view of the chunk.
 */
function freeNow(chunk: Buffer): void {
  // A part of a larger buffer has other owners.
  if (chunk.length < chunk.buffer.byteLength) return;
  // The buffer of a chunk that a stream read is never shared memory, which could not be transferred.
  nowhere.postMessage(null, [chunk.buffer as ArrayBuffer]);
}
