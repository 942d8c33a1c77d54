import { execFile } from 'node:child_process';
import { createServer, type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKeyring } from '@mcp-bridge/identity';
import { createTempFolder, type TempFolder } from '@mcp-bridge/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../bin/mcp-bridge.mjs', import.meta.url));
const example = fileURLToPath(new URL('../examples/bridge.yaml', import.meta.url));
let folder: TempFolder;
beforeAll(async () => {
  folder = await createTempFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: folder.path, env: { ...process.env, ...env } };
    const child = execFile(process.execPath, [bin, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** A port that somebody listens on. */
async function takePort(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address with a port.
  return { server, port: (server.address() as AddressInfo).port };
}

describe('mcp-bridge', () => {
  test('is a program by itself, whose first line finds Node', async () => {
    const outcome = await new Promise((resolve) => {
      execFile(bin, ['--version'], (error, stdout) => resolve({ error, stdout }));
    });
    expect(outcome).toEqual({ error: null, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('prints its help and version', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const command of ['start', 'gateway', 'router', 'check', 'tools', 'key']) {
      expect(help.stdout).toContain(`\n  ${command} `);
    }
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  test('exits 64 for arguments that mean nothing', async () => {
    expect(await run(['strat'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('unknown command'),
    });
    expect(await run(['start', '--prot', '1'])).toMatchObject({ code: 64 });
  });

  test('makes keys that the keyring accepts, never the same twice', async () => {
    const { stdout } = await run(['key', '--id', 'laptop', '--tenant', 'home']);
    const key = /mcpb_[\w-]{43}/.exec(stdout)?.[0] ?? '';
    const sha256 = /sha256: "([0-9a-f]{64})"/.exec(stdout)?.[1] ?? '';
    const keyring = createKeyring({ keys: [{ id: 'laptop', tenant: 'home', sha256 }] });
    expect(keyring.authenticate(`Bearer ${key}`, '')).toEqual({ id: 'laptop', tenant: 'home' });
    expect((await run(['key'])).stdout).not.toContain(key);
  });
});

describe('mcp-bridge check', () => {
  test('sums up a good file', async () => {
    const { code, stdout } = await run(['check', '-c', example]);
    expect(code).toBe(0);
    expect(stdout).toContain('ok: 3 servers');
    expect(stdout).toContain('files: stdio, node, isolation session');
  });

  test('prints every fault of a bad file and exits 78', async () => {
    const file = await folder.write(
      'bad.yaml',
      'gateway: { port: x }\nlog: { level: y }\nservers: { a: {} }\n',
    );
    const { code, stderr, stdout } = await run(['check', '-c', file], { MCP_BRIDGE_ADMIN__PORT: '-1' });
    expect(code).toBe(78);
    expect(stdout).toBe('');
    expect(stderr.split('\n')).toEqual([
      'bad.yaml:3:15: servers.a: needs "command" (to spawn) or "url" (to reach)',
      'bad.yaml:1:18: gateway.port: expected number, received string',
      'MCP_BRIDGE_ADMIN__PORT: admin.port: Too small: expected number to be >=0',
      expect.stringContaining('bad.yaml:2:15: log.level: Invalid option'),
      '4 faults',
      '',
    ]);
  });

  test('reads ./bridge.yaml, MCP_BRIDGE_CONFIG and --mcp-config', async () => {
    const own = await createTempFolder();
    try {
      const client = await own.write('client.json', '{"mcpServers":{"x":{"command":"node"}}}');
      expect((await run(['check', '--mcp-config', client])).stdout).toContain('ok: 1 server\n');
      expect((await run(['check'], { MCP_BRIDGE_CONFIG: client })).stdout).toContain('ok: 1 server\n');
      expect((await run(['check'])).stderr).toContain('auth: nobody could call');
      await folder.write('bridge.yaml', 'auth: { anonymous: {} }\n');
      expect((await run(['check'])).stdout).toContain('ok: 0 servers');
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe('mcp-bridge start', () => {
  test.each(['start', 'gateway', 'router'])(
    '%s refuses a bad file with 78 and opens nothing',
    async (command) => {
      // The port is ours: had the command tried to open it, it would complain of that and not of the level.
      const { server, port } = await takePort();
      const sections = ['gateway', 'router', 'admin'].map((section) => `${section}: { port: ${port} }`);
      const file = await folder.write('level.yaml', `${sections.join('\n')}\nlog: { level: y }\n`);
      const { code, stdout, stderr } = await run([command, '-c', file]);
      server.close();
      expect(code).toBe(78);
      expect(stdout).toBe('');
      expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('log.level: Invalid option')]);
    },
  );

  test.each(['gateway', 'router'])('a %s whose port is taken says which one and exits 1', async (role) => {
    const { server, port } = await takePort();
    const file = await folder.write(
      'taken.yaml',
      `${role}: { port: ${port} }\nauth: { anonymous: {} }\nadmin: { port: 0 }\n`,
    );
    const { code, stderr } = await run([role, '-c', file]);
    server.close();
    expect(stderr).toContain(`${role}: 127.0.0.1:${port} cannot be bound; is it in use`);
    expect(code).toBe(1);
  });

  test('says so when a file is missing', async () => {
    const missing = path.join(folder.path, 'none.yaml');
    expect(await run(['start', '-c', missing])).toMatchObject({
      code: 78,
      stderr: `cannot read ${missing} (ENOENT)\n`,
    });
  });
});

describe('mcp-bridge tools', () => {
  test('prints what a client would see, and names the servers that failed', async () => {
    const file = await folder.write(
      'tools.json',
      JSON.stringify({
        mcpServers: {
          memory: { command: process.execPath, args: [serverMemory], env: { MEMORY_FILE_PATH: '/dev/null' } },
          broken: { command: 'no-such-program-here' },
        },
      }),
    );
    const { code, stdout, stderr } = await run(['tools', '--mcp-config', file]);
    expect(stdout).toMatch(/^memory__create_entities {2,}\S/m);
    expect(stdout).toMatch(/\n\d+ tools\n$/);
    expect(stderr).toMatch(/^broken: /m);
    expect(code).toBe(1);
    const view = await run(['tools', '-c', file, '--view', 'memory', '--json']);
    expect(JSON.parse(view.stdout).tools.map((tool: { name: string }) => tool.name)).toContain('read_graph');
  });
});

const serverMemory = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-memory/dist/index.js'));
