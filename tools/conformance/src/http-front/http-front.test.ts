import { openLegacySession, modernRequest, openRaw, sendRaw } from '@mcp-bridge/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { WireRefused, type OpenWire, type WireHead, type WireListener } from '../wires/wire.js';
import { startHttpFront, type HttpFront } from './http-front.js';

interface Sent {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

/** The bridge's end of one wire: says what the test's script says. */
interface Peer {
  readonly head: WireHead;
  readonly received: Sent[];
  readonly listener: WireListener;
  closed: boolean;
}

type Script = (message: Sent, say: (message: object) => void, peer: Peer) => void;

const peers: Peer[] = [];
let front: HttpFront | undefined;
afterEach(async () => {
  await front?.close();
  peers.length = 0;
});

async function start(script: Script): Promise<string> {
  const open: OpenWire = (head, listener) => {
    const peer: Peer = { head, received: [], listener, closed: false };
    peers.push(peer);
    return Promise.resolve({
      send(text) {
        const message = JSON.parse(text) as Sent;
        peer.received.push(message);
        script(message, (said) => listener.onMessage(JSON.stringify({ jsonrpc: '2.0', ...said })), peer);
      },
      close() {
        if (!peer.closed) listener.onClose();
        peer.closed = true;
      },
    });
  };
  front = await startHttpFront(open);
  return front.url;
}

const echo: Script = ({ id, method }, say) => {
  if (id !== undefined && method !== undefined) say({ id, result: { method } });
};

describe('stateless requests through the front', () => {
  it('gives each a wire of its own, which ends with the reply', async () => {
    const url = await start(echo);
    const replies = await Promise.all([1, 2].map(() => sendRaw(url, modernRequest('tools/list'))));
    expect(replies.map(({ status, message }) => [status, message.result])).toEqual([
      [200, { method: 'tools/list' }],
      [200, { method: 'tools/list' }],
    ]);
    expect(peers.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it.each([
    [-32021, 400],
    [-32602, 400],
    [-32601, 404],
    [-31003, 503],
    [-32050, 200],
  ])('answers error %i with status %i', async (code, status) => {
    const url = await start(({ id }, say) => say({ id, error: { code, message: 'no' } }));
    expect((await sendRaw(url, modernRequest('tools/call', { name: 'x' }))).status).toBe(status);
  });

  it('streams when something comes before the reply', async () => {
    const url = await start(({ id }, say) => {
      say({ method: 'notifications/progress', params: { progressToken: 't', progress: 1 } });
      say({ id, result: {} });
    });
    const reply = await sendRaw(url, modernRequest('tools/call', { name: 'x' }, { progressToken: 't' }));
    expect(reply.headers['content-type']).toBe('text/event-stream');
    expect(reply.messages.map(({ method, result }) => method ?? result)).toEqual([
      'notifications/progress',
      {},
    ]);
  });

  it('closes the wire of a client that goes away', async () => {
    const url = await start(() => {});
    const abort = new AbortController();
    const asked = sendRaw(url, { ...modernRequest('tools/list'), signal: abort.signal });
    await expect.poll(() => peers[0]?.received.length).toBe(1);
    abort.abort();
    await expect(asked).rejects.toThrow();
    await expect.poll(() => peers[0]?.closed).toBe(true);
  });

  it('passes Host and Origin on, and the refusal back', async () => {
    front = await startHttpFront(({ origin }) => Promise.reject(new WireRefused(403, origin ?? '')));
    const hostile = { host: 'evil.example', origin: 'http://evil.example' };
    const reply = await sendRaw(front.url, modernRequest('tools/list', {}, { headers: hostile }));
    expect(reply.status).toBe(403);
  });
});

describe('legacy sessions through the front', () => {
  it('share one wire, whose replies go to their own requests', async () => {
    const held: (() => void)[] = [];
    const url = await start((message, say) => {
      if (message.params?.name === 'first') held.push(() => echo(message, say, peers[0]!));
      else echo(message, say, peers[0]!);
      if (message.params?.name === 'second') held.shift()?.();
    });
    const session = await openLegacySession(url);
    const first = session.request('tools/call', { name: 'first' }, 'a');
    await expect.poll(() => held.length).toBe(1);
    const second = await session.request('tools/call', { name: 'second' }, 'b');
    expect([(await first).message.id, second.message.id]).toEqual(['a', 'b']);
    expect(peers).toHaveLength(1);
  });

  it('have 200 for errors, 202 for notifications and answers, 404 when they are over', async () => {
    const url = await start((message, say) =>
      message.method === 'ping'
        ? say({ id: message.id, error: { code: -32601, message: 'no' } })
        : echo(message, say, peers[0]!),
    );
    const session = await openLegacySession(url);
    expect((await session.request('ping')).status).toBe(200);
    expect((await session.post({ method: 'notifications/roots/list_changed' })).status).toBe(202);
    expect((await session.post({ id: 'ask', result: {} })).status).toBe(202);
    expect((await session.end()).status).toBe(204);
    expect((await session.request('ping')).status).toBe(404);
    expect(peers[0]?.closed).toBe(true);
  });

  it('ask on the stream of the request that waits, and tell changes on the GET stream', async () => {
    const url = await start((message, say, peer) => {
      if (message.method !== 'tools/call') return echo(message, say, peer);
      say({ method: 'notifications/tools/list_changed' });
      say({ id: 'ask', method: 'sampling/createMessage', params: {} });
    });
    const session = await openLegacySession(url);
    await using general = await session.listen();
    await using call = await session.open('tools/call', { name: 'x' });
    expect(await general.nextMessage()).toMatchObject({ method: 'notifications/tools/list_changed' });
    expect(await call.nextMessage()).toMatchObject({ method: 'sampling/createMessage' });
  });

  it('end with their wire', async () => {
    const url = await start((message, say, peer) => {
      if (message.method === 'tools/call') peer.listener.onClose();
      else echo(message, say, peer);
    });
    const session = await openLegacySession(url);
    expect((await session.request('tools/call', { name: 'x' })).status).toBe(502);
    expect((await session.request('ping')).status).toBe(404);
  });

  it('has no GET without one', async () => {
    expect((await openRaw(await start(echo), { method: 'GET' })).status).toBe(405);
  });
});
