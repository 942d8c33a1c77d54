// node --expose-gc --import 'collect-on-signal.mjs?folder=…': on SIGUSR2 the process collects its garbage and writes
// what memory is left to <folder>/<pid>.json. What a process keeps can be told from what it has not yet given back.
import { renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const folder = new URL(import.meta.url).searchParams.get('folder');

// Worker threads inherit the flag; they have no signals.
if (isMainThread)
  process.on('SIGUSR2', () => {
    globalThis.gc();
    // What finalizers let go in the first turn is free in the second.
    setImmediate(() => {
      globalThis.gc();
      const file = `${folder}/${process.pid}.json`;
      writeFileSync(`${file}.part`, JSON.stringify(process.memoryUsage()));
      renameSync(`${file}.part`, file);
    });
  });
