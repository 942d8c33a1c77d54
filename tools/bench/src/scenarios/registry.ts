import type { Scenario } from '../scenario.js';
import { gateway } from './gateway.js';
import { generators } from './generators.js';
import { httpCost } from './http-cost.js';
import { limits } from './limits.js';
import { routerApi } from './router-api.js';
import { transports } from './transports.js';
import { stdioCost } from './stdio-cost.js';

/** Every scenario, in the order of `--help`. */
export const scenarios: readonly Scenario[] = [
  limits,
  generators,
  gateway,
  transports,
  stdioCost,
  httpCost,
  routerApi,
];
