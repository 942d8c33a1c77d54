import { BridgeError, resultReply, scanEnvelope } from '@mcp-bridge/protocol';
import { watchFiles } from '@mcp-bridge/service';
import type { ToolConfig } from '@mcp-bridge/service';
import type {
  ChannelLease,
  UpstreamChannel,
  UpstreamRequest,
  UpstreamServer,
  UpstreamSink,
} from '../upstream/channel.js';
import { MODERN_VERSION } from '../adapt/era.js';
import { NativeTools } from './native-tools.js';
import type { NativeToolsOptions } from './native-tools.js';
import { findToolFiles } from './tool-files.js';

/** Listeners hear of changes at once. */
const LIST_TTL_MS = 300_000;
const METHOD_NOT_FOUND = -32601;
const SERVER_INFO = { name: 'mcp-bridge-tools', title: 'Native tools of the bridge', version: '0.1.0' };

export interface NativeServerOptions extends NativeToolsOptions {
  /** The tools to serve first. */
  readonly tools: readonly ToolConfig[];
  /** The list is not what it was. */
  readonly onListChanged: () => void;
}

/** The native tools, as the server that clients see them on. */
export interface NativeServer extends UpstreamServer {
  /** Serves these tools from now on, in the versions that their files have now. Calls in flight end in theirs. */
  reload(tools: readonly ToolConfig[]): void;
  /** For `/debug/state`. */
  status(): Record<string, unknown>;
}

/**
 * Loads the configured tools and serves them as one modern server, in this process; a module whose file changes is
 * loaded anew. Close it: it has threads.
 */
export function startNativeServer(options: NativeServerOptions): NativeServer {
  const { name } = options.workers;
  const tools = new NativeTools(options);
  let state: UpstreamServer['state'] = 'starting';
  let closed = false;
  let list: Buffer = Buffer.alloc(0);
  const channel: UpstreamChannel = {
    info: {
      era: 'modern',
      protocolVersion: MODERN_VERSION,
      capabilities: { tools: { listChanged: true }, logging: {} },
      serverInfo: SERVER_INFO,
      instructions: undefined,
    },
    get closed() {
      return closed;
    },
    get inFlight() {
      return tools.inFlight;
    },
    request(request, sink) {
      if (closed) sink.onError(new BridgeError('UPSTREAM_UNAVAILABLE', 'The native tools are closed'));
      else if (request.method === 'tools/call') return tools.call(request, sink);
      else answer(request, sink, list);
      return NOTHING_TO_CANCEL;
    },
    notify: () => undefined,
    listen: () => undefined,
    close: () => Promise.resolve(),
  };
  const lease: ChannelLease = { channel, owned: false, release: () => undefined };
  let configured = options.tools;
  const load = async (): Promise<void> => {
    if (closed) return;
    await tools.load(configured);
    const result = {
      resultType: 'complete',
      tools: tools.definitions(),
      ttlMs: LIST_TTL_MS,
      cacheScope: 'public',
    };
    const before = list;
    list = Buffer.from(JSON.stringify(result));
    if (state === 'starting') state = 'ready';
    else if (!list.equals(before)) options.onListChanged();
  };
  const loaded = load();
  let lastLoad = loaded;
  const loadAgain = (): void => {
    lastLoad = lastLoad.then(load);
  };
  const stopWatching = watchFiles({
    files: () => findToolFiles(configured).files.map(({ file }) => file),
    onChange: loadAgain,
  });

  return {
    name,
    get state() {
      return state;
    },
    get lastError() {
      const { faults } = tools;
      if (faults.length === 0) return undefined;
      const text = faults.map(({ source, reason }) => `${source}: ${reason}`).join('; ');
      return new BridgeError('CONFIG_INVALID', `Not served: ${text}`);
    },
    async catalogChannel() {
      await loaded;
      return channel;
    },
    acquire: () => (state === 'starting' ? loaded.then(() => lease) : lease),
    existing: () => undefined,
    endSession: () => Promise.resolve(),
    async drain(timeoutMs) {
      await tools.whenIdle(timeoutMs);
      await this.close();
    },
    reload(next) {
      configured = next;
      loadAgain();
    },
    async close() {
      closed = true;
      state = 'closed';
      stopWatching();
      await lastLoad;
      await tools.close();
    },
    status: () => tools.status(),
  };
}

const NOTHING_TO_CANCEL = { cancel: (): void => undefined };

function answer({ method }: UpstreamRequest, sink: UpstreamSink, list: Buffer): void {
  if (method === 'tools/list') {
    sink.onResult(scanEnvelope(resultReply('0', list)));
    return;
  }
  const options = { rpcCode: METHOD_NOT_FOUND };
  sink.onError(new BridgeError('UPSTREAM_ERROR', `Method not found: ${method}`, options));
}
