/** The four lists of MCP that the bridge aggregates. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

export const LIST_KINDS: readonly ListKind[] = ['tools', 'prompts', 'resources', 'resourceTemplates'];

export interface ListFacts {
  readonly method: string;
  /** Member of the result that holds the items. */
  readonly member: string;
  /** Capability without which a server is not asked. */
  readonly capability: string;
  /** Member of an item that identifies it. */
  readonly key: string;
}

export const LISTS: Readonly<Record<ListKind, ListFacts>> = {
  tools: { method: 'tools/list', member: 'tools', capability: 'tools', key: 'name' },
  prompts: { method: 'prompts/list', member: 'prompts', capability: 'prompts', key: 'name' },
  resources: { method: 'resources/list', member: 'resources', capability: 'resources', key: 'uri' },
  resourceTemplates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    capability: 'resources',
    key: 'uriTemplate',
  },
};
