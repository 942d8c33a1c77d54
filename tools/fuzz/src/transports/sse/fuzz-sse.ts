import { openRaw } from '@mcp-bridge/testkit';
import type { FuzzJob } from '../../run/fuzz-job.js';
import { OTHER_KEY } from '../../target/target.js';
import { fuzzConversations } from '../channel/fuzz-conversations.js';
import { serverSentEvents } from './sse-channel.js';

const A_DAY_MS = 24 * 3_600_000;

/** HTTP+SSE, beside a stream of another tenant into which nothing may get. */
export async function fuzzSse(job: FuzzJob): Promise<void> {
  const { origin } = new URL(job.target.url);
  await using foreign = await openRaw(`${origin}/sse`, {
    method: 'GET',
    headers: { accept: 'text/event-stream', 'x-api-key': OTHER_KEY },
    timeoutMs: A_DAY_MS,
  });
  const endpoint = await foreign.nextEvent();
  let isOver = false;
  const leaked = foreign
    .nextMessage()
    .then((message) => {
      const why = `the stream of another tenant got ${JSON.stringify(message) ?? 'its end'}`;
      if (!isOver) job.fault({ step: job.tally.done, why, what: 'foreign stream' });
    })
    .catch(() => undefined);
  await fuzzConversations(job, serverSentEvents(job.target.port, endpoint?.data ?? ''));
  isOver = true;
  foreign.close();
  await leaked;
}
