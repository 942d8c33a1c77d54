import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConfigSources, loadConfig, readConfig } from './load-config.js';
import { faultLine } from './faults.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'mcp-bridge-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

function load(text: string, sources: ConfigSources = {}) {
  return loadConfig({ env: {}, file: write('bridge.yaml', text), ...sources });
}

function faults(text: string, sources: ConfigSources = {}): string[] {
  const result = readConfig({ env: {}, file: write('bridge.yaml', text), ...sources });
  return result.ok ? [] : result.faults.map(faultLine);
}

const OPEN = 'auth: { anonymous: {} }\n';

test('an empty file is a fault, not a configuration of nothing', () => {
  expect(faults('\n', { role: 'router' })).toEqual([
    'bridge.yaml: the file is empty; a configuration without any section is {}',
  ]);
  expect(faults('{}', { role: 'router' })).toEqual([]);
});

describe('a good file', () => {
  test('gets every default', () => {
    const { config } = load(`${OPEN}servers:\n  files: { command: node, args: [x.js], idleTtl: 5m }\n`);
    expect(config.servers['files']).toMatchObject({
      command: 'node',
      idleTtl: 300_000,
      isolation: 'session',
      timeout: 60_000,
    });
    expect([config.gateway.host, config.gateway.port]).toEqual(['127.0.0.1', 8080]);
    expect(config.admin.port).toBe(9464);
    expect(config.auth.anonymous).toEqual({ tenant: 'anonymous' });
  });

  test('takes one URL of a server, or several', () => {
    const { config } = load(
      `${OPEN}servers:\n  one: { url: "https://a.example/mcp" }\n  two: { url: [https://a.example/mcp, https://b.example/mcp], balance: session-hash, healthCheck: { interval: 2s } }\n`,
    );
    expect(config.servers['one']).toMatchObject({ url: ['https://a.example/mcp'], balance: 'round-robin' });
    expect(config.servers['two']).toMatchObject({
      url: ['https://a.example/mcp', 'https://b.example/mcp'],
      healthCheck: { interval: 2_000, timeout: 5_000, failures: 2, silence: 10_000, probe: 'mcp' },
      breaker: { failures: 5, openFor: 1_000 },
    });
  });

  test('may not list one URL of a server twice, or none', () => {
    const twice = '[https://a.example/mcp, https://a.example/mcp]';
    expect(faults(`${OPEN}servers: { a: { url: ${twice} } }`)).toEqual([
      expect.stringMatching(/servers\.a\.url: lists the same URL twice$/),
    ]);
    expect(faults(`${OPEN}servers: { a: { url: [] } }`)).toEqual([expect.stringMatching(/servers\.a\.url/)]);
  });

  test('names files relative to itself', () => {
    write('key', 'k'.repeat(32));
    const { config } = load(
      `${OPEN}gateway: { sessionKeyFile: key }\nservers: { a: { command: node, cwd: sub } }`,
    );
    expect(config.gateway.sessionKeyFile).toBe(path.join(folder, 'key'));
    expect(config.servers['a']).toMatchObject({ cwd: path.join(folder, 'sub') });
  });

  test('takes secrets from the environment and from files, and reports them for the log', () => {
    write('token', 'from-a-file\n');
    const { config, secrets } = load(
      `${OPEN}servers:\n  s:\n    url: https://s.example/mcp\n    headers: { a: "Bearer \${env:TOKEN}", b: "\${file:token}", c: "$\${env:TOKEN}" }\n`,
      { env: { TOKEN: 'from-the-environment' } },
    );
    expect(config.servers['s']).toMatchObject({
      headers: { a: 'Bearer from-the-environment', b: 'from-a-file', c: '${env:TOKEN}' },
    });
    expect(secrets).toEqual(['from-the-environment', 'from-a-file']);
  });
});

describe('a bad file', () => {
  test('reports all faults at once, each with line and path', () => {
    expect(
      faults(`${OPEN}gateway:
  port: 70000
  maxBodyBytes: 4 parsecs
  prot: 1
servers:
  a__b: { command: x }
  both: { command: x, url: "https://x.example" }
  none: { args: [] }
  typo: { command: x, timeout: -5, arg: [] }
  deep: { url: not a url }
log: { level: loud }
`),
    ).toEqual([
      'bridge.yaml:8:9: servers.both: has both "command" and "url"; keep one',
      'bridge.yaml:9:9: servers.none: needs "command" (to spawn) or "url" (to reach)',
      'bridge.yaml:10:32: servers.typo.timeout: Too small: expected number to be >=0',
      'bridge.yaml:10:41: servers.typo.arg: there is no such field',
      'bridge.yaml:11:16: servers.deep.url: Invalid URL',
      'bridge.yaml:7:9: servers.a__b: bad name: use letters, digits, ".", "-" and single "_"',
      'bridge.yaml:3:9: gateway.port: Too big: expected number to be <=65535',
      'bridge.yaml:4:17: gateway.maxBodyBytes: expected a size such as "64KiB" or "4MiB"',
      'bridge.yaml:5:9: gateway.prot: there is no such field',
      expect.stringMatching(/^bridge\.yaml:12:15: log\.level: Invalid option/),
    ]);
  });

  test('reports YAML syntax with line and column, without quoting the line', () => {
    const found = faults('auth:\n  keys: [\nsecret-value: x: y\n');
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toMatch(/^bridge\.yaml:3:\d+: /);
    expect(found.join('\n')).not.toContain('secret-value');
  });

  test('refuses duplicate keys', () => {
    expect(faults(`${OPEN}log: {}\nlog: {}\n`)).toEqual([
      expect.stringMatching(/^bridge\.yaml:3:1: .*unique/i),
    ]);
  });

  test('says which reference is missing', () => {
    expect(
      faults(`${OPEN}servers: { s: { command: x, env: { A: "\${env:NOPE}", B: "\${file:nope}" } } }`),
    ).toEqual([
      'bridge.yaml:2:39: servers.s.env.A: the environment variable NOPE is not set',
      'bridge.yaml:2:57: servers.s.env.B: cannot read the file nope (ENOENT)',
    ]);
  });

  test('holds fields against each other', () => {
    expect(
      faults(`
auth: { keys: [{ id: a, sha256: ${'f'.repeat(64)} }, { id: a, sha256: ${'f'.repeat(64)} }] }
servers: { a: { url: "http://user:pw@far.example/mcp" } }
views: { a: { servers: [a, b, a] } }
link: { tokenFile: missing }
`).map((line) => line.replace(/^bridge\.yaml:\d+:\d+: /, '')),
    ).toEqual([
      'views.a: /mcp/a is already the server "a"; rename the view',
      'views.a.servers[1]: there is no server "b"',
      'views.a.servers[2]: "a" is listed twice',
      'servers.a.url: must not hold a user or password; put the credential in "headers"',
      'servers.a.url: plain http beyond this machine; use https, or set allowPrivateNetwork: true',
      'auth.keys[1].sha256: the same key is listed twice',
      `link.tokenFile: cannot read ${path.join(folder, 'missing')} (ENOENT)`,
    ]);
  });

  test('refuses a gateway that nobody could call', () => {
    expect(faults('servers: {}\n')).toEqual([expect.stringContaining('auth: nobody could call')]);
    expect(faults('servers: {}\n', { role: 'router' })).toEqual([]);
  });

  test('refuses a router beyond loopback without a credential, and a gateway that would link to one', () => {
    expect(faults('servers: {}\nrouter: { host: 0.0.0.0 }\n', { role: 'stdio' })).toEqual([]);
    expect(faults('router: { host: 0.0.0.0 }', { role: 'router' })).toEqual([
      expect.stringContaining('link.tokenFile: required'),
    ]);
    expect(faults(`${OPEN}gateway: { routers: ["10.0.0.1:7400", "nonsense"] }`, { role: 'gateway' })).toEqual(
      [
        expect.stringContaining('gateway.routers[0]: a router beyond this machine needs'),
        expect.stringContaining('gateway.routers[1]: expected host:port'),
      ],
    );
    expect(faults(`${OPEN}gateway: { routers: ["[::1]:7400"] }`, { role: 'gateway' })).toEqual([]);
  });

  test('looks into the files of secrets, and quotes none of them', () => {
    write('weak', 'long enough, but with spaces');
    write('short', `${'k'.repeat(32)}\ntoo-short`);
    write('junk', 'no PEM');
    const found = faults(
      `${OPEN}link: { tokenFile: weak, tls: { certFile: junk, keyFile: junk, caFile: junk } }\ngateway: { sessionKeyFile: short }`,
    );
    expect(found.map((line) => line.replace(/^bridge\.yaml:\d+:\d+: /, ''))).toEqual([
      expect.stringMatching(/^gateway\.sessionKeyFile: every line must hold/),
      expect.stringMatching(/^link\.tokenFile: must hold at least 16 printable/),
      'link.tls.certFile: holds no PEM certificate',
      'link.tls.keyFile: holds no PEM private key without a passphrase',
      'link.tls.caFile: holds no PEM certificate',
    ]);
    expect(found.join('\n')).not.toMatch(/long enough|too-short/);
  });

  test('says so when the file is missing or no mapping', () => {
    const missing = readConfig({ env: {}, file: path.join(folder, 'none.yaml') });
    expect(missing.ok ? [] : missing.faults.map(faultLine)[0]).toMatch(
      /^cannot read .*none\.yaml \(ENOENT\)$/,
    );
    expect(faults('- a\n- b\n')[0]).toContain('expected a mapping of sections');
  });

  test('throws one CONFIG_INVALID that holds all faults', () => {
    expect(() => load('gateway: { port: x }\nlog: { level: y }\nauth: { anonymous: {} }')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/gateway\.port.*\n.*log\.level/),
      }),
    );
  });
});

describe('environment variables', () => {
  test('set any field, in any spelling', () => {
    const { config } = load(`${OPEN}servers: { My-Files: { command: node } }`, {
      env: {
        MCP_BRIDGE_GATEWAY__PORT: '9000',
        MCP_BRIDGE_GATEWAY__MAX_BODY_BYTES: '1MiB',
        MCP_BRIDGE_GATEWAY__CALLTIMEOUT: '500',
        MCP_BRIDGE_GATEWAY__ROUTERS: '127.0.0.1:1, 127.0.0.1:2',
        MCP_BRIDGE_GATEWAY__ALLOWED_ORIGINS: '["https://a.example"]',
        MCP_BRIDGE_SERVERS__MY_FILES__DISABLED: 'true',
        MCP_BRIDGE_SERVERS__MY_FILES__ENV__API__KEY: '0123',
        MCP_BRIDGE_SERVERS__EXTRA__URL: 'https://extra.example/mcp',
        MCP_BRIDGE_AUTH__KEYS__0__ID: '7',
        MCP_BRIDGE_AUTH__KEYS__0__SHA256: '1'.repeat(64),
        MCP_BRIDGE_LOG: '{ level: debug }',
      },
    });
    expect(config.gateway).toMatchObject({
      port: 9000,
      maxBodyBytes: 1024 ** 2,
      callTimeout: 500,
      routers: ['127.0.0.1:1', '127.0.0.1:2'],
      allowedOrigins: ['https://a.example'],
    });
    expect(config.servers['My-Files']).toMatchObject({ disabled: true, env: { API__KEY: '0123' } });
    expect(config.servers['extra']).toMatchObject({ url: ['https://extra.example/mcp'] });
    expect(config.auth.keys).toEqual([{ id: '7', sha256: '1'.repeat(64), tenant: 'default' }]);
    expect(config.log.level).toBe('debug');
  });

  test('are named in faults', () => {
    expect(
      faults(OPEN, {
        env: { MCP_BRIDGE_GATEWAY__PORT: 'many', MCP_BRIDGE_GATEWAY__PROT: '1', MCP_BRIDGE_NO__SUCH: 'x' },
      }),
    ).toEqual([
      'MCP_BRIDGE_GATEWAY__PROT: names no field of the configuration',
      'MCP_BRIDGE_NO__SUCH: names no field of the configuration',
      'MCP_BRIDGE_GATEWAY__PORT: gateway.port: expected number, received string',
    ]);
  });

  test('that an orchestrator injects are left alone', () => {
    const env = { MCP_BRIDGE_PORT: 'tcp://10.0.0.1:80', MCP_BRIDGE_GATEWAY_SERVICE_HOST: '10.0.0.1' };
    expect(faults(OPEN, { env })).toEqual([]);
  });

  test('cannot reach a prototype', () => {
    const env = { MCP_BRIDGE_SERVERS____proto____COMMAND: 'x', MCP_BRIDGE_AUTH____PROTO____POLLUTED: 'x' };
    expect(faults(OPEN, { env })).toHaveLength(2);
    expect(faults(`${OPEN}servers: { __proto__: { command: x, polluted: y } }`).join()).toContain('bad name');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('client-style files', () => {
  const CLIENT = {
    mcpServers: {
      'My Files': { command: 'node', args: ['f.js', '${ROOT:-/data}', '${UNSET}'], env: { A: '1' } },
      remote: { type: 'http', url: 'https://r.example/mcp', headers: { authorization: 'Bearer ${TOKEN}' } },
      stdio: { type: 'stdio', command: 'node', autoApprove: ['x'], disabled: true },
    },
    theme: 'dark',
  };

  test('are accepted as they are, by option and by detection', () => {
    const file = write('client.json', JSON.stringify(CLIENT));
    for (const sources of [{ mcpConfigFile: file }, { file }]) {
      const { config, warnings } = loadConfig({ env: { TOKEN: 't' }, ...sources });
      expect(config.servers['My-Files']).toMatchObject({
        args: ['f.js', '/data', '${UNSET}'],
        env: { A: '1' },
      });
      expect(config.servers['remote']).toMatchObject({ headers: { authorization: 'Bearer t' } });
      expect(config.servers['stdio']).toMatchObject({ disabled: true });
      expect(config.auth.anonymous).toBeDefined();
      expect(warnings).toContain('mcpServers: "My Files" is served as "My-Files"');
      expect(warnings).toContain('mcpServers.stdio: ignored autoApprove');
    }
  });

  test('leave it to the bridge which HTTP transport a URL speaks', () => {
    const old = { type: 'sse', url: 'https://old.example/sse' };
    const mcpConfigFile = write('client.json', JSON.stringify({ mcpServers: { old } }));
    const { config, warnings } = loadConfig({ env: {}, mcpConfigFile });
    expect(config.servers['old']).toMatchObject({ url: [old.url], transport: 'auto' });
    expect(warnings).toEqual([expect.stringMatching(/^auth: /)]);
  });

  test('join the servers of a bridge file, whose auth then counts', () => {
    const mcpConfigFile = write('client.json', JSON.stringify(CLIENT));
    const { config } = load(`${OPEN}servers: { own: { command: node } }`, { mcpConfigFile });
    expect(Object.keys(config.servers).sort()).toEqual(['My-Files', 'own', 'remote', 'stdio']);
    expect(faults('servers: { remote: { command: node } }', { mcpConfigFile })).toEqual([
      expect.stringContaining('mcpServers.remote: the other file has a server of this name too'),
      expect.stringContaining('auth: nobody could call'),
    ]);
  });

  test('do not open a gateway beyond loopback', () => {
    const mcpConfigFile = write('client.json', JSON.stringify(CLIENT));
    const result = readConfig({ mcpConfigFile, env: { MCP_BRIDGE_GATEWAY__HOST: '0.0.0.0' } });
    expect(result.ok ? [] : result.faults.map(faultLine)).toEqual([
      expect.stringContaining('auth: nobody could call'),
    ]);
  });

  test('report what cannot be meant', () => {
    const mcpConfigFile = write(
      'client.json',
      '{"mcpServers":{"a b":{"command":"x"},"a-b":{"command":"x"},\n"c":3,"d":{"type":"http","command":"x"},"e":{"command":7}}}',
    );
    const result = readConfig({ mcpConfigFile, env: {} });
    expect(result.ok ? [] : result.faults.map(faultLine)).toEqual([
      'client.json:1:44: mcpServers.a-b: becomes "a-b", which another server has; rename one',
      'client.json:2:5: mcpServers.c: expected an object with "command" or "url"',
      'client.json:2:19: mcpServers.d.type: does not fit the other fields; expected "stdio"',
      'client.json:2:56: servers.e.command: expected string, received number',
    ]);
  });
});

describe('advice', () => {
  test('names commands that are not there, without refusing', () => {
    const { warnings } = load(`${OPEN}servers: { a: { command: no-such-program-here } }`, {
      env: { PATH: '/usr/bin' },
    });
    expect(warnings).toEqual(['servers.a.command: not found; this server will not start']);
  });
});
