import type { FuzzJob } from '../../run/fuzz-job.js';
import { ConversationFuzzer } from './conversation-fuzzer.js';
import type { ChannelKind } from './fuzz-channel.js';

const TICK_MS = 20;
/** Connections that wait for slow answers beside those that send. */
const MAX_LINGERING = 300;

/** Makes all steps of a job over connections of one kind, a block of steps on each. */
export function fuzzConversations(job: FuzzJob, kind: ChannelKind): Promise<void> {
  return new Promise((resolve) => {
    const open = new Set<ConversationFuzzer>();
    let more = true;
    const left: { readonly from: number; readonly to: number }[] = [];
    const launch = (): void => {
      for (;;) {
        const lingering = [...open].filter((fuzzer) => fuzzer.lingering).length;
        if (!more || open.size - lingering >= kind.concurrency || lingering >= MAX_LINGERING) break;
        const block = left.shift() ?? job.takeBlock(kind.blockSteps);
        if (block === undefined) more = false;
        else open.add(new ConversationFuzzer(job, kind, block, { onEnd, onLingering: launchSoon }));
      }
      if (more || open.size > 0) return;
      clearInterval(ticker);
      resolve();
    };
    // Not from within what a connection is doing.
    const launchSoon = (): void => void setImmediate(launch);
    const onEnd = (fuzzer: ConversationFuzzer): void => {
      open.delete(fuzzer);
      if (fuzzer.left !== undefined && !job.stopped) left.push(fuzzer.left);
      more ||= left.length > 0;
      launchSoon();
    };
    const ticker = setInterval(() => {
      const now = performance.now();
      for (const fuzzer of open) fuzzer.tick(now);
    }, TICK_MS);
    launch();
  });
}
