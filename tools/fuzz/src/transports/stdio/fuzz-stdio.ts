import type { FuzzJob } from '../../run/fuzz-job.js';
import { fuzzConversations } from '../channel/fuzz-conversations.js';
import { standardStreams } from './stdio-channel.js';

/** Both forms of `mcp-bridge stdio`; whichever is quicker makes more of the steps. */
export async function fuzzStdio(job: FuzzJob): Promise<void> {
  await Promise.all([
    fuzzConversations(job, standardStreams(job, false)),
    fuzzConversations(job, standardStreams(job, true)),
  ]);
}
