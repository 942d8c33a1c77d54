export { connectLegacyClient, createLegacyClient, type LegacyClient } from './clients/legacy-client.js';
export {
  connectModernClient,
  createModernClient,
  type ModernClient,
  type ModernClientOptions,
} from './clients/modern-client.js';
export { connectSseClient, type SseClient } from './clients/sse-client.js';
export { changingServerCommand } from './changing.js';
export type { ClientAnswers, ClientOptions } from './clients/answers.js';
export { echoServerCommand, startEchoHttp, type EchoHttp } from './echo.js';
export { startFaultyHttp, type FaultyHttp, type FaultyHttpOptions, type HttpFault } from './faulty-http.js';
export {
  fixtureCommand,
  spawnFixtureHttp,
  startFixtureHttp,
  startFixtureSse,
  type CommandLine,
  type FixtureChoice,
  type SpawnedFixture,
} from './fixture.js';
export type { EraMode } from './fixture/options.js';
export type { HttpFixture } from './fixture/serve/serve-http.js';
export type { SseFixture } from './fixture/serve/serve-sse.js';
export { postgresPrograms, startPostgres, type Postgres } from './postgres.js';
export { freePort } from './process/free-port.js';
export { descendantsOf, isRunning } from './process/process-group.js';
export {
  spawnService,
  type ExitStatus,
  type SpawnedService,
  type SpawnServiceOptions,
} from './process/spawn-service.js';
export { createTempFolder, type TempFolder } from './process/temp-folder.js';
export { waitFor, waitForEvent, type WaitOptions } from './process/wait-for.js';
export { holdRow, type RowFigure } from './reliability-row.js';
export { openLegacySession, type LegacySession, type LegacySessionOptions } from './raw/legacy-session.js';
export { modernRequest, type ModernRequestOptions } from './raw/modern-request.js';
export {
  openRaw,
  sendRaw,
  type JsonObject,
  type RawMessage,
  type RawReply,
  type RawRequestOptions,
  type RawStream,
} from './raw/raw-http.js';
export { createSseParser, type SseEvent, type SseParser } from './raw/sse-parser.js';
