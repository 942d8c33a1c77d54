import type { Scenario } from '../scenario.js';
import { limits } from './limits.js';

/** Every scenario, in the order of `--help`. */
export const scenarios: readonly Scenario[] = [limits];
