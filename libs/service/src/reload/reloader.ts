import { isDeepStrictEqual } from 'node:util';
import type { Metrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import { type ConfigFault, faultLine } from '../config/faults.js';
import type { ConfigResult, LoadedConfig } from '../config/load-config.js';
import type { BridgeConfig } from '../config/schema.js';
import type { Logger } from '../logging.js';
import { keepUntilRestart } from './restart-fields.js';

/** Another configuration for a running service. */
export interface ConfigChange {
  readonly config: BridgeConfig;
  /** `signal`: the operator asked for it (SIGHUP). `file`: a file of the configuration changed. */
  readonly cause: ReloadCause;
}

export type ReloadCause = 'signal' | 'file';

export interface ReloaderOptions {
  readonly running: LoadedConfig;
  readonly read: () => ConfigResult;
  /**
   * Puts a configuration in force in all parts, or in none.
   * @throws {BridgeError} CONFIG_INVALID when a part cannot work with it
   */
  readonly apply: (change: ConfigChange) => Promise<void>;
  /** Values that the log blanks out; those of a new configuration join them. */
  readonly secrets: Set<string>;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What came of the last attempt, for `/debug/state`. */
interface Attempt {
  readonly at: string;
  readonly cause: ReloadCause;
  readonly outcome: 'applied' | 'refused';
  readonly faults?: readonly string[];
}

/**
 * Replaces the configuration of a running service. One that has a fault is refused whole: every fault goes to the
 * log, the old one stays in force. One attempt at a time; what is asked for meanwhile is one more attempt.
 */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: LoadedConfig;
  #restart: readonly string[] = [];
  #last: Attempt | undefined;
  #wanted: ReloadCause | undefined;
  /** Nothing is attempted before the service is up. */
  #busy = true;
  readonly #loadedAt = new Date().toISOString();
  #applied = 0;
  #refused = 0;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#running = options.running;
    this.#tellTime();
  }

  /** The files that the configuration in force was made of. */
  get files(): readonly string[] {
    return this.#running.files;
  }

  /** The service is up: does what was asked for until now. */
  start(): void {
    void this.#work();
  }

  /** Reads the configuration again, now or after the attempt that is under way. */
  request(cause: ReloadCause): void {
    // The operator's own wish says more than a changed file.
    this.#wanted = this.#wanted === 'signal' ? 'signal' : cause;
    if (!this.#busy) void this.#work();
  }

  /** For `/debug/state`. */
  state(): Record<string, unknown> {
    return {
      startedWith: this.#loadedAt,
      files: this.files,
      reloads: { applied: this.#applied, refused: this.#refused },
      ...(this.#last === undefined ? {} : { lastReload: this.#last }),
      needsRestart: this.#restart,
    };
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let cause = this.#take(); cause !== undefined; cause = this.#take()) {
      try {
        await this.#attempt(cause);
      } catch (error) {
        // Whatever it was, the service goes on with what it has.
        this.#refuse(cause, [{ source: '', path: '', reason: BridgeError.from(error).message }]);
      }
    }
    this.#busy = false;
  }

  #take(): ReloadCause | undefined {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    return wanted;
  }

  async #attempt(cause: ReloadCause): Promise<void> {
    const { read, apply, log, secrets } = this.#options;
    const result = read();
    if (!result.ok) {
      this.#refuse(cause, result.faults);
      return;
    }
    const { loaded } = result;
    for (const secret of loaded.secrets) secrets.add(secret);
    const { config, restart } = keepUntilRestart(this.#running.config, loaded.config);
    const unchanged = isDeepStrictEqual(config, this.#running.config);
    if (cause === 'file' && unchanged && isDeepStrictEqual(restart, this.#restart)) {
      this.#running = { ...loaded, config };
      log.debug('the files of the configuration changed, what they say did not');
      return;
    }
    await apply({ config, cause });
    this.#running = { ...loaded, config };
    this.#restart = restart;
    this.#applied += 1;
    this.#settle({ at: new Date().toISOString(), cause, outcome: 'applied' });
    this.#tellTime();
    for (const warning of loaded.warnings) log.warn(warning);
    if (restart.length > 0) {
      log.warn({ fields: restart }, 'these fields changed, too, and keep their old values until a restart');
    }
    log.info({ cause }, 'configuration reloaded');
  }

  #refuse(cause: ReloadCause, faults: readonly ConfigFault[]): void {
    const lines = faults.map(faultLine);
    this.#refused += 1;
    this.#settle({ at: new Date().toISOString(), cause, outcome: 'refused', faults: lines });
    for (const fault of lines) this.#options.log.error(fault);
    this.#options.log.error(
      { cause, faults: lines.length },
      'configuration refused; the old one stays in force',
    );
  }

  #settle(attempt: Attempt): void {
    this.#last = attempt;
    this.#options.metrics.configReloads.labels({ outcome: attempt.outcome }).inc();
  }

  #tellTime(): void {
    this.#options.metrics.configLoaded.labels({}).set(Date.now() / 1000);
  }
}
