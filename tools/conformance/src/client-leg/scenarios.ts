import type { ClientAnswers } from '@mcp-bridge/testkit';
import { z } from 'zod';
import { toolNamesOnTheWire, type ClientEra, type SdkClient } from './connect.js';

/** What a scenario has to work with. */
export interface ScenarioSession {
  readonly client: SdkClient;
  readonly era: ClientEra;
  /** The bridge's route to the suite's server; that server's own URL when there is no bridge. */
  readonly url: string;
  readonly direct: boolean;
  /** What the suite tells the client of this scenario. */
  readonly context: unknown;
}

/** What the client in front of the bridge does in one scenario of the suite. */
export interface ClientScenario {
  run(session: ScenarioSession): Promise<void>;
  /** The user of the client, in scenarios that ask one. `client` is the connected one. */
  answers?(client: () => SdkClient): ClientAnswers;
}

/** The client scenarios that are not about authorization, by the suite's names. */
export const CLIENT_SCENARIOS: Readonly<Record<string, ClientScenario>> = {
  initialize: { run: listTools },
  tools_call: { run: ({ client }) => callListedTools(client, { a: 2, b: 3 }) },
  'elicitation-sep1034-client-defaults': {
    run: ({ client }) => callListedTools(client, {}),
    answers: () => ({ elicitation: acceptWithDefaults }),
  },
  'sse-retry': { run: ({ client }) => callListedTools(client, {}) },
  'request-metadata': {
    run: callsUnlistedTool,
    // Each answer declares its capability, whose form the scenario checks.
    answers: () => ({ elicitation: acceptWithDefaults, sampling: () => '', roots: () => [] }),
  },
  'sep-2322-client-request-state': { run: asksForInput, answers: callsAnotherToolMeanwhile },
  'http-standard-headers': { run: usesEveryFeature },
  'http-custom-headers': { run: callsAsTold },
  'http-invalid-tool-headers': { run: callsWhatIsListed },
  'json-schema-ref-no-deref': { run: listTools },
  'json-schema-2020-12-preservation': { run: echoesSchema },
};

async function listTools({ client }: ScenarioSession): Promise<void> {
  await client.listTools();
}

/** The server lists none but takes any call, which carries what this client declares. */
async function callsUnlistedTool(session: ScenarioSession): Promise<void> {
  await listTools(session);
  await session.client.callTool({ name: 'unlisted', arguments: {} });
}

async function callListedTools(client: SdkClient, args: Record<string, unknown>): Promise<void> {
  const { tools } = await client.listTools();
  if (tools.length === 0) throw new Error('the bridge lists no tools');
  for (const { name } of tools) await client.callTool({ name, arguments: args });
}

const Form = z.object({
  requestedSchema: z.object({
    properties: z.record(z.string(), z.object({ default: z.union([z.string(), z.number(), z.boolean()]) })),
  }),
});

/** Accepts a form as it was proposed. */
function acceptWithDefaults(params: unknown): Record<string, string | number | boolean> {
  const { properties } = Form.parse(params).requestedSchema;
  return Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, field.default]));
}

async function asksForInput({ client }: ScenarioSession): Promise<void> {
  await client.listTools();
  for (const name of ['test_mrtr_echo_state', 'test_mrtr_no_state', 'test_mrtr_no_result_type'])
    await client.callTool({ name, arguments: {} });
}

/** Between the question and its answer another tool is called, which must see nothing of either. */
function callsAnotherToolMeanwhile(client: () => SdkClient): ClientAnswers {
  return {
    async elicitation() {
      await client().callTool({ name: 'test_mrtr_unrelated', arguments: {} });
      return { confirmed: true };
    },
  };
}

async function usesEveryFeature({ client }: ScenarioSession): Promise<void> {
  await callListedTools(client, {});
  for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
  for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
}

const ToolCalls = z.object({
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })),
});

async function callsAsTold({ client, context }: ScenarioSession): Promise<void> {
  await client.listTools();
  for (const call of ToolCalls.parse(context).toolCalls) await client.callTool(call);
}

/** The bridge must not list tools whose annotations are invalid, whether or not its client would hide them. */
async function callsWhatIsListed({ client, era, url, direct }: ScenarioSession): Promise<void> {
  await callListedTools(client, { region: 'north' });
  if (direct) return;
  const kept = new Set((await client.listTools()).tools.map(({ name }) => name));
  const hidden = (await toolNamesOnTheWire(era, url)).filter((name) => !kept.has(name));
  if (hidden.length > 0)
    throw new Error(`the bridge lists tools that no client can call: ${hidden.join(', ')}`);
}

async function echoesSchema({ client }: ScenarioSession): Promise<void> {
  const { tools } = await client.listTools();
  const tool = tools.find(({ name }) => name === 'json_schema_2020_12_tool');
  if (tool === undefined) throw new Error('the bridge does not list json_schema_2020_12_tool');
  await client.callTool({ name: 'json_schema_echo', arguments: { schema: tool.inputSchema } });
}
