// npm test: installs what is missing, then the quick checks, then every project's tests.
// The last line is always "N passed, N failed", summed over all projects.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { installPackages, installPostgres, requireNode, root, runTool } from './prepare.mjs';

requireNode();
installPackages();
installPostgres();

// One colourless format to count in, whatever the terminal.
const env = { ...process.env, NO_COLOR: '1', CI: '1' };
delete env.FORCE_COLOR;

const checks = [
  ['format', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']],
  ['types', 'typescript/bin/tsc', ['-b']],
  ['lint', 'nx/dist/bin/nx.js', ['run-many', '-t', 'lint', '--output-style=static']],
];
const broken = checks.filter(([name, script, args]) => {
  console.log(`\n— ${name} —`);
  return runTool(script, args, { env }) !== 0;
});

console.log('\n— tests —');
const tests = await runTests();
let failed = tests.failed + broken.length;
// A project that broke before it could count its tests still counts as a failure.
if (tests.exitCode !== 0 && tests.failed === 0) failed += 1;

for (const [name] of broken) console.log(`\nThe ${name} check failed; see above.`);
console.log(`\n${tests.passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** Runs the `test` target of all projects, uncached, and adds up vitest's summary lines. */
function runTests() {
  const nx = path.join(root, 'node_modules/nx/dist/bin/nx.js');
  const args = [nx, 'run-many', '-t', 'test', '--output-style=static', '--skip-nx-cache', '--parallel=1'];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['inherit', 'pipe', 'inherit'] });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  let passed = 0;
  let failed = 0;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!/^\s*Tests\s+\d/.test(line)) continue;
      passed += Number(/(\d+) passed/.exec(line)?.[1] ?? 0);
      failed += Number(/(\d+) failed/.exec(line)?.[1] ?? 0);
    }
  });
  return new Promise((resolve) => {
    child.on('close', (exitCode) => resolve({ exitCode, passed, failed }));
  });
}
