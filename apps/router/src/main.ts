import { Command } from 'commander';
import { composeRouter } from '@mcp-bridge/routing';
import { runService } from '@mcp-bridge/service';

// The router service: gateways come in over the link, MCP servers are behind it.
const { config } = new Command('mcp-bridge-router')
  .description('Serves the MCP servers of a configuration to gateways.')
  .option('-c, --config <file>', 'bridge.yaml', process.env['MCP_BRIDGE_CONFIG'])
  .parse()
  .opts<{ config?: string }>();

process.exit(await runService({ role: 'router', file: config }, composeRouter));
