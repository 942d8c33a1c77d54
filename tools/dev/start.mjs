// npm start: installs what is missing, then runs the bridge with the example configuration. It needs no build:
// mcp-bridge runs compiled code where that is current and the source itself where it is not.
// Plain Node, no packages: this is the first thing that runs in a fresh clone.
// Arguments go to the bridge instead of the example: npm start -- -c my.yaml
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { installPackages, requireNode, root } from './prepare.mjs';

const INSPECTOR =
  'npx -y --engine-strict=false --loglevel=error -p node@22.23.3 -p @modelcontextprotocol/inspector@2.12.0 mcp-inspector --cli';
const PORTS_TRIED = 20;

requireNode();
installPackages();

const isExample = process.argv.length === 2;
const args = isExample ? ['-c', 'apps/bridge/examples/bridge.yaml'] : process.argv.slice(2);
const env = { MCP_BRIDGE_LOG__LEVEL: 'warn', ...process.env };
env.MCP_BRIDGE_GATEWAY__PORT ??= String(await freePort(8080));
// Set for another configuration, it would open a port that nobody asked for.
if (isExample)
  env.MCP_BRIDGE_GATEWAY__TCP__PORT ??= String(await freePort(8081, Number(env.MCP_BRIDGE_GATEWAY__PORT)));
const bridge = spawn(
  process.execPath,
  ['--initial-heap-size=96', path.join(root, 'apps/bridge/bin/mcp-bridge.mjs'), 'start', ...args],
  {
    cwd: root,
    env,
    stdio: ['inherit', 'pipe', 'inherit'],
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => bridge.kill(signal));
bridge.on('exit', (code) => process.exit(code ?? 1));

let output = '';
let announced = false;
bridge.stdout.setEncoding('utf8').on('data', (text) => {
  process.stdout.write(text);
  if (announced) return;
  output += text;
  const url = /serves (\S+)\n/.exec(output)?.[1];
  if (url === undefined) return;
  announced = true;
  console.log(guide(url));
});

/** The first port from `wanted` on that nobody on this machine listens on, nor is going to. */
async function freePort(wanted, promised) {
  for (let port = wanted; port < wanted + PORTS_TRIED; port += 1) {
    if (port === promised) continue;
    const free = await new Promise((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
    });
    if (free) {
      if (port !== wanted) console.log(`Port ${wanted} is taken; using ${port}.`);
      return port;
    }
  }
  return wanted;
}

function guide(url) {
  return `
List the tools:
  ${curl(url, 'tools/list', {})}

Call one:
  ${curl(url, 'tools/call', { name: 'everything__echo', arguments: { message: 'hello' } })}

The same with MCP Inspector (brings its own Node 22):
  ${INSPECTOR} ${url} --transport http --method tools/list
  ${INSPECTOR} ${url} --transport http --method tools/call --tool-name everything__echo --tool-arg message=hello

Ctrl-C ends the bridge and its servers.
`;
}

/** A request of revision 2026-07-28 needs no session, so it fits one line. */
function curl(url, method, params) {
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method,
    params: {
      ...params,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'curl', version: '8' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(params.name && { 'mcp-name': params.name }),
  };
  const flags = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
  return ['curl -s', url, ...flags, `-d '${JSON.stringify(body)}'`].join(' ');
}
