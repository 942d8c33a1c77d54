import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What the mcp-bridge command of a checkout asks of Node in its first line; the bench runs it without that line. */
export function launchFlags(checkout: string): string[] {
  const command = readFileSync(path.join(checkout, 'apps/bridge/bin/mcp-bridge.mjs'), 'utf8');
  const [, flags = ''] = /^#!.* node (.+)/.exec(command) ?? [];
  return flags.split(' ').filter((flag) => flag !== '');
}
