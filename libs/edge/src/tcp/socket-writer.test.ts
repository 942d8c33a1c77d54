import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SocketWriter, WriterPool } from './socket-writer.js';

let near: Socket;
let far: Socket;
let writes: number[];
const server = createServer();
beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const address = server.address();
  near = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  far = await accepted;
  // Counts what reaches the socket, which is what a system call costs.
  writes = [];
  const write = near.write.bind(near) as (bytes: Buffer, done: () => void) => boolean;
  near.write = ((bytes: Buffer, done: () => void) => {
    writes.push(bytes.length);
    return write(bytes, done);
  }) as typeof near.write;
});
afterEach(async () => {
  near.destroy();
  far.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const settled = (writer: SocketWriter) =>
  new Promise<void>((resolve) => {
    writer.onIdle = resolve;
  });

async function receive(bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of far) {
    chunks.push(chunk as Buffer);
    received += (chunk as Buffer).length;
    if (received >= bytes) break;
  }
  return Buffer.concat(chunks);
}

describe('SocketWriter', () => {
  it('writes what came in one turn as one batch', async () => {
    const writer = new SocketWriter(near, new WriterPool());
    for (let i = 0; i < 100; i++) writer.write(Buffer.from(`message ${i}\n`));
    expect(writes).toEqual([]);
    await settled(writer);
    expect(writes).toHaveLength(1);
    expect(writer.unsentBytes).toBe(0);
    expect((await receive(writes[0]!)).toString().split('\n')[99]).toBe('message 99');
  });

  it('keeps the order, frames and large pieces included, in batches of 64 KiB', async () => {
    const writer = new SocketWriter(near, new WriterPool());
    const large = Buffer.alloc(300_000, 'L');
    writer.write(Buffer.from('a'));
    writer.writeFrame(3, 1, large);
    writer.write(Buffer.from('b'));
    writer.writeFrame(3, 1, Buffer.from('c'));
    const total = 1 + 6 + 300_000 + 1 + 6 + 1;
    expect(writer.unsentBytes).toBe(total);
    const received = await receive(total);
    const header = Buffer.from('000493e00301', 'hex');
    expect(received.subarray(0, 8)).toEqual(Buffer.concat([Buffer.from('a'), header, Buffer.from('L')]));
    expect(received.subarray(-8)).toEqual(Buffer.from('b\x00\x00\x00\x01\x03\x01c', 'latin1'));
    expect(Math.max(...writes)).toBe(64 * 1024);
  });

  it('gives the socket one batch at a time, and counts the rest', async () => {
    const writer = new SocketWriter(near, new WriterPool());
    far.pause();
    const piece = Buffer.alloc(1024 * 1024);
    const total = 32 * piece.length;
    for (let i = 0; i < 32; i++) writer.write(piece);
    // The kernel's buffers fill up at some point; from then on everything waits here.
    for (let turns = 0, before = 0; turns < 100; turns++) {
      if (writer.unsentBytes !== before) turns = 0;
      before = writer.unsentBytes;
      await new Promise(setImmediate);
    }
    expect(writer.unsentBytes).toBeGreaterThan(0);
    expect(near.writableLength).toBeLessThanOrEqual(64 * 1024);
    const taken = writer.takenBatches;
    expect((await receive(total)).length).toBe(total);
    expect(taken).toBeGreaterThan(0);
    expect(writer.takenBatches).toBeGreaterThan(taken);
  });

  it('ends after everything that was written, and takes nothing more', async () => {
    const writer = new SocketWriter(near, new WriterPool());
    writer.write(Buffer.alloc(200_000, 'x'));
    writer.end();
    writer.write(Buffer.from('too late'));
    expect((await receive(Infinity)).length).toBe(200_000);
  });

  it('drops what waits when the socket is gone', async () => {
    const writer = new SocketWriter(near, new WriterPool());
    writer.write(Buffer.from('never'));
    near.destroy();
    writer.close();
    expect(writer.unsentBytes).toBe(0);
    await new Promise(setImmediate);
    expect(writes).toEqual([]);
  });
});
