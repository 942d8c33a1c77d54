import { createHash, randomBytes } from 'node:crypto';

/** Text with a new API key and what belongs into `auth.keys`. The key itself is stored nowhere. */
export function makeKey({ id, tenant }: { readonly id: string; readonly tenant: string }): string {
  const key = `mcpb_${randomBytes(32).toString('base64url')}`;
  const sha256 = createHash('sha256').update(key).digest('hex');
  return `Key, shown this once. The client sends it as "Authorization: Bearer <key>":
  ${key}

For bridge.yaml:
auth:
  keys:
    - { id: ${JSON.stringify(id)}, tenant: ${JSON.stringify(tenant)}, sha256: "${sha256}" }
`;
}
