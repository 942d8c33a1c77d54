import type { LoadedTool } from './load-tool.js';

/** A tool as it is served: what was loaded, where workers load it from, and the limits in force. */
export interface ServedTool {
  readonly tool: LoadedTool;
  /** For the import in a worker. */
  readonly url: string;
  readonly concurrency: number;
  readonly timeoutMs: number | undefined;
}
