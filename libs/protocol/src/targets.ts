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
