import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Random } from '../../random.js';
import type { FuzzJob } from '../../run/fuzz-job.js';
import { BRIDGE_COMMAND } from '../../target/target.js';
import type { ChannelKind, ChannelListener, FuzzChannel, Packed } from '../channel/fuzz-channel.js';
import { PieceWriter } from '../channel/piece-writer.js';
import { LineReader, packLine } from '../tcp/line-channel.js';

/** A process whose client has ended its side must be gone within this. */
const EXIT_MS = 15_000;
/** More than this at the end of a block has leaked. */
const MAX_RSS_BYTES = 400 * 1024 * 1024;
/** Below what the bridge takes: a longer message would cost a relay its connection, and all that is on it. */
const RELAYED_BYTES = 100 * 1024;

/** MCP over the standard streams of `mcp-bridge stdio`: with all in that process, or relayed to the target. */
export function standardStreams(job: FuzzJob, relays: boolean): ChannelKind {
  const { url, configFile } = job.target;
  const args = relays ? ['--connect', url] : ['-c', configFile];
  return {
    concurrency: 2,
    // The process has to start first, on a machine that may have much to do.
    slackMs: 40_000,
    blockSteps: 10_000,
    linewise: true,
    // A relay refuses by itself what is no message, before the bridge has answered what came earlier.
    window: relays ? 1 : 8,
    ...(relays ? { oversizeBytes: RELAYED_BYTES } : {}),
    connect: (_random, listener) => new StdioChannel(job, args, listener),
  };
}

class StdioChannel implements FuzzChannel {
  readonly #job: FuzzJob;
  readonly #listener: ChannelListener;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #writer: PieceWriter;
  #ending = false;

  constructor(job: FuzzJob, args: readonly string[], listener: ChannelListener) {
    this.#job = job;
    this.#listener = listener;
    this.#child = spawn(process.execPath, [BRIDGE_COMMAND, 'stdio', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const lines = new LineReader(listener);
    this.#writer = new PieceWriter(this.#child.stdin);
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (bytes: Buffer) => lines.push(bytes));
    let log = '';
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const said = (log + text).split('\n');
      log = said.pop() ?? '';
      for (const line of said) job.target.log.line(line);
    });
    this.#child.once('exit', (code, signal) => {
      if (!this.#ending) listener.onClosed(`the process exited with ${code ?? signal}: ${log}`);
    });
    // What is written before it reads waits in the pipe.
    setImmediate(() => listener.onOpen());
  }

  pack(message: Buffer, random: Random | undefined): Packed {
    return packLine(message, random);
  }

  send({ pieces }: Packed): void {
    this.#writer.write(pieces);
  }

  /** Ends the client's side, upon which the process must end by itself. */
  close(): void {
    this.#ending = true;
    const rss = residentBytes(this.#child.pid ?? 0);
    this.#job.tally.figure('most RSS of a stdio process at its end, MiB', Math.round(rss / 1024 / 1024));
    if (rss > MAX_RSS_BYTES) this.#listener.onFault(`the stdio process has ${rss} bytes resident`);
    this.#job.waitFor(
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          this.#fault(`the stdio process has not ended ${EXIT_MS} ms after its input`);
          this.#child.kill('SIGKILL');
        }, EXIT_MS);
        this.#child.once('exit', (code, signal) => {
          clearTimeout(timer);
          if (code !== 0 && signal !== 'SIGKILL')
            this.#fault(`the stdio process ended with ${code ?? signal}`);
          resolve();
        });
        this.#child.stdin.end();
      }),
    );
  }

  #fault(why: string): void {
    this.#job.fault({ step: this.#job.tally.done, why, what: 'the end of input' });
  }
}

/** 0 when the process is gone. */
function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096;
  } catch {
    return 0;
  }
}
