import { type DestinationStream, type Logger, destination, pino, stdSerializers } from 'pino';
import type { LogConfig } from './config/schema.js';
import { watchTerminal } from './watch-terminal.js';

export type { Logger } from 'pino';

/** Most log text waiting for a slow reader of stderr; further lines are dropped and counted, never awaited. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const FLUSH_TIMEOUT_MS = 1_000;

/** Shorter values would blank out half of every line. */
const MIN_SECRET_CHARACTERS = 8;

/** Field names whose values never reach the log, at the top and one and two levels down. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'cookie',
  'apiKey',
  'api_key',
  'key',
  'token',
  'secret',
  'password',
  'headers',
  'env',
];

export interface LoggerOptions {
  /** Name of the service in every line. */
  readonly name: string;
  readonly level: LogConfig['level'];
  /** Values to blank out wherever they appear in a line; shorter than 8 characters are ignored. May grow. */
  readonly secrets?: ReadonlySet<string>;
  /** Where lines go; standard error by default. */
  readonly destination?: DestinationStream;
}

/**
 * Makes the logger of a process: one JSON object a line on standard error, because the standard output of
 * `mcp-bridge` belongs to what the user asked for. Never blocks: when nobody reads standard error, lines are
 * dropped past 4 MiB.
 */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[redacted]',
      },
      ...(options.secrets !== undefined && { hooks: { streamWrite: blankOut(options.secrets) } }),
    },
    options.destination ?? standardError(),
  );
}

/** Waits until everything logged so far is written, at most a second: what is in flight at exit may be lost. */
export function flushLog(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
    log.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function blankOut(secrets: ReadonlySet<string>): (line: string) => string {
  let known = 0;
  let texts: readonly string[] = [];
  return (line) => {
    if (known !== secrets.size) {
      known = secrets.size;
      texts = [...secrets].filter((secret) => secret.length >= MIN_SECRET_CHARACTERS).map(jsonText);
    }
    return texts.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), line);
  };
}

/** How a string appears inside a JSON line. */
function jsonText(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

let sharedStandardError: DestinationStream | undefined;

/** One stream for all loggers of the process: they must not interleave half lines. */
function standardError(): DestinationStream {
  sharedStandardError ??= openStandardError();
  return sharedStandardError;
}

function openStandardError(): DestinationStream {
  const stream = destination({ dest: 2, sync: false, maxLength: MAX_WAITING_BYTES });
  // A closed terminal or pipe must not end the process.
  stream.on('error', () => undefined);
  const terminal = watchTerminal([2]);
  // Before pino's own listener, which would try to write to a terminal that is gone for ever.
  process.prependOnceListener('exit', () => {
    try {
      if (terminal.isGone()) stream.destroy();
      else stream.flushSync();
    } catch {
      // Nobody reads any more.
    }
  });
  return stream;
}
