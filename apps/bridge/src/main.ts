import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { check } from './check.js';
import { type SourceOptions, configSources } from './config-sources.js';
import { makeKey } from './key.js';

/** Exit code for wrong arguments (`EX_USAGE` of sysexits.h). */
const EXIT_USAGE = 64;

const portOption = new Option('-p, --port <number>', 'instead of gateway.port; 0 picks one');
const clientFileOption = new Option(
  '--mcp-config <file>',
  'a client\'s {"mcpServers": …} file, taken as it is',
);
const roleOption = new Option('--role <service>', 'who will use it')
  .choices(['bridge', 'gateway', 'router'])
  .default('bridge');

/**
 * The `mcp-bridge` command. Resolves with the exit code once everything has ended. Engines are imported by the
 * commands that need them: `check` and `key` load no server.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('mcp-bridge')
    .description('One fast, safe, observable endpoint in front of many MCP servers.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('Try mcp-bridge --help.');

  /** Declares a command that reads a configuration; its work resolves with the exit code. */
  const command = <T extends SourceOptions>(
    name: string,
    summary: string,
    options: readonly Option[],
    work: (options: T) => number | Promise<number>,
  ): void => {
    const declared = program
      .command(name)
      .description(summary)
      .option('-c, --config <file>', "bridge.yaml, or a client's mcpServers file (default: ./bridge.yaml)");
    for (const option of options) declared.addOption(option);
    declared.action(async (given: T) => {
      exitCode = await work(given);
    });
  };
  const sources = (options: SourceOptions) => configSources(options, process.env, process.cwd());

  command(
    'start',
    'run gateway and router in this process',
    [clientFileOption, portOption],
    async (options) => {
      const { runBridge } = await import('./bridge.js');
      return await runBridge(sources(options));
    },
  );
  command('gateway', 'run only the gateway; it links to gateway.routers', [portOption], async (options) => {
    const { runGateway } = await import('./gateway.js');
    return await runGateway(sources(options));
  });
  command('router', 'run only the router', [clientFileOption], async (options) => {
    const { runRouter } = await import('./router.js');
    return await runRouter(sources(options));
  });
  command(
    'check',
    'print every fault of a configuration; exits 78 when there is one',
    [clientFileOption, roleOption],
    check,
  );
  command(
    'tools',
    'start the servers, print the tools that a client would see, end the servers',
    [
      clientFileOption,
      new Option('--view <name>', 'a view or a server instead of everything').default('', 'everything'),
      new Option('--json', 'print the tools as MCP defines them').default(false),
    ],
    async (options: SourceOptions & { view: string; json: boolean }) => {
      const { printTools } = await import('./tools.js');
      return await printTools(sources(options), options);
    },
  );
  command(
    'stdio',
    'serve one client on the standard streams: with all servers in this process, or by a running bridge',
    [
      clientFileOption,
      new Option('--view <name>', 'a view or a server instead of everything').default('', 'everything'),
      new Option('--connect <url>', 'relay to this bridge, such as https://mcp.example/mcp').conflicts([
        'config',
        'mcpConfig',
        'view',
      ]),
      new Option('--key-file <file>', 'with --connect: holds the API key'),
    ],
    async (options: SourceOptions & { view: string; connect?: string; keyFile?: string }) => {
      const { runRelay, runStdio } = await import('./stdio.js');
      if (options.connect === undefined) return await runStdio(sources(options), options.view);
      return await runRelay({ connect: options.connect, keyFile: options.keyFile });
    },
  );
  program
    .command('key')
    .description('make an API key: the key for the client, its SHA-256 for auth.keys')
    .option('--id <name>', 'name of the key', 'client-1')
    .option('--tenant <name>', 'tenant that the key acts for', 'default')
    .action((options: { id: string; tenant: string }) => {
      process.stdout.write(makeKey(options));
    });

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
  return exitCode;
}

function version(): string {
  const file = new URL('../package.json', import.meta.url);
  // Our own package file, which always has a version.
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
