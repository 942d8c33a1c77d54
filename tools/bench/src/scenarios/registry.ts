import type { Scenario } from '../scenario.js';
import { limits } from './limits.js';
import { stdioCost } from './stdio-cost.js';

/** Every scenario, in the order of `--help`. */
export const scenarios: readonly Scenario[] = [limits, stdioCost];
