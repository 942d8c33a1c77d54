import { spawnService } from '@mcp-bridge/testkit';
import type { Revision } from './options.js';
import type { SuiteInstallation } from './suite-install.js';

export interface SuiteRun {
  /** The server that the suite calls, or the command of the client that calls the suite's. */
  readonly subject: { readonly url: string } | { readonly command: string };
  readonly revision: Revision;
  readonly scenario: string | undefined;
  readonly folder: string;
  readonly timeoutMs: number;
  /** Hears the name of each scenario as it starts. */
  readonly onScenario: (name: string) => void;
}

/** A suite that hangs is killed; its scenarios have limits of their own, this is for the case that they fail. */
const WHOLE_LIMIT_MS = 20 * 60_000;

/** Runs the suite once; its results land in `folder`. */
export async function runSuite(suite: SuiteInstallation, run: SuiteRun): Promise<void> {
  const what =
    run.scenario === undefined
      ? ['--requirements', run.revision]
      : ['--scenario', run.scenario, '--spec-version', run.revision];
  const subject =
    'url' in run.subject
      ? ['server', '--url', run.subject.url]
      : ['client', '--command', run.subject.command];
  const flags = ['-o', run.folder, '--timeout', String(run.timeoutMs)];
  await using service = await spawnService(suite.node, [suite.cli, ...subject, ...what, ...flags], {
    readyPattern: /Running|Starting scenario/,
    onLine: (line) => {
      const name = /^=== Running scenario: (\S+) ===/.exec(line)?.[1];
      if (name !== undefined) run.onScenario(name);
    },
  });
  const limit = setTimeout(() => void service.kill(), WHOLE_LIMIT_MS);
  await service.exited;
  clearTimeout(limit);
}
