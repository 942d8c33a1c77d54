import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import {
  createTempFolder,
  fixtureCommand,
  modernRequest,
  openLegacySession,
  openRaw,
  sendRaw,
} from '@mcp-bridge/testkit';
import { startFleet } from './running-bridge.js';

const folder = await createTempFolder();
const sessionKeyFile = await folder.write('session.key', randomBytes(32).toString('hex'));
const fleet = await startFleet({
  gateways: 2,
  routers: 3,
  servers: { old: fixtureCommand({ era: 'legacy' }), new: fixtureCommand({ era: 'modern' }) },
  config: { gateway: { sessionKeyFile } },
});
const [here = '', there = ''] = fleet.urls;
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const SAMPLED = { role: 'assistant', model: 'm', content: { type: 'text', text: 'answered over there' } };
const CALL = { name: 'test_sampling', arguments: { prompt: 'p' } };
/** More rounds than routers: a retry that went anywhere would miss. */
const ROUNDS = 8;

test.each(['old', 'new'])(
  'a legacy client may answer a question of a %s server through another gateway',
  async (server) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const session = await openLegacySession(`${here}/${server}`, { capabilities: { sampling: {} } });
      await using stream = await session.open('tools/call', CALL);
      const question = await stream.nextMessage(({ method }) => method === 'sampling/createMessage');
      const answer = { jsonrpc: '2.0', id: question?.id, result: SAMPLED };
      const accepted = await sendRaw(`${there}/${server}`, { headers: session.headers, body: answer });
      expect(accepted.status).toBe(202);
      const reply = await stream.nextMessage(
        ({ result, error }) => result !== undefined || error !== undefined,
      );
      expect(JSON.stringify(reply?.result)).toContain('answered over there');
    }
  },
  60_000,
);

test('a stateless client may bring its answer to another gateway, and finds the call that is held', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const capabilities = { sampling: {} };
    const asked = await sendRaw(`${here}/old`, modernRequest('tools/call', CALL, { capabilities }));
    const { inputRequests, requestState } = asked.message.result as {
      inputRequests: object;
      requestState: string;
    };
    const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, SAMPLED]));
    const retry = { ...CALL, inputResponses, requestState };
    const reply = await sendRaw(`${there}/old`, modernRequest('tools/call', retry, { capabilities, id: 2 }));
    expect(JSON.stringify(reply.message.result)).toContain('answered over there');
  }
}, 60_000);

test('a stream that broke at one gateway is resumed at another', async () => {
  const session = await openLegacySession(`${here}/old`, { capabilities: { sampling: {} } });
  const stream = await session.open('tools/call', CALL);
  let lastEventId = '';
  let question: unknown;
  while (question === undefined) {
    const event = await stream.nextEvent();
    lastEventId = event?.id ?? lastEventId;
    if (event?.data) question = (JSON.parse(event.data) as { id: unknown }).id;
  }
  stream.close();
  await sendRaw(`${there}/old`, {
    headers: session.headers,
    body: { jsonrpc: '2.0', id: question, result: SAMPLED },
  });
  await using resumed = await openRaw(`${there}/old`, {
    method: 'GET',
    headers: { ...session.headers, accept: 'text/event-stream', 'last-event-id': lastEventId },
  });
  const reply = await resumed.nextMessage();
  expect(JSON.stringify(reply?.result)).toContain('answered over there');
}, 60_000);
