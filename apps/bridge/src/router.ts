import { composeRouter } from '@mcp-bridge/routing';
import { type ConfigSources, runService } from '@mcp-bridge/service';

/** `mcp-bridge router`. */
export function runRouter(sources: ConfigSources): Promise<number> {
  return runService({ ...sources, role: 'router' }, composeRouter);
}
