import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { faultLine } from './faults.js';
import { readConfig } from './load-config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mcp-bridge-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function read(gateway: string, env: Record<string, string> = {}) {
  const file = path.join(folder, 'bridge.yaml');
  writeFileSync(file, `auth: { anonymous: {} }\ngateway: ${gateway}\n`);
  return readConfig({ env, file });
}

/** The configuration's TCP section; fails where there are faults. */
function section(gateway: string, env: Record<string, string> = {}) {
  const result = read(gateway, env);
  expect(result).toMatchObject({ ok: true });
  return result.ok ? { ...result.loaded, tcp: result.loaded.config.gateway.tcp } : undefined;
}

function faults(gateway: string): string[] {
  const result = read(gateway);
  return result.ok ? [] : result.faults.map(faultLine);
}

test('the TCP port stays closed unless it is configured', () => {
  expect(section('{}')?.tcp).toBeUndefined();
});

test('an empty section opens it with every default', () => {
  expect(section('{ tcp: {} }')?.tcp).toEqual({
    port: 8081,
    maxFrameBytes: 1024 * 1024,
    maxConnections: 10_000,
  });
});

test('a variable opens it too', () => {
  const tcp = section('{}', { MCP_BRIDGE_GATEWAY__TCP__PORT: '9000' })?.tcp;
  expect(tcp).toMatchObject({ port: 9000, maxFrameBytes: 1024 * 1024 });
});

test('it cannot share the port of HTTP, nor take frames that no error fits into', () => {
  const found = faults('{ port: 9000, tcp: { port: 9000, maxFrameBytes: 1000 } }');
  expect(found).toEqual([
    expect.stringContaining('gateway.tcp.port'),
    expect.stringContaining('gateway.tcp.maxFrameBytes'),
  ]);
  expect(faults('{ port: 9000, tcp: { host: 127.0.0.2, port: 9000 } }')).toEqual([]);
});

test('its certificate files must be there, relative to the configuration', () => {
  const found = faults('{ tcp: { tls: { certFile: cert.pem, keyFile: key.pem } } }');
  expect(found).toEqual([
    expect.stringContaining(path.join(folder, 'cert.pem')),
    expect.stringContaining(path.join(folder, 'key.pem')),
  ]);
});

test('an address beyond this machine is worth a warning', () => {
  const warnings = section('{ tcp: { host: 0.0.0.0 } }')?.warnings ?? [];
  expect(warnings).toEqual([
    expect.stringContaining('gateway.tcp.host'),
    expect.stringContaining('gateway.tcp.tls'),
  ]);
});
