import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { ToolConfig } from '@mcp-bridge/service';
import { loadTool, messageOf } from './load-tool.js';
import type { ServedTool } from './served-tool.js';
import { digestOf } from './source-digest.js';
import { findToolFiles } from './tool-files.js';
import type { ToolFile } from './tool-files.js';
import { ToolFaultError } from './tool-fault.js';
import type { ToolFault } from './tool-fault.js';

/** What is served after a look at the files. */
export interface LoadedTools {
  readonly served: readonly ServedTool[];
  readonly faults: readonly ToolFault[];
}

/**
 * Loads the modules of native tools, and those that changed anew. A file whose new version cannot be served is a
 * fault; what it held before stays in force.
 */
export class ToolLoader {
  readonly #timeoutMs: number;
  #byFile: ReadonlyMap<string, ServedTool> = new Map();
  #versions = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** One load at a time. */
  async load(entries: readonly ToolConfig[]): Promise<LoadedTools> {
    const { files, faults } = findToolFiles(entries);
    const outcomes = await Promise.allSettled(files.map((file) => this.#loadFile(file)));
    const byFile = new Map<string, ServedTool>();
    const names = new Set<string>();
    outcomes.forEach((outcome, index) => {
      const file = files[index]?.file ?? '';
      const before = this.#byFile.get(file);
      const loaded = outcome.status === 'fulfilled' ? outcome.value : undefined;
      const served = [loaded, before].find((each) => each !== undefined && !names.has(each.tool.name));
      if (loaded === undefined || served !== loaded) {
        const error: unknown = outcome.status === 'rejected' ? outcome.reason : duplicate(loaded);
        faults.push(faultOf(file, error, served !== undefined));
      }
      if (served === undefined) return;
      names.add(served.tool.name);
      byFile.set(file, served);
    });
    this.#byFile = byFile;
    return { served: [...byFile.values()], faults };
  }

  async #loadFile({ file, overrides }: ToolFile): Promise<ServedTool> {
    const source = await readFile(file, 'utf8');
    const digest = digestOf(source);
    const before = this.#byFile.get(file);
    const limits = { concurrency: overrides.concurrency, timeoutMs: overrides.timeoutMs };
    if (before?.digest === digest) return withLimits(before, limits);
    this.#versions += 1;
    // Node imports a URL once; the query makes it another one.
    const url = `${pathToFileURL(file).href}?version=${this.#versions}`;
    const tool = await loadTool(url, this.#timeoutMs);
    return withLimits({ tool, url, source, digest, concurrency: Infinity, timeoutMs: undefined }, limits);
  }
}

/** The operator's word over the module's own; the same object where that changes nothing. */
function withLimits(
  served: ServedTool,
  limits: { readonly concurrency: number | undefined; readonly timeoutMs: number | undefined },
): ServedTool {
  const { definition } = served.tool;
  const concurrency = limits.concurrency ?? definition.concurrency ?? Infinity;
  const timeoutMs = limits.timeoutMs ?? definition.timeoutMs;
  const same = served.concurrency === concurrency && served.timeoutMs === timeoutMs;
  return same ? served : { ...served, concurrency, timeoutMs };
}

function duplicate(tool: ServedTool | undefined): ToolFaultError {
  const reason = `another file has a tool "${tool?.tool.name ?? ''}" already; rename one`;
  return new ToolFaultError('DUPLICATE_NAME', reason);
}

function faultOf(source: string, error: unknown, kept: boolean): ToolFault {
  const code = error instanceof ToolFaultError ? error.code : 'LOAD_FAILED';
  const reason = kept ? `${messageOf(error)}; the version before it stays in force` : messageOf(error);
  return { source, code, reason };
}
