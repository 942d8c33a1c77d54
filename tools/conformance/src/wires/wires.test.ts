import { fixtureCommand } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBridge, stopAll, type BridgeAddress, type Started } from '../start-bridge.js';
import { WireRefused, type OpenWire, type WireHead } from './wire.js';
import { wireOpener } from './wire-opener.js';

const LOCAL: WireHead = { host: undefined, origin: undefined };

const services: Started[] = [];
let bridge: BridgeAddress;
beforeAll(async () => {
  bridge = await startBridge(
    { topology: 'one', upstream: fixtureCommand({ era: 'both' }), tcp: true },
    services,
  );
}, 60_000);
afterAll(async () => {
  expect(await stopAll(services)).toBe(0);
});

/** Sends requests all at once, and resolves with the replies in the order in which they came. */
function ask(open: OpenWire, messages: readonly { readonly id: number }[]): Promise<{ id: number }[]> {
  return new Promise((resolve, reject) => {
    const replies: { id: number }[] = [];
    const wire = open(LOCAL, {
      onMessage(text) {
        // Replies to the requests above.
        replies.push(JSON.parse(text) as { id: number });
        if (replies.length < messages.length) return;
        resolve(replies);
        void wire.then((opened) => opened.close());
      },
      onClose: () => reject(new Error('closed too early')),
    });
    wire.then((opened) => {
      for (const message of messages) opened.send(JSON.stringify(message));
    }, reject);
  });
}

function echo(id: number, text: string): { readonly id: number } {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const request = {
    jsonrpc: '2.0',
    method: 'tools/call',
    params: { name: 'echo', arguments: { text }, _meta },
  };
  return { id, ...request };
}

describe.each(['sse', 'websocket', 'tcp', 'tcp-framed', 'tcp-msgpack'] as const)(
  'a wire over %s',
  (transport) => {
    it('brings each request to the server and its reply back', async () => {
      const texts = Array.from({ length: 50 }, (_, index) => `${index} ${'ü'.repeat(index)}`);
      const replies = await ask(
        wireOpener(transport, bridge),
        texts.map((text, id) => echo(id, text)),
      );
      expect(replies).toHaveLength(50);
      for (const reply of replies)
        expect(reply).toMatchObject({ result: { content: [{ type: 'text', text: texts[reply.id] }] } });
    });
  },
);

it.each(['sse', 'websocket'] as const)(
  'is refused over %s as HTTP refuses a hostile page',
  async (transport) => {
    const open = wireOpener(transport, bridge);
    const hostile = { host: undefined, origin: 'http://evil.example' };
    const refused = await open(hostile, { onMessage() {}, onClose() {} }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WireRefused);
    expect(refused).toMatchObject({ status: 403 });
  },
);
