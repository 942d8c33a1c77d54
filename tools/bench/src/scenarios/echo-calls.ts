import { startGenerator } from '../load/generator-load.js';
import type { Subject } from '../measure/compare.js';
import type { Resources } from '../resources.js';
import type { Target } from '../targets/target.js';

/** Clients at once, each with a connection and a session of its own. */
const CLIENTS = 32;
/** The last revision that every peer speaks. */
const SESSION = '2025-11-25';

/** 32 clients that call the echo tool, one call after the other. */
export async function echoCalls(
  resources: Resources,
  name: string,
  target: Pick<Target, 'url' | 'echoTool' | 'processes'>,
): Promise<Subject> {
  const load = await startGenerator({
    kind: 'http',
    url: target.url,
    connections: CLIENTS,
    session: SESSION,
    method: 'tools/call',
    params: { name: target.echoTool, arguments: { text: 'hello' } },
  });
  return { name, processes: target.processes, load: resources.add(load) };
}
