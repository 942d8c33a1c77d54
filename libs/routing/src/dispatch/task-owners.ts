import { LRUCache } from 'lru-cache';
import type { Envelope } from '@mcp-bridge/protocol';
import type { CallRequest, Principal } from '@mcp-bridge/link';

interface TaskOwner {
  readonly server: string;
  readonly owner: string;
}

/** As bytes: it is looked for in every call. */
const TASK_KEY = Buffer.from('"task"');

/**
 * Which server made which task, and for whom (requirement 64). A task of another principal is as unknown as a
 * made-up one. Lost with the router: the client then starts the task anew.
 */
export class TaskOwners {
  readonly #tasks = new LRUCache<string, TaskOwner>({ max: 100_000 });

  /** Looks for a created task in a result: `resultType: "task"`, or the reply to a call that asked for one. */
  learn(server: string, request: CallRequest, reply: Envelope): void {
    if (reply.resultType !== 'task' && !request.params.includes(TASK_KEY)) return;
    // Scanned: a JSON object.
    const result = JSON.parse(reply.bytes.toString('utf8', reply.result.start, reply.result.end)) as {
      taskId?: unknown;
      task?: { taskId?: unknown } | null;
    };
    const taskId = result.taskId ?? result.task?.taskId;
    if (typeof taskId === 'string') this.#tasks.set(taskId, { server, owner: ownerOf(request.principal) });
  }

  /** The server that has this principal's task. */
  serverOf(principal: Principal, taskId: string): string | undefined {
    const task = this.#tasks.get(taskId);
    return task?.owner === ownerOf(principal) ? task.server : undefined;
  }
}

function ownerOf(principal: Principal): string {
  return `${principal.tenant}\0${principal.id}`;
}
