import type { LatencySummary } from '../measure/latency.js';

/** What wrk sends, over and over. */
export interface WrkRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Session ids that the requests take in turn. */
  readonly sessions?: readonly string[];
}

/** What wrk reports at the end of a run. */
export interface WrkReport {
  readonly requests: number;
  readonly errors: number;
  readonly durationMs: number;
  readonly latency: LatencySummary;
  /** CPU time of wrk itself, in kernel ticks. */
  readonly cpuTicks: number;
}

const MARK = 'wrk-report ';

/**
 * The Lua script for a request. The bytes of each request are made once, before the run: wrk then costs a few
 * microseconds per request. Status codes other than 2xx are counted by wrk itself.
 */
export function wrkScript({ headers, body, sessions = [] }: WrkRequest): string {
  const common = Object.entries(headers).map(([name, value]) => `  [${lua(name)}] = ${lua(value)},`);
  return `wrk.method = "POST"
wrk.body = ${lua(body)}
wrk.headers = {
${common.join('\n')}
}
local sessions = { ${sessions.map(lua).join(', ')} }
local requests, turn = {}, 0

function init(args)
  if #sessions == 0 then requests[1] = wrk.format() end
  for i, id in ipairs(sessions) do
    wrk.headers["mcp-session-id"] = id
    requests[i] = wrk.format()
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local e = summary.errors
  local stat = io.open("/proc/self/stat"):read("*a"):gsub("^.*%) ", "")
  local fields = {}
  for field in stat:gmatch("%S+") do fields[#fields + 1] = field end
  io.write(string.format("\\n${MARK}%d %d %d %d %d %d %d %d %d\\n",
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency:percentile(99.9),
    latency.max, fields[12] + fields[13]))
end
`;
}

/**
 * Reads what the script printed at the end.
 *
 * @throws {Error} with wrk's output, when the script did not get that far
 */
export function parseWrkReport(output: string): WrkReport {
  const line = output.split('\n').find((each) => each.startsWith(MARK));
  const numbers = line?.slice(MARK.length).split(' ').map(Number) ?? [];
  if (numbers.length !== 9 || numbers.some(Number.isNaN)) throw new Error(`wrk did not report:\n${output}`);
  const at = (index: number): number => numbers[index] ?? Number.NaN;
  // wrk counts in microseconds.
  const ms = (index: number): number => at(index) / 1000;
  return {
    requests: at(0),
    errors: at(1),
    durationMs: ms(2),
    latency: { p50: ms(3), p95: ms(4), p99: ms(5), p999: ms(6), max: ms(7) },
    cpuTicks: at(8),
  };
}

/** A Lua string literal: everything but plain ASCII as decimal escapes of its bytes. */
function lua(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    return isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
  });
  return `"${bytes.join('')}"`;
}
