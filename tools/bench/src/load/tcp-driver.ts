import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  encodeCredit,
  encodeFrame,
  encodeHello,
  encodePong,
  FRAME_ENCODING,
  FRAME_KIND,
  FrameDecoder,
  FRAMING_PREFACE,
  jsonToMsgpack,
  type MessageEncoding,
} from '@mcp-bridge/protocol';
import type { LoadConnection } from './connection.js';
import { numberedBatch, numberedBody } from './numbered-request.js';

/** Load of equal messages on a TCP server that sends each back. */
export interface TcpEchoSpec {
  readonly kind: 'tcp-echo';
  readonly port: number;
  readonly connections: number;
  readonly messageBytes: number;
}

/** Load of JSON-RPC requests over binary TCP, each connection a client of its own. */
export interface TcpLoadSpec {
  readonly kind: 'tcp';
  readonly port: number;
  readonly connections: number;
  /** Default json. Requests in MessagePack all have the same id: one is under way at a time. */
  readonly encoding?: MessageEncoding;
  readonly key?: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Requests under way on each connection; default 1, and only 1 in MessagePack. */
  readonly inFlight?: number;
}

const HOST = '127.0.0.1';
/** What the server may send between two CREDIT frames of ours. */
const CREDIT_BYTES = 64 * 1024 * 1024;
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export async function openTcpEcho({ port, messageBytes }: TcpEchoSpec): Promise<LoadConnection> {
  const socket = connect({ host: HOST, port, noDelay: true });
  await once(socket, 'connect');
  const message = Buffer.alloc(messageBytes, 'x');
  let due = 0;
  const connection: LoadConnection = {
    onReply: () => {},
    onClose: () => {},
    send() {
      due = messageBytes;
      socket.write(message);
    },
    close: () => socket.destroy(),
  };
  socket.on('data', (bytes) => {
    due -= bytes.length;
    if (due <= 0) connection.onReply(due === 0);
  });
  socket.on('error', () => {});
  socket.once('close', () => connection.onClose());
  return connection;
}

/** Connects one client and waits for the WELCOME; one that was cut while idle is opened again before a run. */
export async function openTcpClient(spec: TcpLoadSpec): Promise<LoadConnection> {
  const { method, params, encoding = 'json', inFlight = 1 } = spec;
  const body = numberedBody(method, params);
  const frame =
    encoding === 'json'
      ? encodeFrame(FRAME_KIND.MESSAGE, FRAME_ENCODING.JSON, body)
      : encodeFrame(FRAME_KIND.MESSAGE, FRAME_ENCODING.MSGPACK, jsonToMsgpack(body));
  const requests =
    encoding === 'json'
      ? numberedBatch(frame, inFlight)
      : { next: () => frame, has: (answer: Buffer) => answer.includes('id') };
  const connection: LoadConnection = {
    requestsPerSend: inFlight,
    onReply: () => {},
    onClose: () => {},
    async prepare() {
      if (socket.destroyed) socket = await open();
    },
    send: () => socket.write(requests.next()),
    close: () => socket.destroy(),
  };
  const isAnswer = (payload: Buffer): boolean => requests.has(payload) && payload.includes('result');
  const open = (): Promise<Socket> => openFrames(spec, connection, isAnswer);
  let socket = await open();
  return connection;
}

async function openFrames(
  { port, key, encoding = 'json' }: TcpLoadSpec,
  connection: LoadConnection,
  isAnswer: (payload: Buffer) => boolean,
): Promise<Socket> {
  const socket = connect({ host: HOST, port, noDelay: true });
  await once(socket, 'connect');
  const hello = { encodings: [encoding], credit: CREDIT_BYTES, maxFrameBytes: MAX_FRAME_BYTES };
  socket.write(
    Buffer.concat([FRAMING_PREFACE, encodeHello({ ...hello, ...(key !== undefined && { key }) })]),
  );
  let received = 0;
  return await new Promise((resolve, reject) => {
    const decoder = new FrameDecoder(
      {
        onFrame(kind, _encoding, payload) {
          if (kind === FRAME_KIND.WELCOME) return resolve(socket);
          if (kind === FRAME_KIND.ERROR)
            return reject(new Error(`TCP client refused: ${payload.toString()}`));
          if (kind === FRAME_KIND.PING) return void socket.write(encodePong(payload));
          if (kind !== FRAME_KIND.MESSAGE) return;
          received += payload.length;
          if (received > CREDIT_BYTES / 2) {
            socket.write(encodeCredit(received));
            received = 0;
          }
          connection.onReply(isAnswer(payload));
        },
      },
      MAX_FRAME_BYTES,
    );
    socket.on('data', (bytes) => decoder.push(bytes));
    socket.on('error', () => {});
    socket.once('close', () => {
      reject(new Error(`the TCP connection to port ${port} was closed before WELCOME`));
      connection.onClose();
    });
  });
}
