import { revision as v20241105 } from './2024-11-05/revision.js';
import { revision as v20250326 } from './2025-03-26/revision.js';
import { revision as v20250618 } from './2025-06-18/revision.js';
import { revision as v20251125 } from './2025-11-25/revision.js';
import { revision as v20260728 } from './2026-07-28/revision.js';
import type { Revision } from './revision.js';

const REVISIONS: readonly Revision[] = [v20260728, v20251125, v20250618, v20250326, v20241105];
const BY_VERSION: ReadonlyMap<string, Revision> = new Map(REVISIONS.map((one) => [one.version, one]));

function versionsOf(era: Revision['era']): readonly string[] {
  return REVISIONS.filter((one) => one.era === era).map((one) => one.version);
}

/** Every revision that the bridge speaks, newest first. */
export const SUPPORTED_VERSIONS: readonly string[] = REVISIONS.map((one) => one.version);
/** The revisions that begin with `initialize`, newest first. */
export const LEGACY_VERSIONS: readonly string[] = versionsOf('legacy');
/** The revisions that carry their version in every request, newest first. */
export const MODERN_VERSIONS: readonly string[] = versionsOf('modern');
export const LATEST_LEGACY_VERSION: string = v20251125.version;
export const LATEST_MODERN_VERSION: string = v20260728.version;
/** What a legacy HTTP request without `MCP-Protocol-Version` speaks (2025-06-18 basic/transports). */
export const ASSUMED_LEGACY_VERSION: string = v20250326.version;

/** The revision of that version; undefined when the bridge does not speak it. */
export function revisionOf(version: string): Revision | undefined {
  return BY_VERSION.get(version);
}

/** The version to answer an `initialize` with: the requested one if it is a legacy version, else the newest. */
export function negotiateLegacyVersion(requested: string | undefined): string {
  if (requested !== undefined && LEGACY_VERSIONS.includes(requested)) return requested;
  return LATEST_LEGACY_VERSION;
}

/** Whether complete results of this method carry `ttlMs` and `cacheScope` towards modern clients. */
export function isCacheable(method: string): boolean {
  return v20260728.methods.cacheable.has(method);
}

/** Whether this method may be answered with `resultType: "input_required"`. */
export function mayRequireInput(method: string): boolean {
  return v20260728.methods.inputRequired.has(method);
}
