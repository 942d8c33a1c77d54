import {
  modernRequest,
  openLegacySession,
  sendRaw,
  type LegacySession,
  type RawReply,
} from '@mcp-bridge/testkit';
import { setTimeout as delay } from 'node:timers/promises';
import { CANARY } from '../corpus/tools.js';
import type { Target } from '../target/target.js';

/** What the canary found. */
export interface CanaryFigures {
  readonly calls: number;
  readonly slowestMs: number;
  /** Why the canary failed; empty when it did not. */
  readonly failures: readonly string[];
}

export interface Canary {
  /** Ends after the call that is on its way. */
  stop(): Promise<CanaryFigures>;
}

const PAUSE_MS = 25;
const KEPT_FAILURES = 10;
const TOOL = `${CANARY}__echo`;

/**
 * A client that does nothing wrong: it calls a server that no input names, in turn without a session and in one that
 * lasts for the whole run, and holds every answer against what it must be.
 */
export async function startCanary({ url }: Target): Promise<Canary> {
  const session = await openLegacySession(url);
  let running = true;
  let calls = 0;
  let slowestMs = 0;
  const failures: string[] = [];
  const sing = async (): Promise<void> => {
    while (running) {
      const startedAt = performance.now();
      const text = `canary-${calls}`;
      try {
        const reply = await call(url, session, calls, text);
        if (textOf(reply) !== text) throw new Error(`got ${reply.status} ${reply.text.slice(0, 500)}`);
      } catch (error) {
        if (failures.length < KEPT_FAILURES) failures.push(`call ${calls}: ${String(error)}`);
      }
      calls += 1;
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      await delay(PAUSE_MS);
    }
  };
  const ended = sing();
  return {
    async stop() {
      running = false;
      await ended;
      return { calls, slowestMs, failures };
    },
  };
}

function call(url: string, session: LegacySession, id: number, text: string): Promise<RawReply> {
  const params = { name: TOOL, arguments: { text } };
  return id % 2 === 0
    ? session.request('tools/call', params, id)
    : sendRaw(url, modernRequest('tools/call', params, { id }));
}

function textOf({ message }: RawReply): unknown {
  // Compared with what was sent: whatever it is.
  const content = message.result?.['content'] as readonly { readonly text?: unknown }[] | undefined;
  return content?.[0]?.text;
}
