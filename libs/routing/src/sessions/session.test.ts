import { expect, test } from 'vitest';
import { BridgeError, scanEnvelope } from '@mcp-bridge/protocol';
import { createDeadlineWheel } from '@mcp-bridge/link';
import type { CallRequest, CallSink } from '@mcp-bridge/link';
import { ActiveCall } from '../dispatch/active-call.js';
import { Session } from './session.js';
import { SessionStore } from './session-store.js';

const ALICE = { tenant: 'a', id: 'alice' };
const deadlines = createDeadlineWheel();

class Recorder implements CallSink {
  readonly messages: Record<string, unknown>[] = [];
  readonly ends: string[] = [];
  onMessage(message: Buffer): void {
    this.messages.push(JSON.parse(message.toString('utf8')) as Record<string, unknown>);
  }
  onResult(result: Buffer): void {
    this.ends.push(result.toString('utf8'));
  }
  onError(error: BridgeError): void {
    this.ends.push(error.code);
  }
}

function callOf(session: Session, sink: CallSink, id = '1', stream = ''): ActiveCall {
  // A session reads only these fields.
  const request = { clientRequestId: id, timeoutMs: 0, principal: session.principal } as CallRequest;
  const replay = stream === '' ? undefined : session.openReplay(stream, id);
  return new ActiveCall(request, sink, replay, deadlines);
}

function newSession(): Session {
  return new Session('s', ALICE, '', 0);
}

function reply(id: unknown, member: string): ReturnType<typeof scanEnvelope> {
  return scanEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},${member}}`));
}

test('asks the client on the stream of the call and hands its answer over once', () => {
  const session = newSession();
  const [call, other] = [new Recorder(), new Recorder()];
  const active = callOf(session, call);
  session.attachStream(callOf(session, other, '2'));
  const answers: string[] = [];
  session.ask(active, 'roots/list', Buffer.from('{}'), {
    onResult: (result) => answers.push(result.toString()),
    onError: () => answers.push('error'),
  });
  expect(other.messages).toEqual([]);
  const question = call.messages[0]!;
  expect(question).toMatchObject({ method: 'roots/list', params: {} });
  session.answer(reply(question['id'], '"result":{"roots":[]}'));
  session.answer(reply(question['id'], '"result":{"roots":[1]}'));
  expect(answers).toEqual(['{"roots":[]}']);
});

test('drops an answer that arrives after the call has ended', () => {
  const session = newSession();
  const sink = new Recorder();
  const active = callOf(session, sink);
  session.track(active);
  const answers: unknown[] = [];
  session.ask(active, 'roots/list', Buffer.from('{}'), {
    onResult: (r) => answers.push(r),
    onError: (e) => answers.push(e),
  });
  active.finish(Buffer.from('{}'));
  session.answer(reply(sink.messages[0]!['id'], '"result":{}'));
  expect(answers).toEqual([]);
});

test('tells the client when the server withdraws its question', () => {
  const session = newSession();
  const sink = new Recorder();
  const undo = session.ask(callOf(session, sink), 'roots/list', Buffer.from('{}'), {
    onResult: () => undefined,
    onError: () => undefined,
  });
  undo?.('changed my mind');
  expect(sink.messages[1]).toMatchObject({
    method: 'notifications/cancelled',
    params: { requestId: sink.messages[0]!['id'], reason: 'changed my mind' },
  });
});

test('sends what belongs to no request on exactly one stream', () => {
  const session = newSession();
  const [first, second] = [new Recorder(), new Recorder()];
  session.attachStream(callOf(session, first, '1'));
  session.attachStream(callOf(session, second, '2'));
  session.notify(Buffer.from('{"n":1}'));
  expect([first.messages.length, second.messages.length]).toEqual([0, 1]);
});

test('keeps unsolicited messages until the client opens its stream', () => {
  const session = newSession();
  for (let n = 0; n < 100; n += 1) session.notify(Buffer.from(`{"n":${n}}`));
  const sink = new Recorder();
  session.attachStream(callOf(session, sink));
  expect(sink.messages.map((message) => message['n'])).toEqual(Array.from({ length: 64 }, (_, i) => i + 36));
});

test('replays what followed an event, then the rest live, then ends', () => {
  const session = newSession();
  const call = callOf(session, new Recorder(), '9', 'stream');
  call.send(Buffer.from('{"n":1}'));
  call.send(Buffer.from('{"n":2}'));
  const reader = new Recorder();
  session.resume('stream', 1, reader);
  call.finish(Buffer.from('{"done":true}'));
  expect(reader.messages).toEqual([{ n: 2 }, { jsonrpc: '2.0', id: 9, result: { done: true } }]);
  expect(reader.ends).toEqual(['{}']);
});

test('keeps nothing of a reply that comes at once, and all of one that follows a message', () => {
  const session = newSession();
  callOf(session, new Recorder(), '1', 'quick').finish(Buffer.from('{}'));
  const told = callOf(session, new Recorder(), '2', 'told');
  told.send(Buffer.from('{"n":1}'));
  told.finish(Buffer.from('{}'));
  expect(session.resume('quick', 0, new Recorder())).toBeUndefined();
  const reader = new Recorder();
  session.resume('told', 0, reader);
  expect(reader.messages).toHaveLength(2);
});

test('gives a stream to its newest reader only', () => {
  const session = newSession();
  const call = callOf(session, new Recorder(), '9', 'stream');
  const [first, second] = [new Recorder(), new Recorder()];
  session.resume('stream', 0, first);
  session.resume('stream', 0, second);
  call.send(Buffer.from('{"n":1}'));
  expect(first.messages).toEqual([]);
  expect(first.ends).toEqual(['{}']);
  expect(second.messages).toEqual([{ n: 1 }]);
});

test('cancels a call by the id that the client gave it, and only that', () => {
  const session = newSession();
  const cancelled: string[] = [];
  for (const id of ['1', '"1"']) {
    const call = callOf(session, new Recorder(), id);
    session.track(call);
    call.onCancel(() => cancelled.push(id));
  }
  session.cancel('"1"', 'reason');
  session.cancel('3', 'reason');
  expect(cancelled).toEqual(['"1"']);
});

test('refuses another principal and an ended session alike', () => {
  const store = new SessionStore({ idleTtlMs: 1000, onEnd: () => undefined });
  store.open('s', ALICE, '');
  expect(() => store.open('s', { tenant: 'a', id: 'bob' }, '')).toThrow('Session not found');
  expect(() => store.terminate('s', { tenant: 'b', id: 'alice' })).toThrow('Session not found');
  store.terminate('s', ALICE);
  expect(() => store.open('s', ALICE, '')).toThrow('Session not found');
});

test('reaps idle sessions, which may come back, and spares busy ones', () => {
  let now = 0;
  const ended: string[] = [];
  const store = new SessionStore({
    idleTtlMs: 1000,
    onEnd: (session) => ended.push(session.id),
    now: () => now,
  });
  store.open('idle', ALICE, '');
  const busy = store.open('busy', ALICE, '');
  busy.track(callOf(busy, new Recorder()));
  now = 2000;
  store.reap();
  expect(ended).toEqual(['idle']);
  expect(store.open('idle', ALICE, '').ended).toBe(false);
});
