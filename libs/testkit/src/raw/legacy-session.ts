import {
  openRaw,
  sendRaw,
  type JsonObject,
  type RawMessage,
  type RawReply,
  type RawStream,
} from './raw-http.js';

export interface LegacySessionOptions {
  /** Default 2025-11-25. */
  readonly protocolVersion?: string;
  readonly capabilities?: JsonObject;
  /** Sent with every request: credentials, an Origin. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A session of a 2025-era client, at the level of HTTP messages. */
export interface LegacySession {
  /** `undefined` when the server keeps none. */
  readonly id: string | undefined;
  /** What `initialize` returned. */
  readonly initialized: RawMessage;
  /** Headers of every request in this session. */
  readonly headers: Readonly<Record<string, string>>;
  request(method: string, params?: JsonObject, id?: string | number): Promise<RawReply>;
  /** Like `request`, for replies that ask the client something on their way. */
  open(method: string, params?: JsonObject, id?: string | number): Promise<RawStream>;
  /** Sends a notification or a response. */
  post(message: JsonObject): Promise<RawReply>;
  /** The GET stream, or the rest of the stream of `lastEventId`. */
  listen(lastEventId?: string): Promise<RawStream>;
  /** DELETE. */
  end(): Promise<RawReply>;
}

/** Initializes a session; ids count up from 2. */
export async function openLegacySession(
  url: string,
  { protocolVersion = '2025-11-25', capabilities = {}, headers = {} }: LegacySessionOptions = {},
): Promise<LegacySession> {
  const params = { protocolVersion, capabilities, clientInfo: { name: 'raw-client', version: '1.0.0' } };
  const reply = await sendRaw(url, {
    headers,
    body: { jsonrpc: '2.0', id: 1, method: 'initialize', params },
  });
  const sessionId = reply.headers['mcp-session-id'];
  const id = typeof sessionId === 'string' ? sessionId : undefined;
  const negotiated = reply.message.result?.['protocolVersion'];
  const sessionHeaders = {
    ...headers,
    ...(id !== undefined && { 'mcp-session-id': id }),
    // Clients of before 2025-06-18 do not know this header.
    ...(typeof negotiated === 'string' &&
      negotiated >= '2025-06-18' && { 'mcp-protocol-version': negotiated }),
  };
  let lastId = 1;
  const callOf = (
    method: string,
    callParams: JsonObject,
    callId: string | number | undefined,
  ): JsonObject => {
    if (callId === undefined) lastId += 1;
    return { jsonrpc: '2.0', id: callId ?? lastId, method, params: callParams };
  };
  const session: LegacySession = {
    id,
    initialized: reply.message,
    headers: sessionHeaders,
    request: (method, callParams = {}, callId) =>
      sendRaw(url, { headers: sessionHeaders, body: callOf(method, callParams, callId) }),
    open: (method, callParams = {}, callId) =>
      openRaw(url, { headers: sessionHeaders, body: callOf(method, callParams, callId) }),
    post: (message) => sendRaw(url, { headers: sessionHeaders, body: { jsonrpc: '2.0', ...message } }),
    listen: (lastEventId) =>
      openRaw(url, {
        method: 'GET',
        headers: {
          ...sessionHeaders,
          accept: 'text/event-stream',
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
        },
      }),
    end: () => sendRaw(url, { method: 'DELETE', headers: sessionHeaders }),
  };
  if (reply.status === 200) await session.post({ method: 'notifications/initialized' });
  return session;
}
