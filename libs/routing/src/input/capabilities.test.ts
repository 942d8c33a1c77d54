import { expect, test } from 'vitest';
import { mayAsk } from './capabilities.js';

test.each([
  ['{}', 'roots/list', {}, false],
  ['{"roots":{}}', 'roots/list', {}, true],
  ['{"sampling":{}}', 'sampling/createMessage', {}, true],
  ['{"sampling":{}}', 'sampling/createMessage', { tools: [] }, false],
  ['{"sampling":{"tools":{}}}', 'sampling/createMessage', { tools: [] }, true],
  ['{"elicitation":{}}', 'elicitation/create', {}, true],
  ['{"elicitation":{}}', 'elicitation/create', { mode: 'form' }, true],
  ['{"elicitation":{}}', 'elicitation/create', { mode: 'url' }, false],
  ['{"elicitation":{"url":{}}}', 'elicitation/create', { mode: 'url' }, true],
  ['{"elicitation":{"url":{}}}', 'elicitation/create', {}, false],
  ['{"elicitation":{"form":{},"url":{}}}', 'elicitation/create', {}, true],
  ['{"roots":{},"sampling":{},"elicitation":{}}', 'tools/call', {}, false],
])('a client with %s asked for %s %o: %s', (capabilities, method, params, expected) => {
  expect(mayAsk(capabilities, method, params)).toBe(expected);
});
