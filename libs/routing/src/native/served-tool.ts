import type { LoadedTool } from './load-tool.js';

/** One version of a tool as it is served: what was loaded, where workers load it from, and the limits in force. */
export interface ServedTool {
  readonly tool: LoadedTool;
  /** For the import in a worker. */
  readonly url: string;
  /** The module's text: a worker that loads it later than its file changed gets it from here. */
  readonly source: string;
  /** Of `source`. */
  readonly digest: string;
  readonly concurrency: number;
  readonly timeoutMs: number | undefined;
}
