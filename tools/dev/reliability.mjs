// npm run reliability: runs the tests of the reliability table's rows, one after another, and prints what they measured.
// Takes row numbers to run only those. Exits with 1 when a row is not held.
import path from 'node:path';
import { installPackages, requireNode, root } from './prepare.mjs';

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  console.log(
    'npm run reliability [-- <row>…]   injects the faults of the reliability table, prints the figures',
  );
  process.exit(0);
}
const wanted = process.argv.slice(2);
const wrong = wanted.find((row) => !/^[1-9]\d*$/.test(row));
if (wrong !== undefined) {
  console.error(`"${wrong}" is no row number; try npm run reliability -- 3 16`);
  process.exit(64);
}
requireNode();
installPackages();

const { startVitest } = await import('vitest/node');
const folder = 'src/e2e/reliability/';
const files = wanted.map((row) => `${folder}row-${row.padStart(2, '0')}-`);
const vitest = await startVitest('test', files.length === 0 ? [folder] : files, {
  root: path.join(root, 'apps/bridge'),
  watch: false,
  reporters: ['dot'],
});

const lines = [];
let held = true;
for (const module of vitest.state.getTestModules()) {
  held &&= module.ok();
  for (const test of module.children.allTests()) {
    const [, row, fault] = /\brow (\d+): (.*)$/.exec(test.fullName) ?? [];
    const { state, errors } = test.result();
    if (row === undefined || state === 'skipped') continue;
    held &&= state === 'passed';
    const figures = test.meta().reliability ?? [];
    const shown = figures.length === 0 ? [undefined] : figures;
    for (const [index, figure] of shown.entries()) {
      const first = index === 0;
      lines.push([
        first ? row : '',
        first ? fault : '',
        figure === undefined ? '-' : `${figure.what} ${round(figure.measured)} ${figure.unit}`,
        figure === undefined ? '-' : `≤ ${round(figure.allowed)} ${figure.unit}`,
        isHeld(figure, state) ? 'held' : 'NOT HELD',
      ]);
    }
    // A test that broke off has reached no figure, or not the one that it failed at.
    const everyHeld = figures.length > 0 && figures.every((figure) => isHeld(figure, 'passed'));
    if (state !== 'passed' && everyHeld) lines.push(['', '', errors?.[0]?.message ?? state, '-', 'NOT HELD']);
  }
}
await vitest.close();
print(['row', 'fault', 'measured', 'allowed', ''], sortedByRow(lines));
if (lines.length === 0) console.error('No row has run.');
process.exit(held && lines.length > 0 ? 0 : 1);

function isHeld(figure, state) {
  return figure === undefined ? state === 'passed' : figure.measured <= figure.allowed;
}

function round(value) {
  return Number(value.toPrecision(4));
}

/** Lines of one row stay together. */
function sortedByRow(all) {
  const blocks = [];
  for (const line of all) {
    if (line[0] === '') blocks.at(-1).push(line);
    else blocks.push([line]);
  }
  return blocks.sort(([a], [b]) => Number(a[0]) - Number(b[0])).flat();
}

function print(head, body) {
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((line) => line[column].length)));
  const text = (line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  console.log(
    ['', text(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(text)].join('\n'),
  );
}
