import { BridgeError } from '@mcp-bridge/protocol';
import type { StdioServerConfig } from '@mcp-bridge/service';
import type { ChildExit } from './child-process.js';

/** Why a process is gone, or never came: what was wrong, and what to do about it. */
export function exitError(server: string, config: StdioServerConfig, exit: ChildExit): BridgeError {
  if (exit.spawnError === undefined) {
    const how = exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
    return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" ${how}`);
  }
  const { code } = exit.spawnError;
  const command = JSON.stringify(config.command);
  const advice =
    code === 'ENOENT'
      ? config.cwd === undefined
        ? `command ${command} was not found; install it, or correct servers.${server}.command`
        : `command ${command} or directory ${JSON.stringify(config.cwd)} was not found; correct servers.${server}`
      : code === 'EACCES'
        ? `command ${command} may not be executed; make it executable, or correct servers.${server}.command`
        : `command ${command} could not be started (${code ?? 'unknown error'})`;
  return new BridgeError('UPSTREAM_UNAVAILABLE', `Server "${server}" did not start: ${advice}`, {
    cause: exit.spawnError,
  });
}
