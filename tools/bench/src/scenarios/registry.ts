import type { Scenario } from '../scenario.js';
import { baseline } from './baseline.js';
import { connections } from './connections.js';
import { endurance } from './endurance.js';
import { gateway } from './gateway.js';
import { generators } from './generators.js';
import { httpCost } from './http-cost.js';
import { latency } from './latency.js';
import { limits } from './limits.js';
import { nativeTools } from './native-tools.js';
import { payloads } from './payloads.js';
import { peers } from './peers.js';
import { routerApi } from './router-api.js';
import { serialization } from './serialization.js';
import { services } from './services.js';
import { spike } from './spike.js';
import { stdioCost } from './stdio-cost.js';
import { sustained } from './sustained.js';
import { tools } from './tools.js';
import { transports } from './transports.js';

/** Every scenario, in the order of `--help`. */
export const scenarios: readonly Scenario[] = [
  limits,
  generators,
  gateway,
  transports,
  peers,
  stdioCost,
  httpCost,
  latency,
  payloads,
  connections,
  services,
  serialization,
  tools,
  nativeTools,
  routerApi,
  baseline,
  sustained,
  spike,
  endurance,
];
