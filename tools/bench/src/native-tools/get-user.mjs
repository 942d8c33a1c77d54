import { defineTool } from '@mcp-bridge/tools';
import pg from 'pg';

/** For look-ups alone: a long report must not keep a short query waiting. */
const pool = new pg.Pool({ connectionString: process.env.BENCH_DATABASE_URL, max: 8, allowExitOnIdle: true });
pool.on('error', (error) => console.error(`get_user: ${error.message}`));

/** One query. It waits for the database and computes nothing, so it runs on the event loop. */
export default defineTool({
  name: 'get_user',
  title: 'Get a user',
  description: 'A user by id',
  inputSchema: {
    type: 'object',
    properties: { id: { type: 'integer', minimum: 1 } },
    required: ['id'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: {
      id: { type: 'integer' },
      name: { type: 'string' },
      email: { type: 'string' },
      country: { type: 'string' },
    },
    required: ['id', 'name', 'email', 'country'],
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  cpu: false,
  async handler({ id }) {
    const { rows } = await pool.query({
      name: 'get-user',
      text: 'SELECT id, name, email, country FROM users WHERE id = $1',
      values: [id],
    });
    if (rows.length === 0) throw new Error(`There is no user ${id}`);
    return rows[0];
  },
});
