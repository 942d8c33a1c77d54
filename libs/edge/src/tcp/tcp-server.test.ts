import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modern } from '../test-client.js';
import { json, startTestGateway, type TestGateway } from '../test-gateway.js';
import { dial, FrameClient, LineClient, RawClient } from './test-tcp-client.js';

type TcpConfig = Parameters<typeof startTestGateway>[0] extends infer Options | undefined
  ? Options extends { config?: { tcp?: infer Tcp } }
    ? Partial<Tcp>
    : never
  : never;

let folder: string;
let gateway: TestGateway | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edge-tcp-'));
});
afterEach(async () => {
  await gateway?.close();
  await rm(folder, { recursive: true });
});

async function start(tcp: TcpConfig = {}): Promise<TestGateway> {
  gateway = await startTestGateway({
    config: { tcp: { port: 0, maxFrameBytes: 1024 * 1024, maxConnections: 500, ...tcp } },
  });
  gateway.router.on('tools/call', ({ sink }) => sink.onResult(json({ ok: true })));
  return gateway;
}

const CALL = modern(1, 'tools/call', { name: 'x' }).message;

/** The gateway still serves. */
async function serves(): Promise<void> {
  const client = await dial(gateway!, FrameClient);
  await client.hello();
  client.send(CALL);
  expect((await client.next()).result).toEqual({ ok: true });
  client.destroy();
}

describe('the port', () => {
  it('is closed unless it is configured', async () => {
    gateway = await startTestGateway();
    expect(gateway.tcpAddress).toBeUndefined();
  });

  it('is named, and says so when it is taken, closing that of HTTP', async () => {
    const { tcpAddress } = await start();
    expect(tcpAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    const port = Number(tcpAddress?.split(':')[1]);
    const second = startTestGateway({ config: { tcp: { port, maxFrameBytes: 2000, maxConnections: 1 } } });
    await expect(second).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining(`gateway.tcp: 127.0.0.1:${port}`) as string,
    });
  });

  it('takes no more connections than it may', async () => {
    const { metrics } = await start({ maxConnections: 2 });
    const clients = [await dial(gateway!, LineClient), await dial(gateway!, LineClient)];
    for (const client of clients) {
      client.send(CALL);
      await client.next();
    }
    expect(await metrics.expose()).toContain('mcp_connections{transport="tcp"} 2');
    const third = await dial(gateway!, RawClient);
    await third.untilClosed();
    expect(await metrics.expose()).toContain(
      'mcp_connection_failures_total{transport="tcp",reason="limit"} 1',
    );
    for (const client of clients) client.destroy();
  });

  it('lets nobody in while the gateway leaves', async () => {
    const { router } = await start();
    router.on('tools/call', () => undefined);
    const busy = await dial(gateway!, LineClient);
    busy.send(CALL);
    const { sink } = await router.nth('tools/call');
    const waiting = await dial(gateway!, FrameClient);
    waiting.write('MCPB');
    // A reply to another client tells that the gateway has read so far.
    busy.send({ jsonrpc: '2.0', id: 9, method: 'ping' });
    await busy.next();
    const drained = gateway!.drain(10_000);
    await waiting.untilClosed();
    sink.onResult(json({}));
    await busy.next();
    await drained;
  });
});

describe('strangers', () => {
  it.each([
    ['HTTP', 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['an HTTP method that begins with M', 'MERGE / HTTP/1.1\r\n\r\n'],
    ['TLS on a port without', Buffer.from('160301020001', 'hex')],
    ['a batch', '[]\n'],
  ])('%s gets one line and the end', async (_what, bytes) => {
    const { router } = await start();
    const client = await dial(gateway!, LineClient);
    client.write(bytes);
    expect((await client.next()).error?.code).toBe(-32700);
    await client.untilClosed();
    expect(router.calls).toEqual([]);
    await serves();
  });

  it('that speak another version of the framing are told', async () => {
    await start();
    const client = await dial(gateway!, FrameClient);
    client.write('MCPB\x02');
    expect(await client.fatalError()).toMatchObject({ code: 'UNSUPPORTED_VERSION' });
    await client.untilClosed();
  });

  it('that send anything end nothing but their own connection', async () => {
    const { metrics } = await start();
    let seed = 20_261_121;
    const random = (below: number): number => {
      // Numerical Recipes' linear congruential generator: replayable garbage.
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const beginnings = [
      '',
      '{',
      'MCPB\x01',
      '{"jsonrpc":"2.0","id":1,',
      'MCPB\x01\x00\x00\x00\x02\x01\x01{}',
    ];
    for (let round = 0; round < 20; round++) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => dial(gateway!, RawClient)));
      for (const client of clients) {
        const garbage = Buffer.from(Array.from({ length: random(300) }, () => random(256)));
        const beginning = Buffer.from(beginnings[random(beginnings.length)] ?? '', 'latin1');
        client.write(Buffer.concat([beginning, garbage]));
        if (random(2) === 0) client.socket.end();
        else client.socket.resetAndDestroy();
      }
      await Promise.all(clients.map((client) => client.untilClosed()));
    }
    await serves();
    const exposed = await metrics.expose();
    expect(exposed).toMatch(/mcp_connections\{transport="tcp"\} [01]\n/);
  }, 30_000);
});

describe('TLS', () => {
  it('is served where it is configured, and asks for a client certificate where a CA is named', async () => {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = '-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1';
    execFileSync(
      'openssl',
      [
        ...`req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 ${subject}`.split(' '),
        ...['-keyout', keyFile, '-out', certFile],
      ],
      { stdio: 'ignore' },
    );
    const [ca, key] = [await readFile(certFile), await readFile(keyFile)];
    const { metrics } = await start({ tls: { certFile, keyFile } });
    const client = await dial(gateway!, FrameClient, { ca });
    await client.hello();
    client.send(CALL);
    expect((await client.next()).result).toEqual({ ok: true });
    client.destroy();
    const plain = await dial(gateway!, RawClient);
    plain.write('{"jsonrpc":"2.0"}\n');
    await plain.untilClosed();
    expect(await metrics.expose()).toContain('mcp_connection_failures_total{transport="tcp",reason="tls"} 1');
    await gateway?.close();

    await start({ tls: { certFile, keyFile, caFile: certFile } });
    const stranger = await dial(gateway!, FrameClient, { ca });
    await stranger.untilClosed();
    expect(stranger.frames).toEqual([]);
    const known = await dial(gateway!, FrameClient, { ca, cert: ca, key });
    await known.hello();
    known.destroy();
  });

  it('with a certificate that cannot be read does not start', async () => {
    const files = { certFile: join(folder, 'none.pem'), keyFile: join(folder, 'none.pem') };
    await expect(start({ tls: files })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
