import { eraOf, type RunPlan } from './options.js';
import type { ScenarioResult } from './suite-results.js';

interface Impossible {
  readonly scenario: RegExp;
  /** The only checks that may fail; any other failure of the scenario counts. All of them when absent. */
  readonly checks?: readonly string[];
  readonly applies: (plan: RunPlan) => boolean;
  readonly reason: string;
}

const modernClientLegacyServer = ({ leg, revision, era }: RunPlan): boolean =>
  leg === 'server' && eraOf(revision) === 'modern' && era === 'legacy';
const legacyClientModernServer = ({ leg, revision, era }: RunPlan): boolean =>
  leg === 'client' && eraOf(revision) === 'modern' && era === 'legacy';

const withoutHeaders = ({ transport }: RunPlan): boolean => transport !== 'http';
const NO_HEADERS =
  'about headers of HTTP that mirror the body; on a message transport there is only the body';

/** Scenarios that need something which one side of a pair, or the transport, does not have. */
const IMPOSSIBLE: readonly Impossible[] = [
  {
    scenario: /^tasks-/,
    applies: modernClientLegacyServer,
    reason: 'a server of before 2026-07-28 has no tasks extension',
  },
  {
    scenario: /^input-required-result-basic-elicitation$/,
    checks: ['sep-2322-elicitation-incomplete'],
    applies: modernClientLegacyServer,
    reason:
      'the suite wants the input request to be called "user_name"; a server of before 2026-07-28 numbers its requests ' +
      'and gives them no names. The other input scenarios take any name and pass',
  },
  {
    scenario: /^request-metadata$/,
    checks: ['sep-2575-http-client-sends-version-header', 'sep-2575-client-populates-meta'],
    applies: legacyClientModernServer,
    reason:
      'for its legacy client the bridge asks once, by initialize, whether the server speaks that era too; the scenario ' +
      'holds that request to the rules of 2026-07-28. What it sends as a modern client passes',
  },
  {
    scenario: /^server-stateless$/,
    checks: ['sep-2575-http-server-header-mismatch-400'],
    applies: withoutHeaders,
    reason: NO_HEADERS,
  },
  {
    scenario: /^tasks-request-headers$/,
    checks: [
      'tasks-headers-reject-mismatched-method',
      'sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get',
    ],
    applies: withoutHeaders,
    reason: NO_HEADERS,
  },
  {
    scenario: /^http-header-validation$/,
    checks: ['sep-2243-server-reject-invalid-headers'],
    applies: withoutHeaders,
    reason: NO_HEADERS,
  },
  {
    scenario: /^http-custom-header-server-validation$/,
    checks: [
      'sep-2243-server-reject-invalid-param-chars',
      'sep-2243-server-reject-param-mismatch',
      'sep-2243-server-validate-param-match',
    ],
    applies: withoutHeaders,
    reason: NO_HEADERS,
  },
  {
    scenario: /^dns-rebinding-protection$/,
    checks: ['localhost-host-rebinding-rejected'],
    // A WebSocket upgrade has both headers, and the scenario passes.
    applies: ({ transport }) => transport.startsWith('tcp'),
    reason:
      'about Host and Origin, which a TCP connection does not have; a web page cannot speak to that port, because the ' +
      'first bytes of HTTP are refused',
  },
];

/** Arrangements for which there is no row in the table of these plans, with the reason. */
export function missingPlans(plans: readonly RunPlan[]): readonly string[] {
  const has = (transport: RunPlan['transport']): boolean =>
    plans.some((plan) => plan.transport === transport);
  return [
    ...(has('sse') ? ['2026-07-28 over sse: that transport ended before there were stateless requests'] : []),
    ...(has('sse') && has('websocket')
      ? ['stdio towards clients: a process for each client; apps/bridge drives it with both SDKs instead']
      : []),
  ];
}

/** Why what failed in this scenario cannot pass for this pair; `undefined` when it can. */
export function impossibleReason(plan: RunPlan, { name, failures }: ScenarioResult): string | undefined {
  if (plan.topology === 'direct') return undefined;
  return IMPOSSIBLE.find(
    ({ scenario, checks, applies }) =>
      scenario.test(name) &&
      applies(plan) &&
      failures.every(({ check }) => checks === undefined || checks.includes(check)),
  )?.reason;
}
