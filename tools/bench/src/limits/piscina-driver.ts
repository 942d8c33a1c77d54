import { Piscina } from 'piscina';
import type { LoadConnection } from '../load/connection.js';

/** Tiny tasks on a pool of one thread, as many at once as there are connections. */
export interface PiscinaSpec {
  readonly kind: 'piscina';
  readonly connections: number;
}

/** Plain JavaScript: a worker thread does not inherit the loader that runs this file. */
const TASK = new URL('piscina-task.mjs', import.meta.url).href;
const IN_FLIGHT_PER_THREAD = 16;

let pool: Piscina | undefined;

export function openPiscina(): LoadConnection {
  pool ??= new Piscina({
    filename: TASK,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: IN_FLIGHT_PER_THREAD,
    execArgv: [],
  });
  const { run, destroy } = { run: pool.run.bind(pool), destroy: pool.destroy.bind(pool) };
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send: () =>
      void run({ text: 'hello' }).then(
        (reply) => connection.onReply(reply === 'hello'),
        () => connection.onReply(false),
      ),
    close: () => void destroy(),
  };
  return connection;
}
