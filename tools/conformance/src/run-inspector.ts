import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { RunPlan } from './options.js';
import type { SuiteInstallation } from './suite-install.js';
import { startTarget } from './target.js';

const run = promisify(execFile);

/** How the Inspector can be told to speak. */
const PROTOCOL_ERAS = ['legacy', 'auto', 'modern'] as const;
const CALL_LIMIT_MS = 60_000;

const ToolList = z.object({ tools: z.array(z.object({ name: z.string() })) });
const ToolResult = z.object({ content: z.array(z.object({ text: z.string() })) });

/**
 * Points the MCP Inspector's command line at one target, in each way it can speak: lists the tools and calls
 * one. Reports a line for each; returns whether all of them worked.
 */
export async function runInspector(
  suite: SuiteInstallation,
  plan: RunPlan,
  print: (line: string) => void,
): Promise<boolean> {
  const target = await startTarget(plan);
  let good = true;
  try {
    for (const era of PROTOCOL_ERAS) {
      const inspect = async (...args: string[]): Promise<unknown> => {
        const flags = ['--cli', target.url, '--transport', 'http', '--protocol-era', era, ...args];
        const { stdout } = await run(suite.node, [suite.inspector, ...flags], { timeout: CALL_LIMIT_MS });
        return JSON.parse(stdout);
      };
      try {
        const { tools } = ToolList.parse(await inspect('--method', 'tools/list'));
        const call = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'text=through'];
        const said = ToolResult.parse(await inspect(...call)).content[0]?.text;
        if (said !== 'through') throw new Error(`echo said ${JSON.stringify(said)}`);
        print(`  ✓ --protocol-era ${era}: ${tools.length} tools, echo answered`);
      } catch (error) {
        good = false;
        print(`  ✗ --protocol-era ${era}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    const left = await target.stop();
    if (left > 0) print(`  ✗ ${left} process(es) outlived the service that started them`);
    good &&= left === 0;
  }
  return good;
}
