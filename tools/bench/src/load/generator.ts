// The load generator's process: opens the connections of a load, then runs it as often as it is told.
import type { GeneratorOrder, GeneratorReport } from './generator-load.js';
import { runLoad } from './run-load.js';
import type { LoadConnection } from './connection.js';
import { openConnection } from './drivers.js';

/** Opened together; more at once can overrun a server's accept queue. */
const OPENED_AT_ONCE = 64;

let connections: LoadConnection[] = [];

async function obey(order: GeneratorOrder): Promise<GeneratorReport> {
  if (order.order === 'prepare') {
    for (let from = 0; from < connections.length; from += OPENED_AT_ONCE)
      await Promise.all(
        connections.slice(from, from + OPENED_AT_ONCE).map((connection) => connection.prepare?.()),
      );
    return { opened: connections.length };
  }
  if (order.order === 'run') return { sample: await runLoad(connections, order.durationMs, order.options) };
  const { spec } = order;
  while (connections.length < spec.connections) {
    const missing = Math.min(OPENED_AT_ONCE, spec.connections - connections.length);
    connections = connections.concat(
      await Promise.all(Array.from({ length: missing }, () => openConnection(spec))),
    );
  }
  return { opened: connections.length };
}

function report(message: GeneratorReport): void {
  process.send?.(message);
}

process.on('message', (order: GeneratorOrder) => {
  obey(order).then(report, (error: unknown) =>
    report({ failed: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
