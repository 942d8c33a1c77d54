import { tmpdir } from 'node:os';
import { Client as LegacyStdioClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdioTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StdioClientTransport as ModernStdioTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, describe, expect, it } from 'vitest';
import {
  connectLegacyClient,
  connectModernClient,
  connectSseClient,
  createModernClient,
  fixtureCommand,
  modernRequest,
  openLegacySession,
  sendRaw,
  spawnFixtureHttp,
  startFixtureHttp,
  startFixtureSse,
  waitFor,
  type ClientAnswers,
} from './index.js';

const ANSWERS: ClientAnswers = {
  sampling: () => 'Paris',
  elicitation: () => ({ name: 'Ada', color: 'red', ok: true, username: 'ada', email: 'ada@example.org' }),
  roots: () => ['file:///home/ada'],
};

/** What every tool that needs input says in the end, whichever era carries the input. */
const ASKING_TOOLS = [
  ['test_sampling', { prompt: 'Capital of France?' }, 'LLM response: Paris'],
  [
    'test_elicitation',
    { message: 'Who are you?' },
    /^User response: action=accept, content=.*ada@example.org/,
  ],
  ['test_input_required_result_elicitation', {}, 'Hello, Ada!'],
  ['test_input_required_result_sampling', {}, 'Paris'],
  ['test_input_required_result_list_roots', {}, 'Roots: file:///home/ada'],
  ['test_input_required_result_request_state', {}, /state-ok/],
  ['test_input_required_result_multiple_inputs', {}, 'Paris Ada, you have 1 root(s).'],
  ['test_input_required_result_multi_round', {}, 'Ada likes red.'],
  ['test_input_required_result_capabilities', {}, 'Answered: client_roots, completion, user_name'],
] as const;

function textOf(result: unknown): string {
  return (result as { content: { text: string }[] }).content[0]!.text;
}

describe('the fixture over HTTP', async () => {
  const both = await startFixtureHttp();
  const legacy = await startFixtureHttp({ era: 'legacy' });
  const modern = await startFixtureHttp({ era: 'modern' });
  afterAll(() => Promise.all([both.close(), legacy.close(), modern.close()]));

  it.each(ASKING_TOOLS)('%s asks a legacy client by requests', async (name, args, expected) => {
    for (const { url } of [both, legacy]) {
      await using connection = await connectLegacyClient(url, { answers: ANSWERS });
      const result = await connection.client.callTool({ name, arguments: args });
      expect(textOf(result)).toMatch(expected);
    }
  });

  it.each(ASKING_TOOLS)('%s asks a modern client by input_required', async (name, args, expected) => {
    for (const { url } of [both, modern]) {
      await using connection = await connectModernClient(url, { answers: ANSWERS });
      const result = await connection.client.callTool({ name, arguments: args });
      expect(textOf(result)).toMatch(expected);
    }
  });

  it('refuses a modern caller that lacks a capability, and asks a legacy one all the same', async () => {
    const call = { name: 'test_missing_capability', arguments: {} };
    const refused = await sendRaw(both.url, modernRequest('tools/call', call));
    expect(refused.status).toBe(400);
    expect(refused.message.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { sampling: {} } },
    });
    const session = await openLegacySession(both.url);
    await using stream = await session.open('tools/call', call, 9);
    const question = await stream.nextMessage();
    expect(question?.method).toBe('sampling/createMessage');
    await session.post({ id: question?.id, error: { code: -32601, message: 'no model here' } });
    const answer = await stream.nextMessage(({ id, method }) => id === 9 && method === undefined);
    expect(answer?.result).toMatchObject({ isError: true });
    await session.end();
  });

  it('refuses a modern request in legacy-only mode and initialize in modern-only mode', async () => {
    const discover = await sendRaw(legacy.url, modernRequest('server/discover'));
    expect(discover.status).toBe(400);
    expect(discover.message.result).toBeUndefined();
    const session = await openLegacySession(modern.url);
    expect(session.initialized.error?.code).toBe(-32022);
  });

  it('keeps sessions apart and forgets them after DELETE', async () => {
    const one = await openLegacySession(both.url);
    const two = await openLegacySession(both.url);
    await one.request('tools/call', { name: 'probe_memory', arguments: { text: 'mine' } });
    const seenByTwo = await two.request('tools/call', { name: 'probe_memory', arguments: {} });
    const seenByOne = await one.request('tools/call', { name: 'probe_memory', arguments: {} });
    expect(textOf(seenByTwo.message.result)).toBe('');
    expect(textOf(seenByOne.message.result)).toBe('mine');
    expect((await one.end()).status).toBe(200);
    expect((await one.request('ping')).status).toBe(404);
    await two.end();
  });

  it('resumes a stream that it closed in mid-call', async () => {
    const session = await openLegacySession(both.url);
    await using stream = await session.open('tools/call', { name: 'test_reconnection', arguments: {} }, 7);
    const priming = await stream.nextEvent();
    expect(priming?.retryMs).toBe(200);
    expect(await stream.nextMessage()).toBeUndefined();
    await using resumed = await session.listen(priming!.id!);
    const message = await resumed.nextMessage(({ id }) => id === 7);
    expect(textOf(message?.result)).toBe('Reconnection test completed');
    await session.end();
  });

  it('announces a changed list to legacy sessions and to modern listeners, and changes it', async () => {
    const fixture = await startFixtureHttp();
    try {
      let heard = 0;
      await using legacyClient = await connectLegacyClient(fixture.url);
      legacyClient.client.fallbackNotificationHandler = async ({ method }) => {
        if (method === 'notifications/tools/list_changed') heard += 1;
      };
      await using modernClient = await connectModernClient(fixture.url);
      await modernClient.client.callTool({ name: 'test_trigger_tool_change', arguments: {} });
      await waitFor(() => heard > 0, { what: 'tools/list_changed' });
      const names = (await legacyClient.client.listTools()).tools.map(({ name }) => name);
      expect(names).toContain('test_changed_tool');
    } finally {
      await fixture.close();
    }
  });

  it('tells a subscribed legacy session about a changed resource, and no other', async () => {
    const [watching, other] = [await openLegacySession(both.url), await openLegacySession(both.url)];
    await using stream = await watching.listen();
    await using silent = await other.listen();
    await watching.request('resources/subscribe', { uri: 'test://watched-resource' });
    await other.request('tools/call', { name: 'test_trigger_resource_update', arguments: {} });
    const update = await stream.nextMessage();
    expect(update?.params?.['uri']).toBe('test://watched-resource');
    await other.request('tools/call', { name: 'test_trigger_prompt_change', arguments: {} });
    // Messages of a stream keep their order: the first one is not the resource's.
    expect((await silent.nextMessage())?.method).toBe('notifications/prompts/list_changed');
    await Promise.all([watching.end(), other.end()]);
  });

  it('pages its lists when told to', async () => {
    await using fixture = await startFixtureHttp({ pageSize: 10 });
    const names: unknown[] = [];
    let cursor: unknown;
    let pages = 0;
    do {
      const reply = await sendRaw(
        fixture.url,
        modernRequest('tools/list', cursor === undefined ? {} : { cursor }),
      );
      names.push(...(reply.message.result?.['tools'] as unknown[]));
      cursor = reply.message.result?.['nextCursor'];
      pages += 1;
    } while (cursor !== undefined);
    const whole = await sendRaw(both.url, modernRequest('tools/list'));
    expect(names).toHaveLength((whole.message.result?.['tools'] as unknown[]).length);
    expect(pages).toBe(Math.ceil(names.length / 10));
    const forged = await sendRaw(fixture.url, modernRequest('tools/list', { cursor: 'forged' }));
    expect(forged.message.error?.code).toBe(-32602);
  });

  it('answers a hostile Origin with 403', async () => {
    const { headers, body } = modernRequest('server/discover');
    const reply = await sendRaw(both.url, { headers: { ...headers, origin: 'https://evil.example' }, body });
    expect(reply.status).toBe(403);
  });
});

describe('the fixture on stdio', () => {
  it('serves the 1.x client from any folder, in legacy-only mode', async () => {
    const transport = new LegacyStdioTransport({ ...fixtureCommand({ era: 'legacy' }), cwd: tmpdir() });
    const client = new LegacyStdioClient({ name: 'test', version: '1' });
    await client.connect(transport);
    try {
      const result = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
      expect(textOf(result)).toBe('hello');
    } finally {
      await client.close();
    }
  });

  it.each(['both', 'modern'] as const)('serves the 2.x client in mode %s', async (era) => {
    const client = createModernClient({ answers: ANSWERS });
    await client.connect(new ModernStdioTransport(fixtureCommand({ era })));
    try {
      const result = await client.callTool({ name: 'test_input_required_result_multi_round', arguments: {} });
      expect(textOf(result)).toBe('Ada likes red.');
      expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    } finally {
      await client.close();
    }
  });
});

describe('the fixture as a process', () => {
  it('can be told to die in mid-call', async () => {
    await using fixture = await spawnFixtureHttp();
    const call = sendRaw(
      fixture.url,
      modernRequest('tools/call', { name: 'probe_exit', arguments: { code: 3 } }),
    );
    await expect(call).rejects.toThrow();
    expect(await fixture.service.exited).toEqual({ code: 3, signal: null });
  });
});

describe('over HTTP+SSE', () => {
  it('answers and asks a client on its stream, and ends it when told', async () => {
    await using fixture = await startFixtureSse();
    await using connected = await connectSseClient(fixture.url, { answers: ANSWERS });
    const { client } = connected;
    const reply = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'Capital?' } });
    expect(JSON.stringify(reply)).toContain('LLM response: Paris');
    expect(fixture.streamCount).toBe(1);
    const ended = new Promise((resolve) => (client.onerror = resolve));
    fixture.cutStreams();
    await ended;
  });
});
