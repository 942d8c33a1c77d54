import { defineTool } from '@mcp-bridge/tools';
import pg from 'pg';

/** For reports alone, in each worker thread: a thread works at one report. */
const pool = new pg.Pool({ connectionString: process.env.BENCH_DATABASE_URL, max: 1, allowExitOnIdle: true });
pool.on('error', (error) => console.error(`generate_report: ${error.message}`));

const MAX_USERS = 20;

/** Many queries and arithmetic over their rows: a worker thread's work. */
export default defineTool({
  name: 'generate_report',
  title: 'Generate a report',
  description: 'Revenue of some users of a country: total, mean, and the distribution of their orders',
  inputSchema: {
    type: 'object',
    properties: {
      country: { enum: ['CH', 'DE', 'FR', 'IT', 'SE'] },
      users: { type: 'integer', minimum: 1, maximum: MAX_USERS },
    },
    required: ['country'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      orders: { type: 'integer' },
      totalCents: { type: 'integer' },
      meanCents: { type: 'number' },
      deviationCents: { type: 'number' },
      percentilesCents: { type: 'object', additionalProperties: { type: 'integer' } },
      markdown: { type: 'string' },
    },
    required: ['orders', 'totalCents', 'meanCents', 'deviationCents', 'percentilesCents', 'markdown'],
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  async handler({ country, users = MAX_USERS }, { signal, progress }) {
    const { rows: people } = await pool.query({
      name: 'report-users',
      text: 'SELECT id, name FROM users WHERE country = $1 ORDER BY id LIMIT $2',
      values: [country, users],
    });
    const cents = [];
    const lines = [];
    for (const [index, { id, name }] of people.entries()) {
      if (signal.aborted) throw new Error('The report is not wanted any more');
      const { rows } = await pool.query({
        name: 'report-orders',
        text: 'SELECT placed_on, cents FROM orders WHERE user_id = $1 ORDER BY placed_on',
        values: [id],
      });
      cents.push(...rows.map((row) => row.cents));
      const sum = rows.reduce((total, row) => total + row.cents, 0);
      lines.push(`| ${name} | ${rows.length} | ${(sum / 100).toFixed(2)} |`);
      progress(index + 1, people.length);
    }
    return {
      ...statistics(cents),
      markdown: ['| user | orders | revenue |', '|---|---|---|', ...lines].join('\n'),
    };
  },
});

/** The deviation of the mean is found by drawing samples: plain arithmetic, some milliseconds of it. */
function statistics(cents) {
  const sorted = [...cents].sort((a, b) => a - b);
  const total = sorted.reduce((sum, value) => sum + value, 0);
  const mean = total / sorted.length;
  const means = [];
  let state = 1;
  for (let draw = 0; draw < 2_000; draw += 1) {
    let sum = 0;
    for (let n = 0; n < sorted.length; n += 1) {
      // A linear congruential generator: the same report has the same figures.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += sorted[state % sorted.length];
    }
    means.push(sum / sorted.length);
  }
  const variance = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length;
  const percentile = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return {
    orders: sorted.length,
    totalCents: total,
    meanCents: mean,
    deviationCents: Math.sqrt(variance),
    percentilesCents: { p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99) },
  };
}
