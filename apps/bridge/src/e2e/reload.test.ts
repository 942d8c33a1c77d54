import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import {
  changingServerCommand,
  createLegacyClient,
  createTempFolder,
  fixtureCommand,
  type JsonObject,
  modernRequest,
  openLegacySession,
  openRaw,
  sendRaw,
  waitFor,
} from '@mcp-bridge/testkit';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { type RunningBridge, type RunningBridgeOptions, startBridge } from './running-bridge.js';

vi.setConfig({ testTimeout: 90_000 });

const OLD = fixtureCommand({ era: 'legacy' });
const NEW = fixtureCommand({ era: 'modern' });
const folder = await createTempFolder();
const started: RunningBridge[] = [];
let bridge: RunningBridge;
afterEach(async () => {
  for (const one of started.splice(0)) await one[Symbol.asyncDispose]();
});
afterAll(() => folder[Symbol.asyncDispose]());

async function start(options: RunningBridgeOptions): Promise<void> {
  bridge = await startBridge(options);
  started.push(bridge);
}

interface Outcome {
  readonly status: number;
  readonly text: string;
}

async function call(
  name: string,
  args: JsonObject = {},
  headers: Record<string, string> = {},
): Promise<Outcome> {
  const request = modernRequest('tools/call', { name, arguments: args });
  const reply = await sendRaw(bridge.url, { ...request, headers: { ...request.headers, ...headers } });
  const { result, error } = reply.message;
  if (error !== undefined) return { status: reply.status, text: `${error.code} ${error.message}` };
  return { status: reply.status, text: (result?.['content'] as { text: string }[])[0]?.text ?? '' };
}

async function toolNames(view = ''): Promise<string[]> {
  const { message } = await sendRaw(`${bridge.url}${view}`, modernRequest('tools/list', {}));
  return ((message.result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name);
}

/** What the admin server of a process tells. */
async function admin(route: string): Promise<string> {
  const port = /"url":"http:\/\/127\.0\.0\.1:(\d+)","msg":"admin server listens"/.exec(
    bridge.router.output,
  )?.[1];
  return (await sendRaw(`http://127.0.0.1:${port}${route}`, { method: 'GET' })).text;
}

async function configState(): Promise<JsonObject> {
  return (JSON.parse(await admin('/debug/state')) as { parts: { config: JsonObject } }).parts.config;
}

test.each(['one', 'two'] as const)(
  'no call fails and no connection is dropped over 20 reloads, in %s process',
  async (topology) => {
    await start({ topology, servers: { old: OLD, new: NEW } });
    const session = await openLegacySession(bridge.url);
    const headers = { ...session.headers, accept: 'text/event-stream' };
    await using stream = await openRaw(bridge.url, { method: 'GET', headers, timeoutMs: 90_000 });
    let stopped = false;
    let calls = 0;
    const failures: Outcome[] = [];
    const callers = ['old', 'new'].flatMap((server) =>
      Array.from({ length: 3 }, async () => {
        while (!stopped) {
          const outcome = await call(`${server}__echo`, { text: 'hello' });
          if (outcome.text !== 'hello') failures.push(outcome);
          calls += 1;
        }
      }),
    );
    const inSession = async (): Promise<void> => {
      while (!stopped) {
        const echo = { name: 'old__echo', arguments: { text: 'x' } };
        const replies = [await session.request('tools/call', echo), await session.request('tools/list')];
        for (const { message, status, text } of replies) {
          if (message.result === undefined) failures.push({ status, text });
        }
        calls += 1;
      }
    };
    callers.push(inSession());
    for (let n = 1; n <= 20; n += 1) {
      // Each is a new process; a third server comes and goes.
      const env = { RELOAD: String(n) };
      const more = n % 2 === 0 ? {} : { more: NEW };
      await bridge.configure({
        servers: { old: { ...OLD, env }, new: n % 3 === 0 ? { ...NEW, env } : NEW, ...more },
      });
      await bridge.reload();
      const enough = calls + 20;
      await waitFor(() => calls >= enough, { timeoutMs: 20_000, what: 'calls on what is served now' });
    }
    stopped = true;
    await Promise.all(callers);
    expect(failures).toEqual([]);
    await bridge.configure({ servers: { old: OLD } });
    await bridge.reload();
    // The stream that was opened before all this is still there, and said so each time.
    const heard = await stream.nextMessage(({ method }) => method === 'notifications/tools/list_changed');
    expect(heard).toBeDefined();
    expect(await toolNames()).not.toContain('new__echo');
  },
);

test('a call in flight on a changed server has its reply, with its progress on the way', async () => {
  await start({ topology: 'two', servers: { old: OLD } });
  const params = { name: 'old__probe_sleep', arguments: { ms: 3_000, steps: 6 } };
  const request = modernRequest('tools/call', params, { progressToken: 'p' });
  await using flying = await openRaw(bridge.url, { ...request, timeoutMs: 30_000 });
  const isProgress = ({ method }: { method?: string }): boolean => method === 'notifications/progress';
  expect(await flying.nextMessage(isProgress)).toBeDefined();
  await bridge.configure({ servers: { old: { ...OLD, env: { CHANGED: 'yes' } } } });
  await bridge.reload();
  expect(await call('old__echo', { text: 'the new one' })).toMatchObject({ text: 'the new one' });
  expect(await flying.nextMessage(isProgress)).toBeDefined();
  const reply = await flying.nextMessage(({ result }) => result !== undefined);
  expect(JSON.stringify(reply?.result)).toContain('slept 3000 ms');
});

test('a bad file is refused whole, with all its faults, until a good one comes', async () => {
  await start({ servers: { old: OLD } });
  const bad = {
    servers: { old: { command: 1 }, new: NEW },
    views: { v: { servers: ['nobody'] } },
    made: 'up',
  };
  await bridge.configure(JSON.stringify({ auth: { anonymous: {} }, ...bad }));
  await bridge.reload();
  expect(await toolNames()).toEqual(expect.arrayContaining(['old__echo']));
  expect((await toolNames()).some((name) => name.startsWith('new__'))).toBe(false);
  const { lastReload } = (await configState()) as { lastReload: { outcome: string; faults: string[] } };
  expect(lastReload.outcome).toBe('refused');
  for (const field of ['servers.old.command', 'made']) {
    expect(lastReload.faults.join('\n')).toContain(field);
    expect(bridge.gateway.output).toContain(field);
  }
  // The changed file may have been noticed besides the signal.
  expect(await admin('/metrics')).toMatch(/mcp_config_reloads_total\{outcome="refused"\} [12]\n/);
  await bridge.configure('{');
  await bridge.reload();
  expect((await call('old__echo', { text: 'still' })).text).toBe('still');
  await bridge.configure({ servers: { old: OLD, new: NEW }, config: { gateway: { maxBodyBytes: '1MiB' } } });
  await bridge.reload();
  expect(await toolNames()).toContain('new__echo');
  expect(await configState()).toMatchObject({
    lastReload: { outcome: 'applied' },
    needsRestart: ['gateway.maxBodyBytes'],
  });
});

test('changed files are noticed without a signal: the configuration, and a tool module', async () => {
  const tool = (answer: string): string =>
    `export default { name: 'say', inputSchema: {}, handler: () => '${answer}' };`;
  const file = path.join(folder.path, 'say.mjs');
  await writeFile(file, tool('one'));
  const config = { tools: [file], workers: { threads: 1 } };
  await start({ servers: {}, config });
  expect((await call('tools__say')).text).toBe('one');
  await writeFile(file, tool('two'));
  await waitFor(async () => (await call('tools__say')).text === 'two', {
    timeoutMs: 20_000,
    what: 'version two',
  });
  await writeFile(file, 'throw new Error("not today");');
  await waitFor(async () => (await admin('/debug/state')).includes('not today'), { timeoutMs: 20_000 });
  expect((await call('tools__say')).text).toBe('two');
  await bridge.configure({ servers: { old: OLD }, config });
  await waitFor(async () => (await toolNames()).includes('old__echo'), {
    timeoutMs: 20_000,
    what: 'the server',
  });
  expect((await call('tools__say')).text).toBe('two');
});

test('a pinned tool that changes is refused until the operator has looked at it', async () => {
  const file = path.join(folder.path, 'tools.json');
  const define = (description: string): Promise<void> =>
    writeFile(
      file,
      JSON.stringify(['say', 'exit'].map((name) => ({ name, description, inputSchema: { type: 'object' } }))),
    );
  await define('Says its name');
  const server = { ...changingServerCommand(file), pin: true, isolation: 'shared' };
  await start({ topology: 'two', servers: { pinned: server } });
  expect(await toolNames()).toEqual(['pinned__say', 'pinned__exit']);
  await define('Says its name, and where you live');
  // Its process is lost, and starts again with other definitions.
  await call('pinned__exit');
  expect((await call('pinned__say')).text).toContain('-31007 Tool "say" of server "pinned" is blocked');
  expect(await toolNames()).toEqual([]);
  expect(await admin('/metrics')).toContain('mcp_tools_blocked{server="pinned"} 2');
  expect(bridge.router.output).toContain('the tool is blocked until the configuration is reloaded');
  await bridge.reload();
  expect((await call('pinned__say')).text).toBe('say');
});

test('mcp-bridge stdio takes over servers, and tells its client', async () => {
  await using own = await createTempFolder();
  const configure = (servers: JsonObject): Promise<string> =>
    own.write('bridge.json', JSON.stringify({ servers }));
  const command = fileURLToPath(new URL('../../bin/mcp-bridge.mjs', import.meta.url));
  const args = [command, 'stdio', '-c', await configure({ old: OLD })];
  const transport = new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' });
  const client = createLegacyClient();
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  const changed = new Promise<void>((resolve) => {
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve());
  });
  const names = async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name);
  expect(await names()).not.toContain('new__echo');
  await configure({ old: OLD, new: NEW });
  process.kill(transport.pid ?? 0, 'SIGHUP');
  await changed;
  expect(await names()).toEqual(expect.arrayContaining(['old__echo', 'new__echo']));
  await client.close();
});

test('a gateway alone takes over keys: a removed one is refused, and its stream ends', async () => {
  const keyOf = (id: string) => ({ id, sha256: createHash('sha256').update(id).digest('hex') });
  const as = (id: string) => ({ authorization: `Bearer ${id}` });
  const withKeys = (...ids: string[]) => ({
    servers: { old: OLD },
    config: { auth: { keys: ids.map(keyOf) } },
  });
  await start({ topology: 'two', ...withKeys('ada', 'bob') });
  const session = await openLegacySession(bridge.url, { headers: as('ada') });
  await using stream = await session.listen();
  const echo = (id: string) => call('old__echo', { text: id }, as(id));
  expect(await echo('ada')).toEqual({ status: 200, text: 'ada' });
  await bridge.configure(withKeys('bob', 'eve'));
  await bridge.reload();
  const outcomes = await Promise.all(['ada', 'bob', 'eve'].map(echo));
  expect(outcomes.map(({ status }) => status)).toEqual([401, 200, 200]);
  // Resolves only when the stream has ended.
  await stream.text();
});
