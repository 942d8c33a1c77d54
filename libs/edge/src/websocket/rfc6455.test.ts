import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modern } from '../test-client.js';
import { startTestGateway, type TestGateway } from '../test-gateway.js';
import { closePayload, encodeFrame, OPCODE, RawWebSocket } from './raw-websocket.js';

/**
 * What RFC 6455 demands of a server's framing, in the families that the Autobahn test suite has made customary
 * (1–7, 9, 10). The router of these tests answers a tool call with its params, which makes the server an echo.
 *
 * Failing a connection may or may not send a close frame (section 7.1.7); uWebSockets.js closes the TCP connection
 * without one. Where it is laxer than Autobahn's strict reading, the test says so.
 */

const MAX_BYTES = 1024 * 1024;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ config: { maxBodyBytes: MAX_BYTES } });
  gateway.router.on('tools/call', ({ request, sink }) => sink.onResult(request.params));
});
afterAll(() => gateway.close());

const connect = (): Promise<RawWebSocket> => RawWebSocket.connect(gateway.port);

const [HEAD = '', TAIL = ''] = JSON.stringify(
  modern(1, 'tools/call', { text: '|', name: 'echo' }).message,
).split('|');

/** A request of exactly this many bytes, and the text that its reply repeats. */
function requestOf(bytes: number): { request: string; text: string } {
  const text = '*'.repeat(bytes - HEAD.length - TAIL.length);
  return { request: `${HEAD}${text}${TAIL}`, text };
}

const requestWith = (text: string): Buffer => Buffer.from(`${HEAD}${text}${TAIL}`);

async function expectEcho(ws: RawWebSocket, text: string): Promise<void> {
  expect(await ws.nextMessage()).toMatchObject({ id: 1, result: { text } });
}

/** The connection still carries messages. */
async function expectAlive(ws: RawWebSocket): Promise<void> {
  ws.send(OPCODE.text, requestWith('alive'));
  await expectEcho(ws, 'alive');
  ws.destroy();
}

/** The server fails the connection; a close frame, if it sends one, has this code. */
async function expectFailure(ws: RawWebSocket, code: number): Promise<void> {
  const ending = await ws.untilClosed();
  expect([code, 1006]).toContain(ending.code);
}

describe('1 · messages', () => {
  test.each([300, 65_535, 65_536, 65_537])('text of %i bytes', async (size) => {
    const ws = await connect();
    const { request, text } = requestOf(size);
    ws.send(OPCODE.text, request);
    await expectEcho(ws, text);
    await expectAlive(ws);
  });

  test.each([0, 125, 126, 127, 128])('text of %i bytes that is no JSON', async (size) => {
    const ws = await connect();
    expect(await ws.ask('*'.repeat(size))).toMatchObject({ error: { code: -32700 } });
    await expectAlive(ws);
  });

  test.each([997, 65_535])('text of 65 536 bytes in writes of %i', async (size) => {
    const ws = await connect();
    const { request, text } = requestOf(65_536);
    await ws.sendChopped(encodeFrame(OPCODE.text, request), size);
    await expectEcho(ws, text);
    await expectAlive(ws);
  });

  test.each([0, 125, 126, 127, 128, 65_535, 65_536])(
    'binary of %i bytes is not taken: 1003',
    async (size) => {
      const ws = await connect();
      ws.send(OPCODE.binary, Buffer.alloc(size, 0xfe));
      expect((await ws.untilClosed()).code).toBe(1003);
    },
  );

  test('replies are single text frames without extensions', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, requestWith('x'));
    expect(await ws.next()).toMatchObject({ fin: true, rsv: 0, opcode: OPCODE.text });
    ws.destroy();
  });
});

describe('2 · pings and pongs', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('Hello, world!')],
    ['binary', Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff])],
    ['125 bytes', Buffer.alloc(125, 0xfe)],
  ])('a ping with %s gets a pong with the same', async (_what, payload) => {
    const ws = await connect();
    ws.send(OPCODE.ping, payload);
    expect(await ws.next()).toMatchObject({ fin: true, opcode: OPCODE.pong, payload });
    await ws.sendChopped(encodeFrame(OPCODE.ping, payload), 1);
    expect(await ws.next()).toMatchObject({ opcode: OPCODE.pong, payload });
    await expectAlive(ws);
  });

  test('a ping with 126 bytes fails the connection', async () => {
    const ws = await connect();
    ws.send(OPCODE.ping, Buffer.alloc(126, 0xfe));
    await expectFailure(ws, 1002);
  });

  test.each(['', 'unsolicited'])('a pong that nobody asked for (%j) is ignored', async (payload) => {
    const ws = await connect();
    ws.send(OPCODE.pong, payload);
    ws.send(OPCODE.ping, 'after');
    expect(await ws.next()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from('after') });
    await expectAlive(ws);
  });

  test.each([10_000, 1])('ten pings in writes of %i bytes get ten pongs in their order', async (size) => {
    const ws = await connect();
    const payloads = Array.from({ length: 10 }, (_, index) => `payload-${index}`);
    await ws.sendChopped(Buffer.concat(payloads.map((payload) => encodeFrame(OPCODE.ping, payload))), size);
    for (const payload of payloads) {
      expect(await ws.next()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from(payload) });
    }
    await expectAlive(ws);
  });
});

describe('3 · reserved bits fail the connection', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('%i on text', async (rsv) => {
    const ws = await connect();
    ws.send(OPCODE.text, requestWith('x'), { rsv });
    await expectFailure(ws, 1002);
  });

  test.each([
    ['binary', OPCODE.binary],
    ['ping', OPCODE.ping],
    ['pong', OPCODE.pong],
    ['close', OPCODE.close],
  ])('on %s', async (_what, opcode) => {
    const ws = await connect();
    ws.send(opcode, closePayload(1000), { rsv: 5 });
    await expectFailure(ws, 1002);
  });

  test('after a message that was answered', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, requestWith('first'));
    await expectEcho(ws, 'first');
    await ws.sendChopped(encodeFrame(OPCODE.text, requestWith('x'), { rsv: 3 }), 1);
    await expectFailure(ws, 1002);
  });

  test('on a continuation', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, HEAD, { fin: false });
    ws.send(OPCODE.continuation, `x${TAIL}`, { rsv: 4 });
    await expectFailure(ws, 1002);
  });
});

describe('4 · reserved opcodes fail the connection', () => {
  test.each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])('%i, with and without payload', async (opcode) => {
    for (const payload of ['', 'payload']) {
      const ws = await connect();
      ws.send(OPCODE.text, requestWith('first'));
      await expectEcho(ws, 'first');
      ws.send(opcode, payload);
      await expectFailure(ws, 1002);
    }
  });
});

describe('5 · fragmentation', () => {
  test.each([
    ['ping', OPCODE.ping],
    ['pong', OPCODE.pong],
    ['close', OPCODE.close],
  ])('a %s in fragments fails the connection', async (_what, opcode) => {
    const ws = await connect();
    ws.send(opcode, closePayload(1000), { fin: false });
    ws.send(OPCODE.continuation, 'rest');
    await expectFailure(ws, 1002);
  });

  test.each([100_000, 1])('text in two fragments, in writes of %i bytes', async (size) => {
    const ws = await connect();
    const frames = [
      encodeFrame(OPCODE.text, HEAD, { fin: false }),
      encodeFrame(OPCODE.continuation, `fragmented${TAIL}`),
    ];
    await ws.sendChopped(Buffer.concat(frames), size);
    await expectEcho(ws, 'fragmented');
    await expectAlive(ws);
  });

  test('pings between fragments are answered at once', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, HEAD, { fin: false });
    ws.send(OPCODE.ping, 'one');
    expect(await ws.next()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from('one') });
    for (const piece of ['a', '', 'b', 'c']) ws.send(OPCODE.continuation, piece, { fin: false });
    ws.send(OPCODE.ping, 'two');
    expect(await ws.next()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from('two') });
    ws.send(OPCODE.pong, 'unsolicited');
    ws.send(OPCODE.continuation, TAIL);
    await expectEcho(ws, 'abc');
    await expectAlive(ws);
  });

  test.each([true, false])('a continuation of nothing (fin %s) fails the connection', async (fin) => {
    const ws = await connect();
    ws.send(OPCODE.continuation, requestWith('x'), { fin });
    await expectFailure(ws, 1002);
  });

  test('a continuation after a whole message fails the connection', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, requestWith('whole'));
    await expectEcho(ws, 'whole');
    ws.send(OPCODE.continuation, 'more');
    await expectFailure(ws, 1002);
  });

  test.each([
    ['text', OPCODE.text],
    ['binary', OPCODE.binary],
  ])('%s where a continuation must come fails the connection', async (_what, opcode) => {
    const ws = await connect();
    ws.send(OPCODE.text, HEAD, { fin: false });
    ws.send(opcode, `x${TAIL}`);
    // uWebSockets.js lets binary pass as a message of its own, which is not taken.
    expect([1002, 1003, 1006]).toContain((await ws.untilClosed()).code);
  });

  test('a close between fragments closes', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, HEAD, { fin: false });
    ws.sendClose(1000);
    expect((await ws.untilClosed()).code).toBe(1000);
  });
});

const VALID_UTF8: readonly (readonly [what: string, hex: string])[] = [
  ['kosme in Greek', 'cebae1bdb9cf83cebcceb5'],
  ['the first two bytes', 'c280'],
  ['the first three bytes', 'e0a080'],
  ['the first four bytes', 'f0908080'],
  ['the last one byte', '7f'],
  ['the last two bytes', 'dfbf'],
  ['the last three bytes', 'efbfbf'],
  ['the last of all', 'f48fbfbf'],
  ['before the surrogates', 'ed9fbf'],
  ['after the surrogates', 'ee8080'],
  ['the replacement character', 'efbfbd'],
  ['a noncharacter of plane 0', 'efbfbe'],
  ['noncharacters of other planes', 'f09fbfbef0afbfbff48fbfbe'],
];

const INVALID_UTF8: readonly (readonly [what: string, hex: string])[] = [
  ['a lone surrogate between text', 'cebae1bdb9cf83cebcceb5eda080656469746564'],
  ['five bytes', 'f888808080'],
  ['six bytes', 'fc8480808080'],
  ['the largest of five', 'fbbfbfbfbf'],
  ['the largest of six', 'fdbfbfbfbfbf'],
  ['beyond the last code point', 'f4908080'],
  ['beyond four bytes', 'f7bfbfbf'],
  ['a lone continuation', '80'],
  ['the last continuation', 'bf'],
  ['seven continuations', '80bf80bf80bf80'],
  ['a lone start of two', 'c020'],
  ['a lone start of three', 'e020'],
  ['a lone start of four', 'f020'],
  ['two of three bytes', 'e080'],
  ['three of four bytes', 'f08080'],
  ['impossible FE', 'fe'],
  ['impossible FF', 'fefeffff'],
  ['an overlong slash in two', 'c0af'],
  ['an overlong slash in three', 'e080af'],
  ['an overlong slash in four', 'f08080af'],
  ['the longest overlong two', 'c1bf'],
  ['the longest overlong three', 'e09fbf'],
  ['the longest overlong four', 'f08fbfbf'],
  ['an overlong NUL', 'c080'],
  ['the first surrogate', 'eda080'],
  ['the last surrogate', 'edbfbf'],
  ['a pair of surrogates', 'eda080edb080'],
];

describe('6 · UTF-8', () => {
  test('empty fragments make up an empty message', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, '', { fin: false });
    ws.send(OPCODE.continuation, '', { fin: false });
    ws.send(OPCODE.continuation, '');
    expect(await ws.nextMessage()).toMatchObject({ error: { code: -32700 } });
    await expectAlive(ws);
  });

  test.each(VALID_UTF8)('%s is taken, whole and cut anywhere', async (_what, hex) => {
    const text = Buffer.from(hex, 'hex').toString('utf8');
    const bytes = requestWith(text);
    const ws = await connect();
    ws.send(OPCODE.text, bytes);
    await expectEcho(ws, text);
    for (let at = 0; at < bytes.length; at++) {
      const opcode = at === 0 ? OPCODE.text : OPCODE.continuation;
      ws.send(opcode, bytes.subarray(at, at + 1), { fin: at === bytes.length - 1 });
    }
    await expectEcho(ws, text);
    await expectAlive(ws);
  });

  test.each(INVALID_UTF8)('%s fails the connection, whole and in fragments', async (_what, hex) => {
    const bytes = Buffer.concat([Buffer.from(HEAD), Buffer.from(hex, 'hex'), Buffer.from(TAIL)]);
    const whole = await connect();
    whole.send(OPCODE.text, bytes);
    await expectFailure(whole, 1007);
    const cut = await connect();
    for (let at = 0; at < bytes.length; at++) {
      const opcode = at === 0 ? OPCODE.text : OPCODE.continuation;
      cut.send(opcode, bytes.subarray(at, at + 1), { fin: at === bytes.length - 1 });
    }
    await expectFailure(cut, 1007);
  });

  // Autobahn's 6.4 wants it as soon as a byte is wrong, and takes this as non-strict; the RFC sets no time.
  test('fails at the latest when the message with the wrong byte ends', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, Buffer.concat([Buffer.from(HEAD), Buffer.from('f4908080', 'hex')]), { fin: false });
    ws.send(OPCODE.continuation, TAIL);
    await expectFailure(ws, 1007);
  });
});

describe('7 · closing', () => {
  test('a close after a message is answered, and the connection ends', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, requestWith('last'));
    ws.sendClose(1000);
    await expectEcho(ws, 'last');
    expect(await ws.untilClosed()).toEqual({ code: 1000, reason: '' });
  });

  test.each([
    ['a second close', encodeFrame(OPCODE.close, closePayload(1000))],
    ['a ping', encodeFrame(OPCODE.ping, 'x')],
    ['text', encodeFrame(OPCODE.text, requestWith('x'))],
    ['a continuation', encodeFrame(OPCODE.continuation, 'x')],
  ])('%s after a close is not looked at', async (_what, after) => {
    const ws = await connect();
    ws.sendBytes(Buffer.concat([encodeFrame(OPCODE.close, closePayload(1000)), after]));
    expect((await ws.untilClosed()).code).toBe(1000);
  });

  test('a large message before a close is answered first', async () => {
    const ws = await connect();
    const { request, text } = requestOf(256 * 1024);
    ws.send(OPCODE.text, request);
    ws.sendClose(1000);
    ws.send(OPCODE.ping, 'x');
    await expectEcho(ws, text);
    expect((await ws.untilClosed()).code).toBe(1000);
  });

  test('a close without a payload', async () => {
    const ws = await connect();
    ws.sendClose();
    expect((await ws.untilClosed()).code).toBe(1005);
  });

  // uWebSockets.js answers with an empty close frame instead of 1002; Autobahn's 7.3.2 asks for no more than the end.
  test('a close with one byte ends the connection', async () => {
    const ws = await connect();
    ws.send(OPCODE.close, 'x');
    expect([1002, 1005, 1006]).toContain((await ws.untilClosed()).code);
  });

  test.each(['Hello World!', '*'.repeat(123)])('a close with a reason of %s', async (reason) => {
    const ws = await connect();
    ws.sendClose(1000, reason);
    expect((await ws.untilClosed()).code).toBe(1000);
  });

  test('a close with more than 125 bytes fails the connection', async () => {
    const ws = await connect();
    ws.sendClose(1000, '*'.repeat(124));
    await expectFailure(ws, 1002);
  });

  // Again an empty close frame; the reason is not repeated, and nothing of it is used.
  test('a close whose reason is not UTF-8 ends the connection', async () => {
    const ws = await connect();
    ws.sendClose(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080', 'hex'));
    expect([1002, 1005, 1006, 1007]).toContain((await ws.untilClosed()).code);
  });

  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4999])(
    'code %i is repeated',
    async (code) => {
      const ws = await connect();
      ws.sendClose(code);
      expect((await ws.untilClosed()).code).toBe(code);
    },
  );

  // Valid, but newer than uWebSockets.js' list: it answers with an empty close frame ("typically echos").
  test.each([1012, 1013, 1014, 3000, 3999])('code %i closes cleanly', async (code) => {
    const ws = await connect();
    ws.sendClose(code);
    expect([code, 1005]).toContain((await ws.untilClosed()).code);
  });

  test.each([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])(
    'code %i, which must not be sent, is not repeated',
    async (code) => {
      const ws = await connect();
      ws.sendClose(code);
      expect([1002, 1005, 1006].filter((one) => one !== code || code === 1005 || code === 1006)).toContain(
        (await ws.untilClosed()).code,
      );
    },
  );

  test('the end of the client’s sending side ends the connection', async () => {
    const ws = await connect();
    ws.endWriting();
    expect((await ws.untilClosed()).code).toBe(1006);
  });
});

describe('9 · sizes', () => {
  test.each([64, 256, 1024].map((kib) => kib * 1024))(
    'text of %i bytes, the limit included',
    async (size) => {
      const ws = await connect();
      const { request, text } = requestOf(size);
      ws.send(OPCODE.text, request);
      await expectEcho(ws, text);
      await expectAlive(ws);
    },
  );

  test.each([64, 1000, 4096, 65_536])('a message of 256 KiB in fragments of %i bytes', async (size) => {
    const ws = await connect();
    const { request, text } = requestOf(256 * 1024);
    const bytes = Buffer.from(request);
    for (let at = 0; at < bytes.length; at += size) {
      const opcode = at === 0 ? OPCODE.text : OPCODE.continuation;
      ws.send(opcode, bytes.subarray(at, at + size), { fin: at + size >= bytes.length });
    }
    await expectEcho(ws, text);
    await expectAlive(ws);
  });

  test('a byte more than the limit: 1009', async () => {
    const ws = await connect();
    ws.send(OPCODE.text, requestOf(MAX_BYTES + 1).request);
    const ending = await ws.untilClosed();
    expect(ending).toMatchObject({ code: 1009 });
    expect(ending.reason).toContain('gateway.maxBodyBytes');
  });

  test('fragments that add up to more than the limit: 1009', async () => {
    const ws = await connect();
    const half = '*'.repeat(MAX_BYTES / 2 + 1);
    ws.send(OPCODE.text, half, { fin: false });
    ws.send(OPCODE.continuation, half);
    expect((await ws.untilClosed()).code).toBe(1009);
  });

  test('much more than the limit is not even read: the connection fails when the length is known', async () => {
    const ws = await connect();
    ws.sendBytes(encodeFrame(OPCODE.text, Buffer.alloc(2 * MAX_BYTES + 1)).subarray(0, 100));
    await expectFailure(ws, 1009);
  });

  test('a length of more than 63 bits fails the connection', async () => {
    const ws = await connect();
    ws.sendBytes(Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0x68, 0x69]));
    await expectFailure(ws, 1002);
  });
});

describe('10 · automatic fragmentation', () => {
  test('a message of 65 536 bytes in fragments of 1 300 gets one frame back', async () => {
    const ws = await connect();
    const { request, text } = requestOf(65_536);
    const bytes = Buffer.from(request);
    for (let at = 0; at < bytes.length; at += 1300) {
      const opcode = at === 0 ? OPCODE.text : OPCODE.continuation;
      ws.send(opcode, bytes.subarray(at, at + 1300), { fin: at + 1300 >= bytes.length });
    }
    await expectEcho(ws, text);
    await expectAlive(ws);
  });
});

describe('masking', () => {
  // Section 5.1 has a server close; uWebSockets.js takes the first bytes for the mask, whatever the bit says.
  test('a frame without a mask is never taken for what it says', async () => {
    const ws = await connect();
    ws.sendBytes(
      Buffer.concat([encodeFrame(OPCODE.text, requestWith('x'), { masked: false }), Buffer.alloc(4)]),
    );
    const frame = await ws.next();
    const answer = frame === undefined ? 'failed' : JSON.parse(frame.payload.toString('utf8')).error?.code;
    expect(['failed', -32700]).toContain(answer);
    ws.destroy();
  });
});
