import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** Flags with which Node runs the TypeScript files of this project, for its child processes. */
export const sourceFlags: readonly string[] = [
  '--conditions=@mcp-bridge/source',
  '--import',
  pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
];
