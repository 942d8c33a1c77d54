import { PassThrough } from 'node:stream';
import { createInProcessLink } from '@mcp-bridge/link';
import { createMetrics } from '@mcp-bridge/metrics';
import { configSchema, createLogger } from '@mcp-bridge/service';
import { expect, test } from 'vitest';
import { type AnyMessage, initializeRequest, legacy, notification } from '../channels/test-channel.js';
import { modern } from '../test-client.js';
import { json, TestRouter } from '../test-gateway.js';
import { serveStdio, type StdioClient } from './serve-stdio.js';

class Streams {
  readonly router = new TestRouter();
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly client: StdioClient;
  readonly #lines: AsyncIterator<string>;

  constructor(config: { maxBodyBytes?: number; maxBufferedBytes?: number } = {}) {
    this.client = serveStdio({
      link: createInProcessLink(this.router),
      input: this.input,
      output: this.output,
      config: { ...configSchema.parse({}).gateway, ...config },
      callTimeoutMs: () => 60_000,
      log: createLogger({ name: 'test', level: 'silent' }),
      metrics: createMetrics({ processMetrics: false }),
      principal: { tenant: 'default', id: 'stdio' },
      view: '',
    });
    this.#lines = linesOf(this.output);
  }

  write(...messages: unknown[]): void {
    this.input.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  }

  /** The next message; undefined when the output has ended. */
  async next(): Promise<AnyMessage | undefined> {
    const line = await this.#lines.next();
    return line.done === true ? undefined : (JSON.parse(line.value) as AnyMessage);
  }
}

async function* linesOf(stream: PassThrough): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  if (text !== '') throw new Error(`not a whole line: ${text}`);
}

test('serves both eras, one message a line', async () => {
  const streams = new Streams();
  streams.router.on('tools/call', ({ request, sink }) => {
    sink.onMessage(Buffer.from('{"jsonrpc":"2.0",\r\n "method":"notifications/message"}'));
    sink.onResult(request.params);
  });
  streams.write(modern(1, 'tools/call', { name: 'a\nb' }).message);
  expect(await streams.next()).toMatchObject({ method: 'notifications/message' });
  expect(await streams.next()).toMatchObject({ id: 1, result: { name: 'a\nb' } });
  expect(streams.router.calls[0]?.request.principal).toEqual({ tenant: 'default', id: 'stdio' });
  streams.write(initializeRequest(2), notification('notifications/initialized'), legacy(3, 'ping'));
  expect(await streams.next()).toMatchObject({ id: 3 });
  expect(await streams.next()).toMatchObject({ id: 2, result: { protocolVersion: '2025-11-25' } });
});

test('answers all that a script pipes in, then ends', async () => {
  const streams = new Streams();
  streams.router.on('tools/list', ({ sink }) => sink.onResult(json({ tools: [] })));
  streams.write(initializeRequest(0), notification('notifications/initialized'));
  streams.input.end(JSON.stringify(legacy(1, 'tools/list')));
  expect(await streams.next()).toMatchObject({ id: 0 });
  expect(await streams.next()).toMatchObject({ id: 1, result: { tools: [] } });
  expect(await streams.next()).toBeUndefined();
  await streams.client.ended;
  await streams.router.nth('session/end');
});

test('ends at once when the client ends its side and waits for nothing', async () => {
  const streams = new Streams();
  streams.input.end();
  expect(await streams.next()).toBeUndefined();
  await streams.client.ended;
});

test('answers a line that is too long, or no message, and goes on', async () => {
  const streams = new Streams({ maxBodyBytes: 1000 });
  streams.input.write(`${'x'.repeat(2000)}\nnonsense\n\n${JSON.stringify(legacy(1, 'ping'))}\n`);
  const tooLong = await streams.next();
  expect([tooLong?.error?.code, tooLong?.id]).toEqual([-32600, undefined]);
  expect(await streams.next()).toMatchObject({ error: { code: -32700 } });
  expect(await streams.next()).toMatchObject({ id: 1, result: {} });
});

test('reads no more from a client that does not read, and leaves one that reads too little', async () => {
  const streams = new Streams({ maxBufferedBytes: 100_000 });
  streams.write(modern(1, 'tools/call', { name: 'chatty' }).message);
  const call = await streams.router.nth('tools/call');
  const message = json(notification('notifications/message', { level: 'info', data: 'x'.repeat(30_000) }));
  call.sink.onMessage(message);
  expect(streams.input.isPaused()).toBe(true);
  expect(call.cancelled).toBeUndefined();
  for (let sent = 0; sent < 4; sent++) call.sink.onMessage(message);
  expect(call.cancelled).toBe('client');
  await streams.client.ended;
});

test('reads on when the client does', async () => {
  const streams = new Streams();
  streams.router.on('tools/call', ({ sink }) => sink.onResult(json({ text: 'x'.repeat(100_000) })));
  streams.write(modern(1, 'tools/call', { name: 'large' }).message);
  await streams.router.nth('tools/call');
  streams.write(legacy(2, 'ping'));
  expect(await streams.next()).toMatchObject({ id: 1 });
  expect(await streams.next()).toMatchObject({ id: 2 });
});

test('drains: waits for the calls in flight, then ends the output', async () => {
  const streams = new Streams();
  streams.write(modern(1, 'tools/call', { name: 'slow' }).message);
  const call = await streams.router.nth('tools/call');
  const drained = streams.client.drain(10_000);
  streams.write(modern(2, 'tools/call', { name: 'late' }).message);
  expect(await streams.next()).toMatchObject({ id: 2, error: { code: -31006 } });
  call.sink.onResult(json({ n: 1 }));
  expect(await streams.next()).toMatchObject({ id: 1, result: { n: 1 } });
  expect(await streams.next()).toBeUndefined();
  await drained;
  await streams.client.ended;
});

test('a client whose reading end is gone ends the conversation', async () => {
  const streams = new Streams();
  streams.write(modern(1, 'tools/call', { name: 'slow' }).message);
  const call = await streams.router.nth('tools/call');
  streams.output.destroy(new Error('EPIPE'));
  await streams.client.ended;
  expect(call.cancelled).toBe('client');
});
