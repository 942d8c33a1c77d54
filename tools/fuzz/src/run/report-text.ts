import type { CampaignReport } from './campaign.js';
import { inUse, mib } from './memory.js';

/** A report for people. */
export function reportText(report: CampaignReport): string {
  const { transport, seed, tally, seconds, canary, memory, findings, logged } = report;
  const rate = Math.round(tally.done / Math.max(seconds, 0.001));
  const classes = [...tally.classes].sort(([, a], [, b]) => b - a);
  const width = Math.max(...classes.map(([name]) => name.length), 1);
  const lines = [
    `${transport}: ${tally.done} inputs of seed ${seed} in ${seconds.toFixed(1)} s (${rate}/s), slowest answer ${Math.round(tally.slowestMs)} ms`,
    ...classes.map(([name, count]) => `  ${name.padEnd(width)}  ${String(count).padStart(8)}`),
    `canary: ${canary.calls} calls, ${canary.failures.length} failed, slowest ${Math.round(canary.slowestMs)} ms`,
  ];
  if (memory !== undefined) {
    const { start, peakRssBytes, end } = memory;
    lines.push(
      `memory: RSS ${mib(start.rss)} at the start, ${mib(peakRssBytes)} at the peak, ${mib(end.rss)} at the end`,
      `        heap and external ${mib(inUse(start))} at the start, ${mib(inUse(end))} at the end`,
    );
  }
  for (const [name, value] of tally.figures) lines.push(`${name}: ${value}`);
  for (const [message, count] of logged) lines.push(`logged at level error, ${count} ×: ${message}`);
  lines.push(findings.length === 0 ? 'no findings' : `${findings.length} findings:`);
  for (const { step, why, what } of findings) lines.push(`  step ${step}, ${what}: ${why}`);
  return lines.join('\n');
}
