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
  nativeCall: {
    id: 'P2',
    what: 'tools/call of a trivial native tool, two processes, by key: throughput against raw uWS with a JSON reply',
    goal: 0.5,
    direction: 'at least',
    unit: 'ratio',
  },
  webSocket: {
    id: 'P5',
    what: 'ping over WebSocket: throughput against raw uWS echo, same client',
    goal: 0.6,
    direction: 'at least',
    unit: 'ratio',
  },
  tcp: {
    id: 'P5',
    what: 'ping over binary TCP against WebSocket: messages per gateway CPU-second, one in flight',
    goal: 1.33,
    direction: 'at least',
    unit: 'ratio',
  },
  tcpInFlight: {
    id: 'P5',
    what: 'ping over binary TCP against WebSocket: messages per gateway CPU-second, 16 in flight on each connection',
    goal: 1.33,
    direction: 'at least',
    unit: 'ratio',
  },
  idleWebSocket: {
    id: 'P6',
    what: 'memory of an idle WebSocket, all gateway processes',
    goal: 4,
    direction: 'at most',
    unit: 'KiB',
  },
  idleSession: {
    id: 'P6',
    what: 'memory of an idle 2025-11-25 session, gateway and router',
    goal: 1,
    direction: 'at most',
    unit: 'KiB',
  },
  manyConnections: {
    id: 'P6',
    what: 'resident memory of all gateway processes with 50 000 connections',
    goal: 600,
    direction: 'at most',
    unit: 'MiB',
  },
  payloadCpu: {
    id: 'P7',
    what: 'CPU of gateway and router per MB of result',
    goal: 4,
    direction: 'at most',
    unit: 'ms/MB',
  },
  payloadFlat: {
    id: 'P7',
    what: 'CPU of gateway and router per call, result of 16 KB against 256 B',
    goal: 1.25,
    direction: 'at most',
    unit: 'ratio',
  },
  routerApi: {
    id: 'gRPC API',
    what: 'unary Call of a trivial native tool: CPU of the router against a bare grpc-js echo',
    goal: 1.3,
    direction: 'at most',
    unit: 'ratio',
  },
  addedMedian: {
    id: 'P8',
    what: 'half of saturation: added p50',
    goal: 0.5,
    direction: 'at most',
    unit: 'ms',
  },
  addedTail: {
    id: 'P8',
    what: 'half of saturation: added p99, as share of twice the raw server’s p99 and 1 ms',
    goal: 1,
    direction: 'at most',
    unit: 'ratio',
  },
  memorySlope: {
    id: 'P10',
    what: 'steady load: growth of resident memory, all processes, after warm-up',
    goal: 1,
    direction: 'at most',
    unit: 'MiB/h',
  },
  tailDrift: {
    id: 'P10',
    what: 'steady load: p99 of the last third against the first',
    goal: 1.05,
    direction: 'at most',
    unit: 'ratio',
  },
  coalescing: {
    id: 'native tools',
    what: 'bulk tool, 64 callers: throughput coalesced against one by one',
    goal: 10,
    direction: 'at least',
    unit: 'ratio',
  },
  loneCall: {
    id: 'native tools',
    what: 'lone call of a bulk tool: p50 against the tool without batching',
    goal: 1.05,
    direction: 'at most',
    unit: 'ratio',
  },
  besideSaturatedPool: {
    id: 'native tools',
    what: 'inline tool: p99 beside a pool saturated by a CPU-bound tool against idle',
    goal: 1.5,
    direction: 'at most',
    unit: 'ratio',
  },
  generatorThroughput: {
    id: 'generators',
    what: 'own generator against wrk and h2load, known pace, known times: throughput apart',
    goal: 0.15,
    direction: 'at most',
    unit: 'ratio',
  },
  generatorPercentiles: {
    id: 'generators',
    what: 'own generator against wrk, h2load and the known times: p50, p95, p99 apart',
    goal: 0.15,
    direction: 'at most',
    unit: 'ratio',
  },
  generatorSaturation: {
    id: 'generators',
    what: 'own generator on a server that is too fast for it: share of its own limit that it reports',
    goal: 0.9,
    direction: 'at least',
    unit: 'ratio',
  },
} as const satisfies Record<string, Goal>;

/** Holds a measured value against its goal. A value that could not be measured meets none. */
export function judge(name: keyof typeof goals, value: number): GoalResult {
  const goal: Goal = goals[name];
  return { ...goal, value, met: goal.direction === 'at least' ? value >= goal.goal : value <= goal.goal };
}
