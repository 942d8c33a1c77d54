import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createModernClient, createTempFolder } from '@mcp-bridge/testkit';
import { expect, test } from 'vitest';
import { createTcpTransport } from './tcp/tcp-transport.js';
import { TestBridge } from './testing/test-bridge.js';
import { createWebSocketTransport } from './websocket/websocket-transport.js';

test('both transports speak TLS, and refuse a certificate that they cannot check', async () => {
  await using folder = await createTempFolder();
  const [keyFile, certFile] = [`${folder.path}/key.pem`, `${folder.path}/cert.pem`];
  const subject = '-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1';
  execFileSync(
    'openssl',
    [
      ...`req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 ${subject}`.split(' '),
      ...['-keyout', keyFile, '-out', certFile],
    ],
    { stdio: 'ignore' },
  );
  const ca = await readFile(certFile);
  await using bridge = await TestBridge.start({ tls: { certFile, keyFile } });
  const url = `wss://127.0.0.1:${bridge.httpPort}/mcp`;
  for (const transport of [
    createTcpTransport({ port: bridge.tcpPort, tls: { ca } }),
    createWebSocketTransport({ url, ca }),
  ]) {
    const client = createModernClient();
    await client.connect(transport);
    expect((await client.listTools()).tools.length).toBeGreaterThan(0);
    await client.close();
  }
  for (const transport of [
    createTcpTransport({ port: bridge.tcpPort, tls: true }),
    createWebSocketTransport({ url }),
  ]) {
    await expect(transport.start()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  }
});
