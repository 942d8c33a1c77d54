import { type CallRequest, type Link, createInProcessLink } from '@mcp-bridge/link';
import { createMetrics } from '@mcp-bridge/metrics';
import { BridgeError } from '@mcp-bridge/protocol';
import { createRouting } from '@mcp-bridge/routing';
import { type ConfigSources, EXIT_CONFIG, createLogger, faultLine, readConfig } from '@mcp-bridge/service';

export interface PrintToolsOptions {
  /** `''` for everything, else the name of a view or server. */
  readonly view: string;
  /** MCP's own JSON instead of a table. */
  readonly json: boolean;
}

/** The members of a tool that the table shows. */
interface Tool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
}

const PROTOCOL_VERSION = '2026-07-28';
/** Servers may have to be downloaded by their package runner first. */
const TIMEOUT_MS = 60_000;

/** Starts the configured servers, prints what a client would see, and ends them again. */
export async function printTools(sources: ConfigSources, options: PrintToolsOptions): Promise<number> {
  const result = readConfig({ ...sources, role: 'router' });
  if (!result.ok) {
    process.stderr.write(`${result.faults.map(faultLine).join('\n')}\n`);
    return EXIT_CONFIG;
  }
  const { config, secrets } = result.loaded;
  const log = createLogger({ name: 'tools', level: 'error', secrets: new Set(secrets) });
  const patient = { ...config, router: { ...config.router, listTimeout: TIMEOUT_MS } };
  const routing = createRouting({ config: patient, log, metrics: createMetrics({ processMetrics: false }) });
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const tools = await listTools(createInProcessLink(routing.handler), options.view, interrupt.signal);
    process.stdout.write(options.json ? `${JSON.stringify({ tools }, null, 2)}\n` : table(tools));
    const failed = failures(routing.status());
    for (const line of failed) process.stderr.write(`${line}\n`);
    return failed.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${BridgeError.from(error).message}\n`);
    return 1;
  } finally {
    await routing.close();
  }
}

async function listTools(link: Link, view: string, signal: AbortSignal): Promise<Tool[]> {
  const tools: Tool[] = [];
  let cursor: string | undefined;
  do {
    const page = await callList(link, view, cursor, signal);
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return tools;
}

interface ToolsPage {
  readonly tools: readonly Tool[];
  readonly nextCursor?: string;
}

function callList(
  link: Link,
  view: string,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<ToolsPage> {
  return new Promise((resolve, reject) => {
    const handle = link.call(listRequest(view, cursor), {
      onMessage: () => undefined,
      // The router made this result itself, from lists that it has checked.
      onResult: (page) => resolve(JSON.parse(page.toString()) as ToolsPage),
      onError: reject,
    });
    signal.addEventListener('abort', () => {
      handle.cancel();
      reject(new BridgeError('CANCELLED', 'Interrupted'));
    });
  });
}

function listRequest(view: string, cursor: string | undefined): CallRequest {
  return {
    principal: { tenant: 'default', id: 'mcp-bridge tools' },
    view,
    method: 'tools/list',
    name: '',
    params: Buffer.from(JSON.stringify(cursor === undefined ? {} : { cursor })),
    spans: {
      nameStart: -1,
      nameEnd: -1,
      metaStart: -1,
      metaEnd: -1,
      progressTokenStart: -1,
      progressTokenEnd: -1,
    },
    clientRequestId: '1',
    protocolVersion: PROTOCOL_VERSION,
    capabilities: '{}',
    clientInfo: '',
    session: '',
    logLevel: '',
    timeoutMs: TIMEOUT_MS,
    paramHeaders: '',
    traceparent: '',
    home: '',
    replayStream: '',
  };
}

function table(tools: readonly Tool[]): string {
  const width = Math.min(48, Math.max(4, ...tools.map((tool) => tool.name.length)));
  const rows = tools.map(({ name, title, description }) => {
    const text = (description ?? title ?? '').replace(/\s+/g, ' ').trim();
    const columns = (process.stdout.columns ?? 120) - width - 2;
    const short = text.length > columns && columns > 20 ? `${text.slice(0, columns - 1)}…` : text;
    // Names and descriptions come from servers: keep control characters out of the terminal.
    return `${name.padEnd(width)}  ${short}`.replace(/\p{Cc}/gu, '').trimEnd();
  });
  return `${[...rows, '', `${tools.length} tools`].join('\n')}\n`;
}

/** The servers whose tools are missing, with the reason. */
function failures(status: Record<string, unknown>): string[] {
  const { servers } = status;
  if (!Array.isArray(servers)) return [];
  return servers.flatMap((server: unknown) => {
    if (typeof server !== 'object' || server === null) return [];
    if (!('lastError' in server) || typeof server.lastError !== 'string') return [];
    return [`${'server' in server ? String(server.server) : 'a server'}: ${server.lastError}`];
  });
}
