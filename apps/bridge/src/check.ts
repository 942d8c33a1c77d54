import { type BridgeConfig, EXIT_CONFIG, type ServiceRole, faultLine, readConfig } from '@mcp-bridge/service';
import { type SourceOptions, configSources } from './config-sources.js';

/** Prints all faults (exit code 78), or what the configuration amounts to (0). Opens nothing. */
export function check(options: SourceOptions & { readonly role: ServiceRole }): number {
  const sources = configSources(options, process.env, process.cwd());
  const result = readConfig({ ...sources, role: options.role });
  if (!result.ok) {
    const count = result.faults.length;
    process.stderr.write(`${result.faults.map(faultLine).join('\n')}\n`);
    process.stderr.write(`${count} ${count === 1 ? 'fault' : 'faults'}\n`);
    return EXIT_CONFIG;
  }
  const { config, warnings } = result.loaded;
  for (const warning of warnings) process.stdout.write(`note: ${warning}\n`);
  process.stdout.write(`${summary(config)}\n`);
  return 0;
}

function summary({ servers, views, auth, gateway, router, admin }: BridgeConfig): string {
  const lines = Object.entries(servers).map(([name, server]) => {
    const kind =
      'command' in server
        ? `stdio, ${server.command}`
        : `http, ${server.url.map((url) => new URL(url).origin).join(' ')}`;
    return `  ${name}: ${server.disabled ? 'disabled' : `${kind}, isolation ${server.isolation}`}`;
  });
  const names = Object.keys(views).join(', ');
  return [
    `ok: ${lines.length} ${lines.length === 1 ? 'server' : 'servers'}`,
    ...lines,
    `views: ${names === '' ? 'none' : names}`,
    `callers: ${auth.keys.length} keys, anonymous ${auth.anonymous === undefined ? 'refused' : 'allowed'}`,
    `gateway ${gateway.host}:${gateway.port}, router ${router.host}:${router.port}, admin ${admin.host}:${admin.port}`,
  ].join('\n');
}
