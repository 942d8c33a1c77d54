import { expect, test } from 'vitest';
import { isRunning } from './process/process-group.js';
import { postgresPrograms, startPostgres } from './postgres.js';

// npm test installs Debian's package where it can; elsewhere there is nothing to test.
test.skipIf(postgresPrograms() === undefined)(
  'PostgreSQL starts for one test and leaves nothing',
  async () => {
    const postgres = await startPostgres();
    expect(isRunning(postgres.pid)).toBe(true);
    expect(postgres.url).toMatch(/^postgresql:\/\/postgres@\/postgres\?host=/);
    await postgres[Symbol.asyncDispose]();
    expect(isRunning(postgres.pid)).toBe(false);
  },
  60_000,
);
