import { z } from 'zod';
import { bytes, duration } from './units.js';

/** Names that appear in paths and as prefixes of tool names (requirement 59). */
export const serverName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.-]*(?:_[A-Za-z0-9.-]+)*$/, 'use letters, digits, ".", "-" and single "_"')
  .max(60);

const isolation = z.enum(['session', 'tenant', 'shared']);

/** `true`: tools stay as they were seen first. A map holds the tools that it names to these digests instead. */
const pin = z
  .union([
    z.boolean(),
    z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 as 64 lower-case hex digits')),
  ])
  .default(false);

/** A server that the bridge spawns and talks to over its standard streams. */
export const stdioServer = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  cwd: z.string().optional(),
  isolation: isolation.default('session'),
  /** Processes of a `shared` server (1 unless set); else so many wait warm for the next client (none unless set). */
  poolSize: z.int().min(0).max(64).optional(),
  /** Most processes of this server at once. */
  maxProcesses: z.int().min(1).default(1000),
  /** Memory of one of its process groups; one that has more is ended. */
  memoryLimit: bytes.optional(),
  /** Cores that one of its processes may use, with all that it starts; by cgroup v2. */
  cpuLimit: z.number().min(0.01).max(1024).optional(),
  idleTtl: duration.default(300_000),
  startTimeout: duration.default(30_000),
  timeout: duration.default(60_000),
  maxMessageBytes: bytes.default(4 * 1024 * 1024),
  pin,
  disabled: z.boolean().default(false),
});

const httpUrl = z.url({ protocol: /^https?$/ });

/** How it is found out whether a URL lives. */
const healthCheckSchema = z.strictObject({
  /** How often to ask without cause; 10 s unless set where there are several URLs, never (0) where there is one. */
  interval: duration.optional(),
  /** For one answer. */
  timeout: duration.default(5_000),
  /** So many in a row must fail to take a URL out. */
  failures: z.int().min(1).max(100).default(2),
  /** A call that brings nothing for so long, or misses its deadline, makes the bridge ask at once; 0 for never. */
  silence: duration.default(10_000),
  /** `mcp` asks `server/discover`, `http` a path, `tcp` connects. */
  probe: z.enum(['mcp', 'http', 'tcp']).default('mcp'),
  /** For `http`; healthy is 2xx. */
  path: z.string().startsWith('/').default('/'),
});

/** When a URL is not called for a while. */
const breakerSchema = z.strictObject({
  /** So many failures in a row take it out. */
  failures: z.int().min(1).max(1000).default(5),
  /** For how long at first; each time again twice as long, up to 30 s. */
  openFor: duration.default(1_000),
});

/** A server that the bridge reaches by URL. */
export const httpServer = z.strictObject({
  /** One URL, or those of several replicas that are alike. */
  url: z
    .union([httpUrl, z.array(httpUrl).min(1).max(32)])
    .transform((urls): readonly string[] => (typeof urls === 'string' ? [urls] : urls)),
  /** How calls are spread over several URLs. */
  balance: z.enum(['round-robin', 'least-connections', 'session-hash']).default('round-robin'),
  healthCheck: healthCheckSchema.prefault({}),
  breaker: breakerSchema.prefault({}),
  /** `auto` finds out; `http` is Streamable HTTP, `sse` the HTTP+SSE transport of 2024-11-05. */
  transport: z.enum(['auto', 'http', 'sse']).default('auto'),
  headers: z.record(z.string(), z.string()).default({}),
  isolation: isolation.default('session'),
  idleTtl: duration.default(300_000),
  startTimeout: duration.default(30_000),
  timeout: duration.default(60_000),
  maxMessageBytes: bytes.default(4 * 1024 * 1024),
  /** Calls that work at one URL at once. */
  connections: z.int().min(1).max(1024).default(64),
  /** Plain http and private addresses are refused beyond loopback unless this is set. */
  allowPrivateNetwork: z.boolean().default(false),
  pin,
  disabled: z.boolean().default(false),
});

/** One upstream MCP server: a command to spawn, or a URL. */
export const serverSchema = z.union([stdioServer, httpServer]);

const globs = z.strictObject({
  allow: z.array(z.string()).optional(),
  deny: z.array(z.string()).default([]),
});

const viewSchema = z.strictObject({
  servers: z.array(z.string()).min(1),
  tools: globs.default({ deny: [] }),
  prompts: globs.default({ deny: [] }),
  resources: globs.default({ deny: [] }),
});

/** One static API key. Only its SHA-256 is configured; the key itself never is. */
const apiKey = z.strictObject({
  id: z.string().min(1).max(64),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the key as 64 lower-case hex digits'),
  tenant: z.string().min(1).max(64).default('default'),
});

const authSchema = z.strictObject({
  keys: z.array(apiKey).default([]),
  /** Callers without a key act as this tenant; without it they get 401. */
  anonymous: z.strictObject({ tenant: z.string().min(1).max(64).default('anonymous') }).optional(),
});

/** A file with a native tool; as a mapping, what the operator decides over the module's own word. */
const toolSchema = z.union([
  z.string().min(1),
  z.strictObject({
    /** A file, or a pattern with `*` and `?`; relative to the configuration file. */
    path: z.string().min(1),
    /** Most calls at once. */
    concurrency: z.int().min(1).optional(),
    timeout: duration.optional(),
    disabled: z.boolean().default(false),
  }),
]);

/** The threads in which native tools run, and how they appear. */
const workersSchema = z.strictObject({
  /** The server name under which native tools appear. */
  name: serverName.default('tools'),
  /** One per core but one, at most 8, unless set. */
  threads: z.int().min(1).max(256).optional(),
  /** Most calls that wait for a thread, over all tenants. */
  maxQueue: z.int().min(1).default(1000),
  /** Heap of one thread; a tool that needs more ends its thread and its call. */
  memoryLimit: bytes.default(256 * 1024 * 1024),
  /** How long a tool may take to notice that its call is over, before its thread is ended. */
  cancelGrace: duration.default(1_000),
  /** How long the import of a tool module may take. */
  loadTimeout: duration.default(10_000),
});

const tlsSchema = z.strictObject({
  certFile: z.string(),
  keyFile: z.string(),
  caFile: z.string().optional(),
});

/** MCP over TCP, as lines or frames; a port of its own, opened only where it is configured. */
const tcpSchema = z.strictObject({
  /** `gateway.host` unless set. */
  host: z.string().optional(),
  port: z.int().min(0).max(65535).default(8081),
  /** `gateway.tls` unless set. */
  tls: tlsSchema.optional(),
  /** Longest message that is taken. */
  maxFrameBytes: bytes.default(1024 * 1024),
  maxConnections: z.int().min(1).default(10_000),
});

const gatewaySchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(8080),
  tls: tlsSchema.optional(),
  /** Origins of browsers that may call; loopback origins are always allowed on a loopback bind. */
  allowedOrigins: z.array(z.string()).default([]),
  /** Host headers to accept; loopback names and the bound host are always accepted. */
  allowedHosts: z.array(z.string()).default([]),
  maxBodyBytes: bytes.default(4 * 1024 * 1024),
  /** Unwritten bytes after which a client that does not read is cut off. */
  maxBufferedBytes: bytes.default(8 * 1024 * 1024),
  /** Whole-call limit. */
  callTimeout: duration.default(60_000),
  /** Quiet time after which an SSE stream gets a comment. */
  keepAlive: duration.default(15_000),
  /** Where legacy session tokens get their key; a random one per start when absent. At least 32 bytes. */
  sessionKeyFile: z.string().optional(),
  /** Routers to link to, `host:port`; used by `mcp-bridge gateway` only. */
  routers: z.array(z.string()).default(['127.0.0.1:7400']),
  drainTimeout: duration.default(20_000),
  tcp: tcpSchema.optional(),
});

const linkSchema = z.strictObject({
  /** Shared secret that proves a link peer. Required beyond loopback unless mTLS is set. */
  tokenFile: z.string().optional(),
  tls: tlsSchema.optional(),
});

const routerSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(7400),
  /** How long lists of a legacy upstream stay fresh in the catalog. */
  listTtl: duration.default(300_000),
  /** How long an aggregated list waits for a slow upstream before it answers without it. */
  listTimeout: duration.default(3_000),
  pageSize: z.int().min(1).max(10_000).default(1000),
  sessionIdleTtl: duration.default(1_800_000),
  /** How long a stateless client may think about a question of a legacy server, whose call is held meanwhile. */
  inputTtl: duration.default(300_000),
  /** Child processes at once, over all stdio servers. */
  maxServers: z.int().min(1).default(2000),
  /** Of them, those that serve one tenant alone. */
  maxServersPerTenant: z.int().min(1).default(1000),
  /** Longest request and longest response of the gRPC API for internal services. */
  maxMessageBytes: bytes.default(4 * 1024 * 1024),
  drainTimeout: duration.default(20_000),
});

const adminSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 picks a free port. The next ports are tried when it is taken (several services on one host). */
  port: z.int().min(0).max(65535).default(9464),
});

const logSchema = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** The whole of `bridge.yaml`. Every field has a default; unknown fields are faults. */
export const configSchema = z.strictObject({
  servers: z.record(serverName, serverSchema).default({}),
  /** Files with native tools. */
  tools: z.array(toolSchema).default([]),
  workers: workersSchema.prefault({}),
  views: z.record(serverName, viewSchema).default({}),
  auth: authSchema.default({ keys: [] }),
  gateway: gatewaySchema.prefault({}),
  router: routerSchema.prefault({}),
  link: linkSchema.prefault({}),
  admin: adminSchema.prefault({}),
  log: logSchema.prefault({}),
});

export type BridgeConfig = z.infer<typeof configSchema>;
export type ServerConfig = z.infer<typeof serverSchema>;
export type StdioServerConfig = z.infer<typeof stdioServer>;
export type HttpServerConfig = z.infer<typeof httpServer>;
export type PinConfig = z.infer<typeof pin>;
export type ToolConfig = z.infer<typeof toolSchema>;
export type WorkersConfig = z.infer<typeof workersSchema>;
export type ViewConfig = z.infer<typeof viewSchema>;
export type AuthConfig = z.infer<typeof authSchema>;
export type GatewayConfig = z.infer<typeof gatewaySchema>;
export type RouterConfig = z.infer<typeof routerSchema>;
export type LinkConfig = z.infer<typeof linkSchema>;
export type AdminConfig = z.infer<typeof adminSchema>;
export type LogConfig = z.infer<typeof logSchema>;
