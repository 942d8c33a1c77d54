import { fileURLToPath } from 'node:url';
import type { RunPlan } from '../options.js';
import { runSuite } from '../run-suite.js';
import type { SuiteInstallation } from '../suite-install.js';

/** The bridge starts within the suite's limit for the client. */
const START_MS = 30_000;
const COMMAND = fileURLToPath(new URL('./command.ts', import.meta.url));

export interface ClientScenariosRun {
  readonly plan: RunPlan;
  readonly scenarios: readonly string[];
  readonly folder: string;
  readonly timeoutMs: number;
  /** Hears the name of each scenario as it starts. */
  readonly onScenario: (name: string) => void;
}

/**
 * Has the suite start a server for each scenario and a bridge with a client against it. One after another: the suite
 * itself would run them all at once, and some measure time.
 */
export async function runClientScenarios(suite: SuiteInstallation, run: ClientScenariosRun): Promise<void> {
  const { plan, folder, timeoutMs } = run;
  const node = [process.execPath, '--conditions=@mcp-bridge/source', '--import', import.meta.resolve('tsx')];
  // The suite hands it to a shell.
  const command = [...node, COMMAND, plan.era, plan.topology].map((part) => `'${part}'`).join(' ');
  for (const scenario of run.scenarios) {
    run.onScenario(scenario);
    await runSuite(suite, {
      subject: { command },
      revision: plan.revision,
      scenario,
      folder,
      timeoutMs: timeoutMs + START_MS,
      onScenario: () => {},
    });
  }
}
