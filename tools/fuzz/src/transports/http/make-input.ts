import { Random } from '../../random.js';
import type { FuzzJob } from '../../run/fuzz-job.js';
import { draftOf } from './http-drafts.js';
import type { HttpInput } from './http-input.js';
import { mutatedWire, plainWire } from './http-mutations.js';
import type { HttpSessions } from './http-sessions.js';

/** The input of a step: the same one for the same seed, but for the tokens that the bridge has given out. */
export function makeInput(job: FuzzJob, sessions: HttpSessions, step: number): HttpInput {
  const random = new Random(job.seed, step);
  const { draft, fixed } = draftOf({ random, step, material: job.material, sessions, port: job.target.port });
  const session = draft.headers.find(([name]) => name === 'Mcp-Session-Id')?.[1] ?? '';
  const changes = !fixed && random.oneIn(4);
  const { pieces, expects, how } = changes ? mutatedWire(draft, random) : plainWire(draft);
  // A request line in two pieces gets 505.
  const isChanged = how !== '' && how !== 'chunks';
  return {
    step,
    what: how === '' ? draft.what : `${draft.what} [${how}]`,
    pieces,
    expects,
    status: draft.status,
    echoes: isChanged ? undefined : draft.echoes,
    endless: draft.endless,
    replays: draft.replays,
    slow: draft.slow,
    bodyless: draft.method === 'HEAD',
    session,
    tool: draft.message?.target,
  };
}
