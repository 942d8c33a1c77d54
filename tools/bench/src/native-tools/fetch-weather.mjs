import { defineTool } from '@mcp-bridge/tools';
import { Pool } from 'undici';

const MAX_ANSWER_BYTES = 64 * 1024;
const service = new Pool(process.env.BENCH_WEATHER_URL ?? 'http://127.0.0.1:9', { connections: 512 });

/** One request to a slow service. Waiting costs no thread, so it runs on the event loop. */
export default defineTool({
  name: 'fetch_weather',
  title: 'Fetch the weather',
  description: 'The weather of a city, as a service elsewhere tells it',
  inputSchema: {
    type: 'object',
    properties: { city: { type: 'string', minLength: 1, maxLength: 80 } },
    required: ['city'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: { city: { type: 'string' }, celsius: { type: 'number' } },
    required: ['city', 'celsius'],
  },
  annotations: { readOnlyHint: true, openWorldHint: true },
  cpu: false,
  timeoutMs: 10_000,
  async handler({ city }, { signal }) {
    const path = `/weather?city=${encodeURIComponent(city)}`;
    const { statusCode, body } = await service.request({ method: 'GET', path, signal });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`The weather service answered with status ${statusCode}`);
    }
    let text = '';
    for await (const chunk of body.setEncoding('utf8')) {
      text += chunk;
      if (text.length > MAX_ANSWER_BYTES) throw new Error('The weather service answered with too much');
    }
    return JSON.parse(text);
  },
});
