import { Command } from 'commander';
import { composeGateway } from '@mcp-bridge/edge';
import { runService } from '@mcp-bridge/service';

// The gateway service: clients in, links to the routers out.
const { config } = new Command('mcp-bridge-gateway')
  .description('Serves MCP clients through the routers of a configuration.')
  .option('-c, --config <file>', 'bridge.yaml', process.env['MCP_BRIDGE_CONFIG'])
  .parse()
  .opts<{ config?: string }>();

process.exit(await runService({ role: 'gateway', file: config }, composeGateway));
