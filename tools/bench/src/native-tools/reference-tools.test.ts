import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { postgresPrograms, startPostgres } from '@mcp-bridge/testkit';
import { sourceFlags } from '../source-flags.js';

interface ReferenceTool {
  handler(args: Record<string, unknown>, context: Record<string, unknown>): Promise<Record<string, unknown>>;
  handleBatch(calls: readonly { args: Record<string, unknown> }[]): Promise<Record<string, unknown>[]>;
}

const SCRIPT = `
const { default: getUser } = await import('./get-user.mjs');
const { default: generateReport } = await import('./generate-report.mjs');
const context = { signal: new AbortController().signal, progress() {} };
console.log(JSON.stringify([
  await getUser.handler({ id: 7 }),
  await getUser.handler({ id: 20001 }).catch((error) => error.message),
  await generateReport.handler({ country: 'CH', users: 3 }, context),
]));
process.exit(0);`;
const CONTEXT = { signal: new AbortController().signal, progress: () => undefined };

async function load(name: string): Promise<ReferenceTool> {
  // Plain JavaScript, as an operator's modules are.
  return ((await import(new URL(`${name}.mjs`, import.meta.url).href)) as { default: ReferenceTool }).default;
}

const programs = postgresPrograms();
test.skipIf(programs === undefined)(
  'get_user and generate_report answer from PostgreSQL',
  async () => {
    await using postgres = await startPostgres();
    const dataSet = fileURLToPath(new URL('data-set.sql', import.meta.url));
    const loaded = spawnSync(`${programs}/psql`, ['-qv', 'ON_ERROR_STOP=1', '-f', dataSet, postgres.url]);
    expect(loaded.stderr.toString()).toBe('');
    // In a process of its own: with the conditions of the test runner, pg's CommonJS would require ES modules.
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...sourceFlags, '--input-type=module', '-e', SCRIPT],
      {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        env: { ...process.env, BENCH_DATABASE_URL: postgres.url },
        encoding: 'utf8',
      },
    );
    expect(stderr).toBe('');
    const [user, missing, report] = JSON.parse(stdout) as [unknown, unknown, unknown];
    expect(user).toEqual({ id: 7, name: 'User 7', email: 'user7@example.org', country: 'FR' });
    expect(missing).toBe('There is no user 20001');
    expect(report).toMatchObject({
      orders: 30,
      markdown: expect.stringContaining('| User 5 | 10 |') as string,
    });
  },
  60_000,
);

test('fetch_weather asks the service', async () => {
  const server = createServer(({ url }, response) =>
    response.end(
      JSON.stringify({ city: new URL(url ?? '', 'http://x').searchParams.get('city'), celsius: 7 }),
    ),
  ).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  process.env['BENCH_WEATHER_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { handler } = await load('fetch-weather');
  expect(await handler({ city: 'Bern' }, CONTEXT)).toEqual({ city: 'Bern', celsius: 7 });
  server.closeAllConnections();
  server.close();
});

test('process_batch stores one item or many', async () => {
  const tool = await load('process-batch');
  expect(await tool.handler({ item: 'four' }, CONTEXT)).toEqual({ stored: 4 });
  const calls = ['a', 'bb'].map((item) => ({ args: { item } }));
  expect(await tool.handleBatch(calls)).toEqual([{ stored: 1 }, { stored: 2 }]);
});
