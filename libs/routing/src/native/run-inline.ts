import type { NativeJob } from './native-job.js';
import { replyText } from './reply-text.js';
import { runCalls } from './run-calls.js';

/** Runs a job on the event loop: nothing is copied, and nothing can end a handler that does not want to end. */
export function runInline(job: NativeJob, done: () => void): void {
  const { calls } = job;
  const controllers = calls.map(() => new AbortController());
  const whole = calls.length === 1 ? controllers[0] : new AbortController();
  job.started({
    abort: (index) => controllers[index]?.abort(),
    abandon: () => whole?.abort(),
  });
  const finish = (results: readonly string[]): void => {
    calls.forEach((call, index) => call.succeed(Buffer.from(replyText(results[index] ?? ''))));
    done();
  };
  const results = runCalls(
    job.served.tool,
    calls.map((call) => call.input),
    controllers,
    whole ?? new AbortController(),
    (index, method, params) => calls[index]?.tell(method, params),
  );
  if (Array.isArray(results)) finish(results);
  else void results.then(finish);
}
