/** The key of `params` that a method names its target by. `ref` stands for `ref.name` or `ref.uri`. */
export type TargetKey = 'name' | 'uri' | 'taskId' | 'ref';

/** Which key of `params` names what this message is about; undefined for methods without a target. */
export function targetKeyOf(method: string): TargetKey | undefined {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return 'name';
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
    case 'notifications/resources/updated':
      return 'uri';
    case 'completion/complete':
      return 'ref';
    case 'tasks/list':
      return undefined;
    default:
      return method.startsWith('tasks/') || method.startsWith('notifications/tasks') ? 'taskId' : undefined;
  }
}

/** Which key of `params` the `Mcp-Name` header of a modern HTTP request mirrors; undefined for no header. */
export function targetOf(method: string): 'name' | 'uri' | 'taskId' | undefined {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return 'name';
    case 'resources/read':
      return 'uri';
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      return 'taskId';
    default:
      return undefined;
  }
}
