import type { MeteredProcess } from '../measure/process-meter.js';

/** A running MCP endpoint over HTTP that a scenario puts load on. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  /** Name of the echo tool as clients see it. */
  readonly echoTool: string;
  readonly processes: readonly MeteredProcess[];
}

/** What stands behind a bridge or a peer. */
export type Upstream =
  { readonly command: string; readonly args: readonly string[] } | { readonly url: string };
