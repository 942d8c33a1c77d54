import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ConfigSources } from '@mcp-bridge/service';

/** The options that every command shares, as commander hands them over. */
export interface SourceOptions {
  readonly config?: string;
  readonly mcpConfig?: string;
  readonly port?: string;
}

/**
 * Where the configuration comes from: `--config`, else `MCP_BRIDGE_CONFIG`, else `./bridge.yaml` if it exists.
 * With `--mcp-config` alone no other file is read. `--port` counts as the environment variable of that field.
 */
export function configSources(
  options: SourceOptions,
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
): ConfigSources {
  const implied = path.join(folder, 'bridge.yaml');
  const fallback = options.mcpConfig === undefined && existsSync(implied) ? implied : undefined;
  return {
    file: options.config ?? env['MCP_BRIDGE_CONFIG'] ?? fallback,
    mcpConfigFile: options.mcpConfig,
    env: options.port === undefined ? env : { ...env, MCP_BRIDGE_GATEWAY__PORT: options.port },
  };
}
