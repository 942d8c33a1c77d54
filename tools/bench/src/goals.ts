/** What a figure should reach. */
export interface Goal {
  /** As in the performance budget; a goal of several parts has one entry for each. */
  readonly id: string;
  readonly what: string;
  readonly goal: number;
  readonly direction: 'at least' | 'at most';
  readonly unit: string;
}

export interface GoalResult extends Goal {
  readonly value: number;
  readonly met: boolean;
}

/** Every goal that a scenario measures. */
export const goals = {
  cachedList: {
    id: 'P1',
    what: 'cached tools/list, slower era: throughput against raw uWS with a fixed reply',
    goal: 0.7,
    direction: 'at least',
    unit: 'ratio',
  },
  stdioCall: {
    id: 'P3',
    what: 'tools/call to a stdio server: CPU per request against the best peer',
    goal: 1 / 10,
    direction: 'at most',
    unit: 'ratio',
  },
  stdioCallFirstStep: {
    id: 'P3 (first step)',
    what: 'tools/call to a stdio server: CPU per request against supergateway',
    goal: 1 / 4,
    direction: 'at most',
    unit: 'ratio',
  },
  httpCall: {
    id: 'P4',
    what: 'tools/call to an HTTP server: CPU per request against the best npm peer',
    goal: 1 / 8,
    direction: 'at most',
    unit: 'ratio',
  },
  httpKept: {
    id: 'P4',
    what: 'tools/call to an HTTP server: throughput kept of calling it directly',
    goal: 0.4,
    direction: 'at least',
    unit: 'ratio',
  },
} as const satisfies Record<string, Goal>;

/** Holds a measured value against its goal. A value that could not be measured meets none. */
export function judge(name: keyof typeof goals, value: number): GoalResult {
  const goal: Goal = goals[name];
  return { ...goal, value, met: goal.direction === 'at least' ? value >= goal.goal : value <= goal.goal };
}
