export type {
  CallHandle,
  CallHandler,
  CallRequest,
  CallSink,
  KeepResult,
  StaleWatcher,
  CancelReason,
  InputMessage,
  Link,
  ParamsSpans,
  Principal,
} from './link.js';
export { createInProcessLink } from './in-process-link.js';
export type { InProcessLinkOptions } from './in-process-link.js';
export { connectRouterLink, createRouterPool } from './router-pool.js';
export type { RouterLinkOptions, RouterPool, RouterPoolOptions, RouterState } from './router-pool.js';
export { startLinkServer } from './link-server.js';
export type { LinkServer, LinkServerOptions } from './link-server.js';
export type { LinkCredential, LinkTls } from './credential.js';
export type { LinkServerCredential, LinkServerTls } from './server-credential.js';
export type { LinkLimits } from './link-limits.js';
export { CallTable } from './call-table.js';
export { MemberList } from './member-list.js';
export type { Member } from './member-list.js';
export { createDeadline, createDeadlineWheel, DeadlineEntry } from './deadline-wheel.js';
export type { DeadlineWheel, DeadlineWheelOptions } from './deadline-wheel.js';
export type { LinkLog } from './link-log.js';
export { hashText, rendezvousScore } from './rendezvous.js';
export { createRouterApi } from './router-api/router-api.js';
export type { RouterApi, RouterApiOptions } from './router-api/router-api.js';
export type { ServerState } from './router-api/router-service.js';
export { createRouterClient } from './router-api/router-client.js';
export type {
  BatchOutcome,
  RouterCaller,
  RouterClient,
  RouterClientOptions,
  ToolCall,
  ToolCallOptions,
  ToolEvent,
  ToolResult,
} from './router-api/router-client.js';
