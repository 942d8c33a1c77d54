/* eslint-disable @typescript-eslint/no-require-imports -- Nx loads this file with require */
// Nx keeps the command `nx conformance` for a commercial plugin of this name and, without it, refuses to run a target
// that is called conformance. This stands in for the plugin and starts the target's command. It is loaded by every
// call of nx, so it requires nothing until it is asked to run.

const describe = 'Run the official MCP conformance suite; see tools/conformance/README.md';

function handler() {
  const { spawnSync } = require('node:child_process');
  const { join } = require('node:path');
  const given = process.argv.slice(process.argv.indexOf('conformance') + 1);
  const args = given[0] === '--' ? given.slice(1) : given;
  const main = join(__dirname, '..', 'src', 'main.ts');
  const node = ['--conditions=@mcp-bridge/source', '--import', 'tsx', main, ...args];
  const { status } = spawnSync(process.execPath, node, { stdio: 'inherit' });
  process.exit(status ?? 1);
}

exports.yargsConformanceCommand = { command: 'conformance', describe, handler };
exports.yargsConformanceCheckCommand = { command: 'conformance:check', describe: false, handler };
