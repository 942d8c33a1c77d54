import { createHash } from 'node:crypto';

/** Of a module's text: tells versions apart. */
export function digestOf(source: string): string {
  return createHash('sha256').update(source).digest('base64url');
}
