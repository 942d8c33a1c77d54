import { expect, test } from 'vitest';
import { pinDigest } from './pin-digest.js';

const digest = (json: string): string => pinDigest(Buffer.from(json));

test('does not depend on the order of members, on spaces, the spelling of strings or _meta', () => {
  const same = [
    '{"name":"a","inputSchema":{"type":"object","properties":{"x":{"minimum":1}}}}',
    '{ "inputSchema" : { "properties":{"x":{"minimum":1}}, "type":"object" }, "name":"\\u0061" }',
    '{"name":"a","_meta":{"at":1},"inputSchema":{"type":"object","properties":{"x":{"minimum":1}}}}',
  ];
  expect(new Set(same.map(digest)).size).toBe(1);
  expect(digest(same[0] ?? '')).toMatch(/^[0-9a-f]{64}$/);
});

test('depends on all else: texts, order in lists, repeated members, numbers that a double cannot hold', () => {
  const different = [
    '{"name":"a"}',
    '{"name":"b"}',
    '{"name":"a","title":"a"}',
    '{"name":"a","description":"x","description":"y"}',
    '{"name":"a","description":"y"}',
    '{"name":"a","annotations":{"readOnlyHint":true}}',
    '{"name":"a","annotations":{"readOnlyHint":false}}',
    '{"name":"a","x":[1,2]}',
    '{"name":"a","x":[2,1]}',
    '{"name":"a","x":9007199254740993}',
    '{"name":"a","x":9007199254740992}',
    '{"name":"a","x":{"_meta":1}}',
    '{"name":"a","x":{"_meta":2}}',
  ];
  expect(new Set(different.map(digest)).size).toBe(different.length);
});
