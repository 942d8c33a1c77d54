import type { CommandLine } from './fixture.js';
import { packageFile } from './package-file.js';

/**
 * The command line of a legacy MCP server on stdio whose tools change under way: their definitions stand in a JSON
 * file, read for each list. The tool `exit` ends the process, `announce` says that the list changed; every other one
 * answers with its name.
 */
export function changingServerCommand(toolsFile: string): CommandLine {
  return { command: process.execPath, args: [packageFile('changing/stdio-server.mjs'), toolsFile] };
}
