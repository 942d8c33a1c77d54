// What the suite runs as its client: `command.ts legacy|modern one|direct URL`. Starts a bridge whose only server is the
// suite's at URL (`direct`: none), and drives it with a client of that era. Prints FINISHED when the client came to
// its end.
import { startBridge, stopAll, type Started } from '../start-bridge.js';
import { connectClient, type SdkClient } from './connect.js';
import { FINISHED } from './finished.js';
import { CLIENT_SCENARIOS } from './scenarios.js';

const services: Started[] = [];
process.exitCode = await main();

async function main(): Promise<number> {
  const [era, topology, url] = process.argv.slice(2);
  const name = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
  const scenario = CLIENT_SCENARIOS[name];
  if (scenario === undefined) {
    process.stderr.write(`no client behaviour is written for the scenario "${name}"\n`);
    return 1;
  }
  if ((era !== 'legacy' && era !== 'modern') || url === undefined) {
    process.stderr.write('usage: command.ts legacy|modern one|direct URL\n');
    return 1;
  }
  let client: SdkClient | undefined;
  const connected = (): SdkClient => {
    if (client === undefined) throw new Error('asked before the client was connected');
    return client;
  };
  try {
    const direct = topology === 'direct';
    const route = direct ? url : (await startBridge({ topology: 'one', upstream: { url } }, services)).url;
    await using connection = await connectClient(era, route, scenario.answers?.(connected) ?? {});
    client = connection.client;
    const context: unknown = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? 'null');
    await scenario.run({ client, era, url: route, direct, context });
    process.stdout.write(`${FINISHED}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  } finally {
    // The suite waits until every connection to its server is closed.
    await stopAll(services);
    for (const { service } of services) process.stdout.write(service.output);
  }
}
