import { availableParallelism } from 'node:os';
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Metrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import type { ToolConfig, WorkersConfig } from '@mcp-bridge/service';
import type { Logger } from 'pino';
import type { UpstreamRequest, UpstreamSink } from '../upstream/channel.js';
import { CallCoalescer } from './call-coalescer.js';
import type { BatchMeter } from './call-coalescer.js';
import { JobScheduler } from './job-scheduler.js';
import { NativeCall } from './native-call.js';
import { NativeJob } from './native-job.js';
import { runInline } from './run-inline.js';
import type { ServedTool } from './served-tool.js';
import type { ToolFault } from './tool-fault.js';
import { ToolLoader } from './tool-loader.js';
import { WorkerPool } from './worker-pool.js';

export interface NativeToolsOptions {
  readonly workers: WorkersConfig;
  readonly log: Logger;
  readonly metrics?: Metrics;
}

interface Entry {
  readonly served: ServedTool;
  readonly scheduler: JobScheduler;
  readonly coalescer: CallCoalescer | undefined;
}

const MAX_THREADS = 8;
const IDLE_LOOK_MS = 25;

/** The tools that the router runs itself: loads their modules, and brings each call to the event loop or a worker. */
export class NativeTools {
  readonly #options: NativeToolsOptions;
  readonly #loader: ToolLoader;
  #entries: ReadonlyMap<string, Entry> = new Map();
  readonly #threads: number;
  readonly #inline: JobScheduler;
  readonly #queued: JobScheduler;
  readonly #callIds = `${randomBytes(6).toString('base64url')}-`;
  #pool: WorkerPool | undefined;
  #faults: readonly ToolFault[] = [];
  #calls = 0;
  #inFlight = 0;

  constructor(options: NativeToolsOptions) {
    this.#options = options;
    this.#loader = new ToolLoader(options.workers.loadTimeout);
    const { threads = Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1)), maxQueue } =
      options.workers;
    this.#threads = threads;
    const limitOf = (tool: string): number => this.#entries.get(tool)?.served.concurrency ?? Infinity;
    this.#inline = new JobScheduler({ slots: Infinity, maxQueue, start: runInline }, limitOf);
    this.#queued = new JobScheduler(
      { slots: threads, maxQueue, start: (job, done) => this.#workers().run(job, done) },
      limitOf,
    );
    const pool = options.workers.name;
    options.metrics?.workerPoolUtilization.track({ pool }, () => this.#queued.running / threads);
    options.metrics?.queueDepth.track({ queue: pool }, () => this.#queued.waiting + this.#inline.waiting);
  }

  get faults(): readonly ToolFault[] {
    return this.#faults;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** For `/debug/state`. */
  status(): Record<string, unknown> {
    return {
      served: [...this.#entries.keys()],
      faults: this.#faults,
      threads: this.#threads,
      ready: this.#pool?.ready ?? 0,
      running: this.#queued.running,
      waiting: this.#queued.waiting + this.#inline.waiting,
    };
  }

  /**
   * Serves these tools from now on, each in the version that its file has now; one that cannot be served is a fault,
   * and the others are served. Calls that came before end in the version that they found. One load at a time.
   */
  async load(tools: readonly ToolConfig[]): Promise<void> {
    const { served, faults } = await this.#loader.load(tools);
    this.#faults = faults;
    this.#entries = new Map(served.map((each) => [each.tool.name, this.#entryFor(each)]));
    const { log } = this.#options;
    for (const { source, code, reason } of this.#faults)
      log.error({ source, code, reason }, 'a tool is not served');
    // Threads take longer to start than the first caller wants to wait.
    if ([...this.#entries.values()].some(({ served }) => served.tool.cpu)) this.#workers();
  }

  /** What `tools/list` shows of each tool. */
  definitions(): Record<string, unknown>[] {
    return [...this.#entries.values()].map(({ served }) => {
      const { name, title, description, inputSchema, outputSchema, annotations } = served.tool.definition;
      const type = typeof inputSchema === 'object' ? { type: 'object', ...inputSchema } : { type: 'object' };
      return { name, title, description, inputSchema: type, outputSchema, annotations };
    });
  }

  call(request: UpstreamRequest, sink: UpstreamSink): { cancel(): void } {
    const entry = this.#entries.get(request.name);
    if (entry === undefined) {
      sink.onError(new BridgeError('INVALID_PARAMS', `Unknown tool: ${request.name}`));
      return { cancel: () => undefined };
    }
    const { owner } = request;
    const tenantEnd = owner.indexOf('\0');
    this.#calls += 1;
    this.#inFlight += 1;
    const input = {
      callId: `${this.#callIds}${this.#calls}`,
      params: request.params,
      principal: { tenant: owner.slice(0, tenantEnd), id: owner.slice(tenantEnd + 1) },
      wantsProgress: request.progressTokenStart >= 0,
      logLevel: request.logLevel,
    };
    const call = new NativeCall(input, sink, entry.served.timeoutMs, () => {
      this.#inFlight -= 1;
    });
    if (entry.coalescer === undefined) entry.scheduler.submit(new NativeJob(entry.served, [call]));
    else entry.coalescer.add(call);
    return { cancel: () => call.cancel() };
  }

  /** Resolves when no call is in flight, after `timeoutMs` at the latest. */
  async whenIdle(timeoutMs: number): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (this.#inFlight > 0 && performance.now() < endsAt) await setTimeout(IDLE_LOOK_MS);
  }

  async close(): Promise<void> {
    const error = new BridgeError('UPSTREAM_UNAVAILABLE', 'The router is stopping');
    for (const { coalescer } of this.#entries.values()) coalescer?.close();
    this.#inline.close(error);
    this.#queued.close(error);
    await this.#pool?.close();
  }

  #workers(): WorkerPool {
    const { workers, log } = this.#options;
    this.#pool ??= new WorkerPool({
      threads: this.#threads,
      memoryLimitBytes: workers.memoryLimit,
      cancelGraceMs: workers.cancelGrace,
      loadTimeoutMs: workers.loadTimeout,
      log,
    });
    return this.#pool;
  }

  #meterOf(tool: string): BatchMeter | undefined {
    const { metrics } = this.#options;
    if (metrics === undefined) return undefined;
    return { size: metrics.batchSize.labels({ tool }), wait: metrics.batchWait.labels({ tool }) };
  }

  /** Batches that are being gathered end with the version that they began with. */
  #entryFor(served: ServedTool): Entry {
    const { name, cpu, batch } = served.tool;
    const before = this.#entries.get(name);
    if (before?.served === served) return before;
    const scheduler = cpu ? this.#queued : this.#inline;
    const coalescer =
      batch === undefined
        ? undefined
        : new CallCoalescer(
            batch,
            (calls, done) => scheduler.submit(new NativeJob(served, calls, done)),
            this.#meterOf(name),
          );
    return { served, scheduler, coalescer };
  }
}
