import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface WatchFilesOptions {
  /** What to watch now; asked before every look, so that it may change. */
  readonly files: () => readonly string[];
  /** Called when a file was changed, replaced, added or removed, and nothing moves any more. */
  readonly onChange: () => void;
  /** Between two looks; default 1 s. */
  readonly intervalMs?: number;
  /** After a change, until a second look finds the same; default 200 ms. */
  readonly settleMs?: number;
}

const INTERVAL_MS = 1_000;
const SETTLE_MS = 200;

/**
 * Notices changed files by looking at what their names lead to. Notifications of the kernel would miss some: they
 * follow the file and not its name, which editors give to a new file and Kubernetes to another folder behind two
 * symbolic links, and network file systems send none. A look costs microseconds.
 *
 * @returns stop
 */
export function watchFiles(options: WatchFilesOptions): () => void {
  const { files, onChange, intervalMs = INTERVAL_MS, settleMs = SETTLE_MS } = options;
  let known = files().map(signatureNow).join('\n');
  let moving: string | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const lookIn = (delayMs: number): void => {
    timer = setTimeout(() => void look(), delayMs);
    timer.unref();
  };
  const look = async (): Promise<void> => {
    const seen = (await Promise.all(files().map(signature))).join('\n');
    if (stopped) return;
    const settled = seen === moving;
    moving = seen === known || settled ? undefined : seen;
    if (settled) {
      known = seen;
      onChange();
    }
    lookIn(moving === undefined ? intervalMs : settleMs);
  };
  lookIn(intervalMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function signatureNow(file: string): string {
  return describe(file, statSync(file, { bigint: true, throwIfNoEntry: false }));
}

async function signature(file: string): Promise<string> {
  return describe(file, await stat(file, { bigint: true }).catch(() => undefined));
}

function describe(file: string, found: BigIntStats | undefined): string {
  if (found === undefined) return file;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return [file, dev, ino, size, mtimeNs, ctimeNs].join('\0');
}
