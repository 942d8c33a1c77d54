import { spawn } from 'node:child_process';
import { sendRaw } from '@mcp-bridge/testkit';
import type { WrkRequest } from './wrk-script.js';

/**
 * Sends the request of a load once: programs that put load on servers look at the status only.
 *
 * @throws {Error} with the answer, when it is no result
 */
export async function proveAnswer(url: string, { headers, body, sessions = [] }: WrkRequest): Promise<void> {
  const [session] = sessions;
  const sessionHeader = session === undefined ? {} : { 'mcp-session-id': session };
  const reply = await sendRaw(url, { headers: { ...headers, ...sessionHeader }, body });
  if (reply.status !== 200 || reply.text.includes('"error"'))
    throw new Error(`the load's request got status ${reply.status} from ${url}: ${reply.text.slice(0, 500)}`);
}

/** Runs a program to its end, at the latest that of this process; returns what it printed. */
export function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill('SIGKILL');
  process.once('exit', stop);
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', reject);
    child.once('close', () => {
      process.off('exit', stop);
      resolve(output);
    });
  });
}
