import type { FuzzTransport } from '../run/fuzz-job.js';
import { fuzzHttp } from './http/fuzz-http.js';
import { fuzzConversations } from './channel/fuzz-conversations.js';
import { fuzzSse } from './sse/fuzz-sse.js';
import { fuzzStdio } from './stdio/fuzz-stdio.js';
import { tcpFrames } from './tcp/frame-channel.js';
import { tcpLines } from './tcp/line-channel.js';
import { webSockets } from './websocket/websocket-channel.js';
import type { TransportName } from './transport-name.js';

export const TRANSPORTS: Readonly<Record<TransportName, FuzzTransport>> = {
  http: fuzzHttp,
  websocket: (job) => fuzzConversations(job, webSockets(job.target.port)),
  tcp: (job) => fuzzConversations(job, tcpLines(job.target.tcpPort)),
  'tcp-framed': (job) => fuzzConversations(job, tcpFrames(job.target.tcpPort)),
  stdio: fuzzStdio,
  sse: fuzzSse,
};
